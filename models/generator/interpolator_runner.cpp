#include "models/generator/interpolator_runner.h"

#include "models/kernels/generate_frame.h"
#include "models/kernels/motion_input.h"

namespace semcodec {

namespace {

constexpr double kFlowUnit = 16.0;  // as in interpolator.cpp
constexpr std::int64_t kMotionInputs = 32, kPictures = 24, kHints = 8;

}  // namespace

InterpolatorRunner::InterpolatorRunner(const FusedWeights& weights)
    : type_(weights.at("motion_in.weight").scalar_type()),
      motion_in_(weights.conv("motion_in", 1, kMotionInputs)),
      motion_down_(weights.conv("motion_down", 2)),
      motion_up_(weights.shuffled("motion_up")),
      motion_out_(weights.conv("motion_out")),
      hint_(weights.shuffled("hint")),
      blend_in_(weights.conv("blend_in")),
      blend_down_(weights.conv("blend_down", 2)),
      blend_up_(weights.shuffled("blend_up")),
      blend_half_(weights.conv("blend_half")),
      head_(weights.conv("head")),
      motion_eighth_(weights, "motion_eighth", 2),
      blend_quarter_(weights, "blend_quarter", 1) {}

std::pair<torch::Tensor, torch::Tensor> InterpolatorRunner::motion(
    const torch::Tensor& input) const {
  const auto near = motion_in_(input, Activation::leaky_relu);
  ActiveMap far;
  far.sum = motion_down_(near);
  far.active = leaky(far.sum);
  motion_eighth_.run(far);
  const auto features = add_shuffled_active(near, motion_up_(far.active));
  return {motion_out_(features), hint_(features)};
}

torch::Tensor InterpolatorRunner::heads(const torch::Tensor& folded) const {
  const auto fine = blend_in_(folded, Activation::leaky_relu);
  ActiveMap coarse;
  coarse.sum = blend_down_(fine);
  coarse.active = leaky(coarse.sum);
  blend_quarter_.run(coarse);
  auto both = add_shuffled_to_active(fine, blend_up_(coarse.active));
  blend_half_.add_to(both.sum, both.active);
  leaky_(both.sum);
  return head_(both.sum);
}

torch::Tensor InterpolatorRunner::run(const InterpolatorInput& x) const {
  const auto h = x.pixels_a.size(0), w = x.pixels_a.size(1);
  const auto tau = x.tau.item<float>();
  const auto [off, hint] = motion(motion_input(x.small_a, x.small_b, x.flow_a, x.flow_b, tau,
                                               x.interval.clamp(0, 1).item<float>(), type_));
  const auto refined =
      torch::cat({x.flow_a, x.flow_b}, 1) + off.to(torch::kFloat32).contiguous() * kFlowUnit;
  auto folded = torch::empty({1, kPictures + kHints, h / 2, w / 2},
                             torch::dtype(type_).memory_format(torch::MemoryFormat::ChannelsLast));
  const auto a = warp_folded(x.pixels_a, refined.narrow(1, 0, 2), folded, 0);
  const auto b = warp_folded(x.pixels_b, refined.narrow(1, 2, 2), folded, kPictures / 2);
  shuffle_into(hint, folded, kPictures);
  return blend_to_bytes(heads(folded), a, b, tau);
}

}  // namespace semcodec
