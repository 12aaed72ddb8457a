#include "models/kernels/motion_input.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "common/core/error.h"
#include "models/kernels/cpu_kernels.h"
#include "models/kernels/wide_floats.h"

namespace semcodec {
namespace {

using kernels::EightFloats;
using kernels::load_eight;
using kernels::put;
using kernels::store_eight;

constexpr std::int64_t kPicture = 12, kChannels = 32;
constexpr float kCell = 4, kFlowUnit = 16;  // pixels

struct View {
  const float* small[2];    // of A and B: height × width × 12
  const float* flow[2][2];  // x and y of the flows to A and B: height × width
  std::int64_t height, width;
  float tau, interval;
};

/// One picture's channels of one cell, taken from (x, y) of it, clamped at the border.
template <typename T>
inline __attribute__((always_inline)) void sample(const float* small, float x, float y,
                                                  const View& view, T* out) {
  // Written so that a NaN takes the second operand; one cell beyond the border is enough.
  x = x > -1.0F ? x : -1.0F;
  x = x < static_cast<float>(view.width) ? x : static_cast<float>(view.width);
  y = y > -1.0F ? y : -1.0F;
  y = y < static_cast<float>(view.height) ? y : static_cast<float>(view.height);
  const auto ix = static_cast<std::int64_t>(x + 1.0F) - 1;
  const auto iy = static_cast<std::int64_t>(y + 1.0F) - 1;
  const float fx = x - static_cast<float>(ix), fy = y - static_cast<float>(iy);
  const auto x0 = std::clamp<std::int64_t>(ix, 0, view.width - 1) * kPicture,
             x1 = std::clamp<std::int64_t>(ix + 1, 0, view.width - 1) * kPicture,
             y0 = std::clamp<std::int64_t>(iy, 0, view.height - 1) * view.width * kPicture,
             y1 = std::clamp<std::int64_t>(iy + 1, 0, view.height - 1) * view.width * kPicture;
  const float *p00 = small + y0 + x0, *p01 = small + y0 + x1, *p10 = small + y1 + x0,
              *p11 = small + y1 + x1;
  // Twelve channels as two runs of eight that overlap.
  for (const std::int64_t c : {0, 4}) {
    const EightFloats a = load_eight(p00 + c), b = load_eight(p10 + c);
    const EightFloats top = a + fx * (load_eight(p01 + c) - a);
    const EightFloats bottom = b + fx * (load_eight(p11 + c) - b);
    store_eight(out + c, top + fy * (bottom - top));
  }
}

template <typename T>
inline __attribute__((always_inline)) void fill_loop(const View& view, std::int64_t y, T* out) {
  for (std::int64_t x = 0; x < view.width; ++x, out += kChannels) {
    const std::int64_t at = y * view.width + x;
    for (std::int64_t i = 0; i < 2; ++i) {
      const float dx = view.flow[i][0][at], dy = view.flow[i][1][at];
      sample(view.small[i], static_cast<float>(x) + dx * (1.0F / kCell),
             static_cast<float>(y) + dy * (1.0F / kCell), view, out + i * kPicture);
      put(out[2 * kPicture + 2 * i], dx * (1.0F / kFlowUnit));
      put(out[2 * kPicture + 2 * i + 1], dy * (1.0F / kFlowUnit));
    }
    put(out[28], view.tau);
    put(out[29], view.interval);
    put(out[30], 0.0F);
    put(out[31], 0.0F);
  }
}
SEMCODEC_VECTOR_CLONES
void fill_row(const View& view, std::int64_t y, c10::BFloat16* out) { fill_loop(view, y, out); }
SEMCODEC_VECTOR_CLONES
void fill_row(const View& view, std::int64_t y, float* out) { fill_loop(view, y, out); }

void check(bool good) {
  require(good, ErrorKind::internal,
          "The interpolator's motion step got tensors of a shape or type that it does not take.");
}

}  // namespace

torch::Tensor motion_input(const torch::Tensor& small_a, const torch::Tensor& small_b,
                           const torch::Tensor& flow_a, const torch::Tensor& flow_b, float tau,
                           float interval, torch::Dtype type) {
  View view{};
  view.height = small_a.size(2);
  view.width = small_a.size(3);
  view.tau = tau;
  view.interval = interval;
  torch::Tensor held[4];
  const torch::Tensor smalls[] = {small_a, small_b}, flows[] = {flow_a, flow_b};
  for (std::size_t i = 0; i < 2; ++i) {
    check(smalls[i].sizes() == at::IntArrayRef({1, kPicture, view.height, view.width}) &&
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
  check(type == torch::kFloat32 || type == torch::kBFloat16);
  at::parallel_for(0, view.height, 8, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t y = first; y < last; ++y) {
      const std::int64_t at = y * view.width * kChannels;
      if (type == torch::kFloat32) {
        fill_row(view, y, out.mutable_data_ptr<float>() + at);
      } else {
        fill_row(view, y, out.mutable_data_ptr<c10::BFloat16>() + at);
      }
    }
  });
  return out;
}

}  // namespace semcodec
