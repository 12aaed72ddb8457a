#include "models/kernels/motion_input.h"

#include <ATen/Parallel.h>

#include "common/core/error.h"
#include "common/cpu/motion_rows.h"
#include "models/kernels/cpu_kernels.h"

namespace semcodec {
namespace {

constexpr std::int64_t kPicture = cpu::kMotionPicture, kChannels = cpu::kMotionChannels;

void require_motion(bool good) {
  require(good, ErrorKind::internal,
          "The interpolator's motion step got tensors of a shape or type that it does not take.");
}

}  // namespace

torch::Tensor motion_input(const torch::Tensor& small_a, const torch::Tensor& small_b,
                           const torch::Tensor& flow_a, const torch::Tensor& flow_b, float tau,
                           float interval, torch::Dtype type) {
  cpu::MotionView view{};
  view.height = small_a.size(2);
  view.width = small_a.size(3);
  view.tau = tau;
  view.interval = interval;
  torch::Tensor held[4];
  const torch::Tensor smalls[] = {small_a, small_b}, flows[] = {flow_a, flow_b};
  for (std::size_t i = 0; i < 2; ++i) {
    require_motion(smalls[i].sizes() == at::IntArrayRef({1, kPicture, view.height, view.width}) &&
                   flows[i].sizes() == at::IntArrayRef({1, 2, view.height, view.width}) &&
                   smalls[i].is_cpu() && flows[i].is_cpu());
    held[2 * i] = smalls[i].to(torch::kFloat32).contiguous(at::MemoryFormat::ChannelsLast);
    held[2 * i + 1] = flows[i].to(torch::kFloat32).contiguous();
    view.small[i] = held[2 * i].const_data_ptr<float>();
    view.flow[i][0] = held[2 * i + 1].const_data_ptr<float>();
    view.flow[i][1] = view.flow[i][0] + view.height * view.width;
  }
  auto out = torch::empty({1, kChannels, view.height, view.width},
                          torch::dtype(type).memory_format(at::MemoryFormat::ChannelsLast));
  require_motion(type == torch::kFloat32 || type == torch::kBFloat16);
  at::parallel_for(0, view.height, 8, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t y = first; y < last; ++y) {
      const std::int64_t at = y * view.width * kChannels;
      if (type == torch::kFloat32) {
        cpu::fill_motion_row(view, y, kernels::mutable_elements<float>(out) + at);
      } else {
        cpu::fill_motion_row(view, y, kernels::mutable_elements<cpu::Bfloat>(out) + at);
      }
    }
  });
  return out;
}

}  // namespace semcodec
