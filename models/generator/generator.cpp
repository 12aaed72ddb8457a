#include "models/generator/generator.h"

#include "models/generator/class_maps.h"
#include "models/generator/engine_access.h"
#include "models/generator/generator_engine.h"
#include "models/generator/layers.h"
#include "models/generator/noise.h"

namespace semcodec {

namespace nn = torch::nn;

namespace {

constexpr int kReferenceChannels = 3;
constexpr int kFullChannels = 8;  // at the coded size itself every channel is dear

}  // namespace

GeneratorImpl::GeneratorImpl(const GeneratorConfig& config) : config_(config) {
  const int c2 = config.channels_half, c4 = config.channels_quarter, c8 = config.channels_eighth,
            c16 = config.channels_bottleneck;
  // Conditions arrive at 1/2 and references at full size; both are folded to 1/4 by
  // space-to-depth, so that no pixel is lost and no convolution runs at full size.
  const int condition_channels = 3 * config.condition_maps() * 4;
  const int image_channels = 2 * kReferenceChannels * 16;
  condition_in_ = register_module("condition_in", conv(condition_channels, c4, 3));
  condition_down_ = register_module("condition_down", conv(c4, c8, 3, 2));
  image_in_ = register_module("image_in", conv(image_channels, c4, 1));
  image_down_ = register_module("image_down", conv(c4, c8, 3, 2));
  scalars_quarter_ = register_module("scalars_quarter", nn::Linear(GeneratorConfig::kScalars, c4));
  scalars_bottleneck_ =
      register_module("scalars_bottleneck", nn::Linear(GeneratorConfig::kScalars, c16));
  to_bottleneck_ = register_module("to_bottleneck", conv(c8, c16, 3, 2));
  transformer_ = register_module("transformer", nn::ModuleList());
  for (int i = 0; i < config.transformer_blocks; ++i) {
    transformer_->push_back(TransformerBlock(c16, config.heads, config.mlp_ratio));
  }
  if (config.texture.channels > 0) {
    texture_in_ = register_module("texture_in", conv(config.texture.channels, c16, 3));
    // Unheard at first: a young texture is noise, and a generator that had to listen to it would
    // teach the sender to be silent.
    const torch::NoGradGuard guard;
    texture_in_->weight.zero_();
    texture_in_->bias.zero_();
  }
  from_bottleneck_ = register_module("from_bottleneck", conv_to_shuffle(c16, c8));
  eighth_ = register_module("eighth", residual_stage(c8, config.blocks_eighth));
  to_quarter_ = register_module("to_quarter", conv_to_shuffle(c8, c4));
  quarter_ = register_module("quarter", residual_stage(c4, config.blocks_quarter));
  to_half_ = register_module("to_half", conv_to_shuffle(c4, c2));
  // The condition of this moment and the references once more, at 1/2 size: fine structure would
  // not survive the way through 1/4.
  skip_half_ = register_module("skip_half",
                               conv(config.condition_maps() + 2 * kReferenceChannels * 4, c2, 1));
  half_ = register_module("half", residual_stage(c2, config.blocks_half));
  if (config.noise != 0) {
    // Soft at first, but not silent: at 0 the gradient is 0 in the mean, whatever the sign.
    const auto soft = [](int channels) { return 0.05 * torch::randn({1, channels, 1, 1}); };
    noise_eighth_ = register_parameter("noise_eighth", soft(c8));
    noise_quarter_ = register_parameter("noise_quarter", soft(c4));
    noise_half_ = register_parameter("noise_half", soft(c2));
  }
  to_full_ = register_module("to_full", conv_to_shuffle(c2, kFullChannels, 3));
  head_ = register_module("head", conv(kFullChannels, 6, 3));
  interpolator_ = register_module("interpolator", Interpolator(config.between));
  torch::NoGradGuard guard;
  head_->weight.mul_(0.1);
  head_->bias.zero_();
}

torch::Tensor GeneratorImpl::field(std::int64_t height, std::int64_t width, int level,
                                   std::int64_t seed, torch::Device device) {
  auto& found = fields_[level];
  if (!found.defined() || field_seeds_[level] != seed || found.size(2) != height ||
      found.size(3) != width || found.device() != device) {
    found = noise_field(height, width, level, seed, device);
    field_seeds_[level] = seed;
  }
  return found;
}

torch::Tensor GeneratorImpl::with_noise(const torch::Tensor& features,
                                        const torch::Tensor& noise_strength, int level,
                                        std::int64_t seed) {
  if (!noise_strength.defined()) return features;
  const auto type = features.scalar_type();
  const auto noise =
      field(features.size(2), features.size(3), level, seed, features.device()).to(type);
  return torch::addcmul(features, noise, noise_strength.to(type));
}

FrameContext GeneratorImpl::limited(FrameContext x) const {
  if (config_.references >= 2) return x;
  x.condition_b = torch::zeros_like(x.condition_b);
  x.reference_b = torch::zeros_like(x.reference_b);
  // FrameContext::scalars: validity of A and B, distance to A and to B, whether A is a picture
  // sent.
  auto scalars = x.scalars.clone();
  scalars.select(1, 1).zero_();
  scalars.select(1, 3).zero_();
  if (config_.references == 0) {
    x.condition_a = torch::zeros_like(x.condition_a);
    x.reference_a = torch::zeros_like(x.reference_a);
    for (const int of_a : {0, 2, 4}) scalars.select(1, of_a).zero_();
  }
  x.scalars = scalars;
  return x;
}

torch::Tensor GeneratorImpl::maps_of(const torch::Tensor& condition) const {
  if (config_.classes == 0) return condition;
  return torch::cat({class_maps(condition.narrow(1, 0, 3), config_.classes),
                     condition.narrow(1, 3, 1).to(torch::kFloat32)},
                    1);
}

GeneratorOutput GeneratorImpl::forward(const FrameContext& context) {
  const auto x = limited(context);
  // Features are computed in the type of the weights; base and references stay float32, since 8
  // bits of mantissa would show in the blend.
  const auto type = condition_in_->weight.scalar_type();
  const auto condition = maps_of(x.condition).to(type);
  const auto conditions =
      torch::cat({condition, maps_of(x.condition_a).to(type), maps_of(x.condition_b).to(type)}, 1);
  const auto references = torch::cat({x.reference_a.to(type), x.reference_b.to(type)}, 1);
  const auto scalars = x.scalars.to(type);

  auto at_quarter = condition_in_(torch::pixel_unshuffle(conditions, 2)) +
                    scalars_quarter_(scalars).unsqueeze(-1).unsqueeze(-1);
  const auto seen_quarter = image_in_(torch::pixel_unshuffle(references, 4));
  // The sum of both encoders (seed paper, section III.B).
  const auto at_eighth =
      condition_down_(activate(at_quarter)) + image_down_(activate(seen_quarter));
  at_quarter = at_quarter + seen_quarter;

  auto features = to_bottleneck_(activate(at_eighth)) +
                  scalars_bottleneck_(scalars).unsqueeze(-1).unsqueeze(-1);
  if (!texture_in_.is_empty()) features = features + texture_in_(x.texture.to(type));
  for (const auto& block : *transformer_) {
    features = block->as<TransformerBlock>()->forward(features);
  }
  features = at_eighth + torch::pixel_shuffle(from_bottleneck_(activate(features)), 2);
  features = eighth_->forward(with_noise(features, noise_eighth_, 0, x.noise_seed));
  features = at_quarter + torch::pixel_shuffle(to_quarter_(activate(features)), 2);
  features = quarter_->forward(with_noise(features, noise_quarter_, 1, x.noise_seed));
  const auto skip = skip_half_(torch::cat({condition, torch::pixel_unshuffle(references, 2)}, 1));
  features = skip + torch::pixel_shuffle(to_half_(activate(features)), 2);
  features = half_->forward(with_noise(features, noise_half_, 2, x.noise_seed));
  features = torch::pixel_shuffle(to_full_(activate(features)), 2);
  const auto heads = head_(activate(features)).to(torch::kFloat32);

  GeneratorOutput out;
  const auto colours = x.condition.narrow(1, 0, 3).to(torch::kFloat32);
  // The colours of classes are names, not colours of the picture.
  const auto base = config_.classes > 0 ? torch::full_like(colours, 0.5) : colours;
  out.raw = upsample2(base) + heads.narrow(1, 0, 3);
  // A reference that is not there gets weight exactly 0.
  const auto valid = x.scalars.narrow(1, 0, 2).to(torch::kFloat32).unsqueeze(-1).unsqueeze(-1);
  const auto logits =
      torch::cat({heads.narrow(1, 3, 1), heads.narrow(1, 4, 2).masked_fill(valid < 0.5, -1e4)}, 1);
  out.weights = torch::softmax(logits, 1);
  out.frame = out.weights.narrow(1, 0, 1) * out.raw +
              out.weights.narrow(1, 1, 1) * x.reference_a.to(torch::kFloat32) +
              out.weights.narrow(1, 2, 1) * x.reference_b.to(torch::kFloat32);
  return out;
}

void GeneratorImpl::use_engine() {
  interpolator_->use_engine();
  GeneratorSizes sizes;
  sizes.half = config_.channels_half;
  sizes.quarter = config_.channels_quarter;
  sizes.eighth = config_.channels_eighth;
  sizes.bottleneck = config_.channels_bottleneck;
  sizes.blocks_half = config_.blocks_half;
  sizes.blocks_quarter = config_.blocks_quarter;
  sizes.blocks_eighth = config_.blocks_eighth;
  sizes.transformer_blocks = config_.transformer_blocks;
  sizes.heads = config_.heads;
  sizes.mlp_ratio = config_.mlp_ratio;
  sizes.texture_channels = config_.texture.channels;
  sizes.noise = config_.noise != 0;
  if (config_.classes > 0 || !condition_in_->weight.is_cpu() || !GeneratorEngine::takes(sizes)) {
    return;
  }
  engine_ = std::make_shared<GeneratorEngine>(sizes, weights_of(*this), in_threads());
}

torch::Tensor GeneratorImpl::generate(const FrameContext& context) {
  const torch::NoGradGuard guard;
  if (engine_ == nullptr) return forward(context).frame.clamp(0, 1);
  const auto x = limited(context);
  const auto ready = [](const torch::Tensor& t) {
    return t.defined() ? t.to(torch::kCPU, torch::kFloat32).contiguous() : t;
  };
  const torch::Tensor held[] = {ready(x.condition),   ready(x.condition_a), ready(x.condition_b),
                                ready(x.reference_a), ready(x.reference_b), ready(x.texture),
                                ready(x.scalars)};
  auto frame = torch::empty_like(held[3]);
  GeneratorInput input;
  input.height = static_cast<int>(frame.size(2));
  input.width = static_cast<int>(frame.size(3));
  torch::Tensor fields[3];
  for (int level = 0; level < 3 && config_.noise != 0; ++level) {
    fields[level] = field(input.height >> (3 - level), input.width >> (3 - level), level,
                          x.noise_seed, torch::kCPU);
    input.noise[level] = fields[level].data_ptr<float>();
  }
  for (std::int64_t n = 0; n < frame.size(0); ++n) {
    const auto at = [&](int which) {
      const auto& t = held[which];
      return t.defined() ? t.data_ptr<float>() + n * t.stride(0) : nullptr;
    };
    for (int i = 0; i < 3; ++i) input.condition[i] = at(i);
    for (int i = 0; i < 2; ++i) input.reference[i] = at(3 + i);
    input.texture = at(5);
    input.scalars = at(6);
    engine_->generate(input, frame.data_ptr<float>() + n * frame.stride(0));
  }
  return frame;
}

}  // namespace semcodec
