#include "models/generator/interpolator.h"

#include "models/generator/engine_access.h"
#include "models/generator/flow_geometry.h"
#include "models/generator/interpolator_engine.h"
#include "models/generator/interpolator_runner.h"
#include "models/generator/layers.h"
#include "models/kernels/feature_maps.h"
#include "models/kernels/generate_frame.h"
#include "models/kernels/picture_sizes.h"

namespace semcodec {

namespace {

constexpr double kFlowUnit = 16.0;  // pixels; what the networks see is a number around 1
constexpr int kHintChannels = 8;    // what the motion step tells the blending one

}  // namespace

torch::Tensor to_bytes(const torch::Tensor& picture) {
  return (picture.squeeze(0) * 255.0 + 0.5)
      .clamp(0, 255)
      .to(torch::kUInt8)
      .permute({1, 2, 0})
      .contiguous();
}

torch::Tensor small_picture(const torch::Tensor& picture) {
  if (!sizes_by_kernels(picture)) {
    return torch::pixel_unshuffle(torch::avg_pool2d(picture, 2), 2);
  }
  // Channels last, as the motion step of a runner takes it.
  auto folded = torch::empty({1, 4 * picture.size(1), picture.size(2) / 4, picture.size(3) / 4},
                             picture.options().memory_format(torch::MemoryFormat::ChannelsLast));
  fold_into(halve_planes(picture), 2, folded, 0);
  return folded;
}

InterpolatorImpl::InterpolatorImpl(const InterpolatorConfig& config) : config_(config) {
  const int m = config.channels_motion, c2 = config.channels_half, c4 = config.channels_quarter;
  // Two folded pictures, two flows, time and interval.
  motion_in_ = register_module("motion_in", conv(2 * 12 + 4 + 2, m, 3));
  motion_down_ = register_module("motion_down", conv(m, m + m / 3, 3, 2));
  motion_eighth_ = register_module("motion_eighth", residual_stage(m + m / 3, 2));
  motion_up_ = register_module("motion_up", conv_to_shuffle(m + m / 3, m));
  motion_out_ = register_module("motion_out", conv(m, 4, 3));
  hint_ = register_module("hint", conv_to_shuffle(m, kHintChannels));
  blend_in_ = register_module("blend_in", conv(2 * 12 + kHintChannels, c2, 3));
  blend_down_ = register_module("blend_down", conv(c2, c4, 3, 2));
  blend_quarter_ = register_module("blend_quarter", residual_stage(c4, 1));
  blend_up_ = register_module("blend_up", conv_to_shuffle(c4, c2));
  blend_half_ = register_module("blend_half", conv(c2, c2, 3));
  head_ = register_module("head", conv_to_shuffle(c2, 6, 3));
  torch::NoGradGuard guard;
  motion_out_->weight.mul_(0.1);
  motion_out_->bias.zero_();
  head_->weight.mul_(0.1);
  head_->bias.zero_();
}

torch::Tensor InterpolatorImpl::seen(const InterpolatorInput& x, const torch::Tensor& flows) const {
  const auto times = torch::stack({x.tau, x.interval.clamp(0, 1)}, 1)
                         .unsqueeze(-1)
                         .unsqueeze(-1)
                         .expand({-1, 2, flows.size(2), flows.size(3)});
  return torch::cat(
      {warp(x.small_a, x.flow_a), warp(x.small_b, x.flow_b), flows / kFlowUnit, times}, 1);
}

std::pair<torch::Tensor, torch::Tensor> InterpolatorImpl::refine(const InterpolatorInput& x) {
  const auto flows = torch::cat({x.flow_a, x.flow_b}, 1);
  const auto near = motion_in_(seen(x, flows).to(motion_in_->weight.scalar_type()));
  const auto far = motion_eighth_->forward(motion_down_(activate(near)));
  const auto motion = activate(near + torch::pixel_shuffle(motion_up_(activate(far)), 2));
  return {flows + motion_out_(motion).to(torch::kFloat32) * kFlowUnit, hint_(motion)};
}

torch::Tensor InterpolatorImpl::heads(const torch::Tensor& folded) {
  const auto fine = blend_in_(folded);
  const auto coarse = blend_quarter_->forward(blend_down_(activate(fine)));
  const auto both = fine + torch::pixel_shuffle(blend_up_(activate(coarse)), 2);
  return head_(activate(both + blend_half_(activate(both))));
}

InterpolatorOutput InterpolatorImpl::forward(const InterpolatorInput& x) {
  const auto type = motion_in_->weight.scalar_type();
  const auto t = x.tau.view({-1, 1, 1, 1});
  const auto [refined, hint] = refine(x);
  InterpolatorOutput out;
  out.flow_a = refined.narrow(1, 0, 2);
  out.flow_b = refined.narrow(1, 2, 2);
  out.warped_a = warp(x.picture_a, out.flow_a);
  out.warped_b = warp(x.picture_b, out.flow_b);
  const auto maps =
      torch::pixel_shuffle(heads(torch::cat({torch::pixel_unshuffle(out.warped_a.to(type), 2),
                                             torch::pixel_unshuffle(out.warped_b.to(type), 2),
                                             torch::pixel_shuffle(hint, 2)},
                                            1)),
                           2)
          .to(torch::kFloat32);

  // A softmax whose logits start, without an opinion of the network, where the nearer picture
  // weighs more.
  const auto a = torch::exp(maps.narrow(1, 4, 1).clamp(-8, 8)) * (1 - t);
  const auto b = torch::exp(maps.narrow(1, 5, 1).clamp(-8, 8)) * t;
  const auto r = torch::exp(maps.narrow(1, 3, 1).clamp(-8, 8)) * 0.25;
  const auto raw = out.warped_a * (1 - t) + out.warped_b * t + maps.narrow(1, 0, 3);
  out.frame = (out.warped_a * a + out.warped_b * b + raw * r) / (a + b + r);
  return out;
}

torch::Tensor InterpolatorImpl::generator_bytes(const InterpolatorInput& x) {
  if (!x.pixels_a.defined()) return to_bytes(forward(x).frame).to(torch::kCPU);
  if (runner_ != nullptr) return runner_->run(x);
  if (engine_ != nullptr) return generate_by_engine(x);
  const auto [refined, hint] = refine(x);
  const auto h = x.pixels_a.size(0), w = x.pixels_a.size(1);
  auto folded = torch::empty({1, 2 * 12 + kHintChannels, h / 2, w / 2},
                             hint.options().memory_format(torch::MemoryFormat::ChannelsLast));
  const auto a = warp_folded(x.pixels_a, refined.narrow(1, 0, 2), folded, 0);
  const auto b = warp_folded(x.pixels_b, refined.narrow(1, 2, 2), folded, 12);
  folded.narrow(1, 24, kHintChannels).copy_(torch::pixel_shuffle(hint, 2));
  return blend_to_bytes(heads(folded).contiguous(torch::MemoryFormat::ChannelsLast), a, b,
                        x.tau.item<float>());
}

torch::Tensor InterpolatorImpl::generate_by_engine(const InterpolatorInput& x) {
  const auto h = x.pixels_a.size(0), w = x.pixels_a.size(1);
  const auto maps = engine_->acquire(static_cast<int>(w), static_cast<int>(h));
  const auto flows = torch::cat({x.flow_a, x.flow_b}, 1).to(torch::kFloat32);
  const auto sight = seen(x, flows).to(torch::kFloat32).contiguous();
  auto off = torch::empty({1, 4, h / 4, w / 4});
  engine_->refine(*maps, sight.const_data_ptr<float>(), off.mutable_data_ptr<float>());
  const auto refined = flows + off * kFlowUnit;
  auto& pictures = InterpolatorEngine::pictures(*maps);
  const auto rows = [&](int first_pair) {
    return FoldedPairs{pictures.at(first_pair, 0), pictures.plane, pictures.stride};
  };
  const auto a = warp_folded(x.pixels_a, refined.narrow(1, 0, 2), rows(0));
  const auto b = warp_folded(x.pixels_b, refined.narrow(1, 2, 2), rows(6));
  const auto& heads = engine_->blend(*maps);
  return blend_to_bytes(ConstFoldedPairs{heads.at(0, 0), heads.plane, heads.stride}, a, b,
                        x.tau.item<float>());
}

void InterpolatorImpl::use_runner() {
  if (motion_in_->weight.is_cpu()) runner_ = std::make_shared<InterpolatorRunner>(*this);
}

void InterpolatorImpl::use_engine() {
  const InterpolatorSizes sizes{config_.channels_motion, config_.channels_half,
                                config_.channels_quarter};
  if (!motion_in_->weight.is_cpu() || !InterpolatorEngine::takes(sizes)) {
    return;
  }
  engine_ = std::make_shared<InterpolatorEngine>(sizes, weights_of(*this), in_threads());
}

}  // namespace semcodec
