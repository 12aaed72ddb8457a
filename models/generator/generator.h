#pragma once
// The temporal generator: generates a coded frame from its planes and from earlier output frames.
//
// Seed paper, eq. (2):  y_i = G({x_{i-L+1}..x_i}, {y_{i-L+1}..y_{i-1}}) with L = 3. Two encoders,
// one for the L condition maps and one for the L-1 earlier output frames (already warped to the
// moment of this frame), whose features are summed and go through four transformer blocks at the
// bottleneck. The output is the blend of vid2vid, here with a weight for each reference:
//
//   y = w_raw · raw + w_A · warp(A) + w_B · warp(B),   w = softmax over what is there.
//
// "Earlier" means earlier in decoding order. A coded frame (a moment for which maps were sent)
// refers to the two coded frames decoded before it. With no valid reference the same network is the
// image generator: first frames and hard cuts. An intra picture, where one was sent, stands in for
// A. Frames between two coded frames are the work of the interpolator (interpolator.h), which
// belongs to the same set of weights.
//
// Shapes (W×H = coded size, multiples of 16):
//   Conditions   N×4×H/2×W/2: R G B of the rendered colour map in 0..1, edge strength 0..1
//   Texture      N×C×H/16×W/16 in -1..1 (texture.h)
//   References   N×3×H×W in 0..1, warped to the frame's time
//   output       N×3×H×W in 0..1 (not clamped)

#include <torch/torch.h>

#include <memory>

#include "models/generator/interpolator.h"
#include "models/generator/texture.h"
#include "models/generator/transformer_block.h"

namespace semcodec {

class GeneratorEngine;

/// Sizes of the network; stored in the model package (docs/model-package.md).
struct GeneratorConfig {
  int channels_half = 32;         ///< at 1/2 of the coded size
  int channels_quarter = 48;      ///< at 1/4
  int channels_eighth = 128;      ///< at 1/8
  int channels_bottleneck = 192;  ///< at 1/16, where the transformer blocks sit
  int blocks_half = 1;
  int blocks_quarter = 2;
  int blocks_eighth = 4;
  int transformer_blocks = 4;
  int heads = 6;
  int mlp_ratio = 2;
  int noise = 1;  ///< 1: noise.h is injected at 1/8, 1/4 and 1/2; 0: models of before there was any
  /// Above 0: the colour plane holds so many semantic classes (common/semantic/class_plane.h),
  /// which enter as one-hot maps; 0: it holds colours.
  int classes = 0;
  int references = 2;  ///< L − 1: earlier outputs that are looked at, whatever a context offers
  InterpolatorConfig between;
  TextureConfig texture;

  static constexpr int kStride = 16;  ///< coded sizes are multiples of this
  static constexpr int kConditionChannels = 4;
  static constexpr int kScalars = 9;  ///< see FrameContext::scalars

  /// What enters of one condition map.
  int condition_maps() const { return classes > 0 ? classes + 1 : kConditionChannels; }
};

/// Everything the generator sees for one batch of frames. All tensors share device and batch size.
struct FrameContext {
  torch::Tensor condition;    ///< N×4×H/2×W/2, of this moment
  torch::Tensor condition_a;  ///< the reference's own condition, warped like the reference
  torch::Tensor condition_b;
  torch::Tensor reference_a;  ///< N×3×H×W, warped; zeros where there is none
  torch::Tensor reference_b;
  torch::Tensor texture;  ///< N×C×H/16×W/16; undefined when the model has none
  /// N×9: validity of A and B (0/1), distance in time to A and to B in seconds (clamped to 1),
  /// whether A is an intra picture of this very moment (0/1), log2 of the colour cell / 5, log2 of
  /// the edge cell / 5, log2 of the palette size / 8, share of the texture channels that was sent.
  torch::Tensor scalars;
  std::int64_t noise_seed = 0;  ///< of noise.h; a receiver's is 0, training draws another each step
};

/// What one forward pass gives.
struct GeneratorOutput {
  torch::Tensor frame;    ///< N×3×H×W, the blend
  torch::Tensor raw;      ///< N×3×H×W, generated without the references' pixels
  torch::Tensor weights;  ///< N×3×H×W, of raw, A, B; sums to 1
};

class GeneratorImpl : public torch::nn::Module {
 public:
  explicit GeneratorImpl(const GeneratorConfig& config);

  GeneratorOutput forward(const FrameContext& context);

  /// forward()'s frame, clamped to 0..1, without gradients.
  torch::Tensor generate(const FrameContext& context);
  /// Lets generate() use generator_engine.h where the CPU has kernels for it and the sizes fit. The
  /// weights are copied: call it when they are final. engine_wanted() says whether to.
  void use_engine();
  /// Generates the frames between two coded frames.
  Interpolator& interpolator() { return interpolator_; }

  const GeneratorConfig& config() const { return config_; }

 private:
  /// The context with the references that the network looks at.
  FrameContext limited(FrameContext context) const;
  /// Classes as one-hot maps, where the colour plane holds them.
  torch::Tensor maps_of(const torch::Tensor& condition) const;
  torch::Tensor field(std::int64_t height, std::int64_t width, int level, std::int64_t seed,
                      torch::Device device);
  torch::Tensor with_noise(const torch::Tensor& features, const torch::Tensor& noise_strength,
                           int level, std::int64_t seed);

  GeneratorConfig config_;
  torch::Tensor fields_[3];  // what noise_field() gave last, of these seeds
  std::int64_t field_seeds_[3] = {};
  // Condition encoder and image encoder, summed at 1/4 and 1/8.
  torch::nn::Conv2d condition_in_{nullptr}, condition_down_{nullptr};
  torch::nn::Conv2d image_in_{nullptr}, image_down_{nullptr};
  torch::nn::Linear scalars_quarter_{nullptr}, scalars_bottleneck_{nullptr};
  torch::nn::Conv2d texture_in_{nullptr};
  torch::nn::Conv2d to_bottleneck_{nullptr}, from_bottleneck_{nullptr};
  torch::nn::ModuleList transformer_{nullptr};
  torch::nn::Sequential eighth_{nullptr}, quarter_{nullptr}, half_{nullptr};
  torch::nn::Conv2d to_quarter_{nullptr}, to_half_{nullptr}, skip_half_{nullptr};
  torch::Tensor noise_eighth_, noise_quarter_, noise_half_;  // 1×C×1×1, how loud in each channel
  torch::nn::Conv2d to_full_{nullptr}, head_{nullptr};
  Interpolator interpolator_{nullptr};
  std::shared_ptr<const GeneratorEngine> engine_;  // null: forward() generates
};
TORCH_MODULE(Generator);

}  // namespace semcodec
