#include "models/generator/restorer.h"

#include <cmath>

#include "models/generator/layers.h"
#include "models/generator/restorer_runner.h"
#include "models/kernels/picture_sizes.h"

namespace semcodec {

namespace nn = torch::nn;
namespace F = torch::nn::functional;

namespace {

constexpr int kHasMemory = 6;     // column of the scalars
constexpr double kSharpness = 4;  // of the blend's logit, whose weights start near 0
constexpr double kOffset = 2;     // the memory's share starts at sigmoid(-2) = 12 %
constexpr double kSecondsUnit = 1.0 / 3;

torch::Tensor channels_last(const torch::Tensor& x) {
  return x.contiguous(torch::MemoryFormat::ChannelsLast);
}

torch::Tensor spread(const torch::Tensor& per_sample) {
  return per_sample.unsqueeze(-1).unsqueeze(-1);
}

}  // namespace

torch::Tensor restorer_scalars(const RestorerFacts& f) {
  const auto flag = [](bool on) { return on ? 1.0F : 0.0F; };
  const auto number = [](double value) { return static_cast<float>(value); };
  return torch::tensor({number(f.scale), number(std::log2(f.scale) / 2),
                        number(f.interval / kSecondsUnit), number(f.quantiser / 63.0),
                        number(f.detail), flag(f.has_a), flag(f.has_memory), flag(f.has_b), 0.0F})
      .unsqueeze(0);
}

torch::Tensor raise_base(const torch::Tensor& base, std::int64_t height, std::int64_t width) {
  if (base.size(2) == height && base.size(3) == width) return base;
  if (sizes_by_kernels(base)) return enlarge_bicubic(base, height, width);
  return F::interpolate(base, F::InterpolateFuncOptions()
                                  .size(std::vector<std::int64_t>{height, width})
                                  .mode(torch::kBicubic)
                                  .align_corners(false))
      .clamp(0, 1);
}

torch::Tensor halve(const torch::Tensor& picture) {
  const bool even = picture.size(2) % 2 == 0 && picture.size(3) % 2 == 0;
  return even && sizes_by_kernels(picture) ? halve_planes(picture) : torch::avg_pool2d(picture, 2);
}

RestorerImpl::RestorerImpl(const RestorerConfig& config) : config_(config) {
  const int c2 = config.channels_half, c4 = config.channels_quarter, c8 = config.channels_eighth,
            c16 = config.channels_bottleneck;
  constexpr int kAtQuarter = 3 * 16 + 3 * 16 + 2 * 3 * 4 + 4;  // base, memory, neighbours, edges
  constexpr int kAtHalf = 3 * 4 + 3 * 4 + 1;
  input_quarter_ = register_module("input_quarter", conv(kAtQuarter, c4, 3));
  scalars_quarter_ = register_module("scalars_quarter", nn::Linear(RestorerConfig::kScalars, c4));
  scalars_bottleneck_ =
      register_module("scalars_bottleneck", nn::Linear(RestorerConfig::kScalars, c16));
  encoder_quarter_ = register_module("encoder_quarter", residual_stage(c4, config.encoder_quarter));
  down_eighth_ = register_module("down_eighth", conv(c4, c8, 3, 2));
  encoder_eighth_ = register_module("encoder_eighth", residual_stage(c8, config.encoder_eighth));
  down_bottleneck_ = register_module("down_bottleneck", conv(c8, c16, 3, 2));
  transformer_ = register_module("transformer", nn::ModuleList());
  for (int i = 0; i < config.transformer_blocks; ++i) {
    transformer_->push_back(TransformerBlock(c16, config.heads, config.mlp_ratio));
  }
  up_eighth_ = register_module("up_eighth", conv_to_shuffle(c16, c8, 3));
  decoder_eighth_ = register_module("decoder_eighth", residual_stage(c8, config.decoder_eighth));
  up_quarter_ = register_module("up_quarter", conv_to_shuffle(c8, c4, 3));
  decoder_quarter_ = register_module("decoder_quarter", residual_stage(c4, config.decoder_quarter));
  up_half_ = register_module("up_half", conv_to_shuffle(c4, c2, 3));
  // Once more at 1/2 size: fine structure would not survive the way through 1/4.
  skip_half_ = register_module("skip_half", conv(kAtHalf, c2, 3));
  decoder_half_ = register_module("decoder_half", residual_stage(c2, config.blocks_half));
  head_ = register_module("head", conv_to_shuffle(c2, 4, 3));
  interpolator_ = register_module("interpolator", Interpolator(config.between));
  const torch::NoGradGuard guard;
  head_->weight.mul_(0.1);
}

RestorerImpl::Output RestorerImpl::forward(const RestorerInput& x) {
  // Features are computed in the type of the weights; base and memory stay float32, since 8 bits of
  // mantissa would show in the sum.
  const auto type = input_quarter_->weight.scalar_type();
  const auto base = x.base.to(type), memory = x.memory.to(type), edges = x.edges.to(type);
  const auto scalars = x.scalars.to(type);
  const auto fold = [](const torch::Tensor& t, int factor) {
    return torch::pixel_unshuffle(t, factor);
  };
  auto at_quarter = input_quarter_(channels_last(
                        torch::cat({fold(base, 4), fold(memory, 4), fold(x.near_a.to(type), 2),
                                    fold(x.near_b.to(type), 2), fold(edges, 2)},
                                   1))) +
                    spread(scalars_quarter_(scalars));
  at_quarter = encoder_quarter_->forward(at_quarter);
  const auto at_eighth = encoder_eighth_->forward(down_eighth_(activate(at_quarter)));
  auto features = down_bottleneck_(activate(at_eighth)) + spread(scalars_bottleneck_(scalars));
  for (const auto& block : *transformer_) {
    features = block->as<TransformerBlock>()->forward(features);
  }
  features = at_eighth + torch::pixel_shuffle(up_eighth_(activate(features)), 2);
  features = decoder_eighth_->forward(features);
  features = at_quarter + torch::pixel_shuffle(up_quarter_(activate(features)), 2);
  features = decoder_quarter_->forward(features);
  const auto skip =
      skip_half_(channels_last(torch::cat({fold(base, 2), fold(memory, 2), edges}, 1)));
  features = skip + torch::pixel_shuffle(up_half_(activate(features)), 2);
  features = decoder_half_->forward(features);
  const auto heads = torch::pixel_shuffle(head_(activate(features)), 2).to(torch::kFloat32);

  Output out;
  out.restored = x.base.to(torch::kFloat32) + heads.narrow(1, 0, 3);
  const auto there = spread(x.scalars.narrow(1, kHasMemory, 1).to(torch::kFloat32));
  const auto share = torch::sigmoid(kSharpness * heads.narrow(1, 3, 1) - kOffset) * there;
  out.frame = out.restored + share * (x.memory.to(torch::kFloat32) - out.restored);
  return out;
}

void RestorerImpl::use_runner() {
  if (input_quarter_->weight.is_cpu()) runner_ = std::make_shared<RestorerRunner>(*this);
}

torch::Tensor RestorerImpl::generate(const RestorerInput& x) {
  const torch::NoGradGuard guard;
  if (runner_ != nullptr && x.base.size(0) == 1) return runner_->run(x);
  return forward(x).frame.clamp(0, 1).contiguous();
}

}  // namespace semcodec
