#pragma once
// The generator of frames that carry a base picture: restores the full-size picture from the
// low-resolution one, from its neighbours in time and from the receiver's own earlier output.
//
//   y = (1 - m) · (raised base + residual) + m · memory,   m in 0..1 for each pixel
//
// As in generator.h the condition and the earlier output come folded to 1/4 size, so that no
// convolution runs at full size, and four scales share the work; transformer blocks sit at 1/16.
// The residual is added to the base picture raised by bicubic interpolation: an untrained network
// shows the base as any player would.
//
// Shapes (W×H = coded size, multiples of 16):
//   base, memory   N×3×H×W in 0..1; memory is warped to this moment
//   near_a, near_b N×3×H/2×W/2 in 0..1: the base pictures before and after, raised, halved and
//                  warped to this moment
//   edges          N×1×H/2×W/2 in 0..1, the edge map where one was sent
//   output         N×3×H×W, not clamped

#include <torch/torch.h>

#include <memory>

#include "models/generator/interpolator.h"
#include "models/generator/transformer_block.h"

namespace semcodec {

/// Sizes of the network; stored in the model package (docs/model-package.md).
struct RestorerConfig {
  int channels_half = 32;  ///< at 1/2 of the coded size
  int channels_quarter = 64;
  int channels_eighth = 128;
  int channels_bottleneck = 192;  ///< at 1/16
  int blocks_half = 2;
  int encoder_quarter = 2;  ///< residual blocks on the way down
  int encoder_eighth = 2;
  int decoder_quarter = 4;  ///< and on the way up
  int decoder_eighth = 4;
  int transformer_blocks = 3;
  int heads = 6;
  int mlp_ratio = 2;
  InterpolatorConfig between;  ///< of the frames between two restored ones

  static constexpr int kScalars = 9;  ///< see restorer_scalars()
};

/// What the network sees. Tensors that are not there are zero, and the scalars say so.
struct RestorerInput {
  torch::Tensor base, memory, near_a, near_b, edges;
  torch::Tensor scalars;  ///< N×9
};

/// Properties of a coded frame, one row of RestorerInput::scalars.
struct RestorerFacts {
  double scale = 0.5;     ///< width of the base picture / coded width
  double interval = 0.2;  ///< seconds between coded frames
  int quantiser = 63;     ///< BasePicture::quantiser
  double detail = 0.5;    ///< 0 faithful (least squared error) … 1 vivid; see docs/training.md
  bool has_a = false, has_b = false, has_memory = false;
};
/// 1×9 float.
torch::Tensor restorer_scalars(const RestorerFacts& facts);

/// A base picture (N×3×h×w in 0..1) at the coded size, bicubic (a = -0.75), clamped to 0..1.
torch::Tensor raise_base(const torch::Tensor& base, std::int64_t height, std::int64_t width);
/// A raised picture at half size, by averages of 2×2 pixels.
torch::Tensor halve(const torch::Tensor& picture);

class RestorerRunner;

class RestorerImpl : public torch::nn::Module {
 public:
  explicit RestorerImpl(const RestorerConfig& config);

  struct Output {
    torch::Tensor frame;     ///< N×3×H×W, the blend
    torch::Tensor restored;  ///< before the memory's pixels
  };
  Output forward(const RestorerInput& input);

  /// forward()'s frame, clamped to 0..1, without gradients.
  torch::Tensor generate(const RestorerInput& input);
  /// Lets generate() run by restorer_runner.h, on the CPU and for one picture (N = 1). The weights
  /// are copied: call it when they are final.
  void use_runner();

  /// Interpolates between two restored frames: its own weights, since the interpolator beside the
  /// generator of planes knows other pictures and other motion.
  Interpolator& interpolator() { return interpolator_; }

  const RestorerConfig& config() const { return config_; }

 private:
  RestorerConfig config_;
  torch::nn::Conv2d input_quarter_{nullptr}, skip_half_{nullptr};
  torch::nn::Linear scalars_quarter_{nullptr}, scalars_bottleneck_{nullptr};
  torch::nn::Sequential encoder_quarter_{nullptr}, encoder_eighth_{nullptr};
  torch::nn::Conv2d down_eighth_{nullptr}, down_bottleneck_{nullptr};
  torch::nn::ModuleList transformer_{nullptr};
  torch::nn::Conv2d up_eighth_{nullptr}, up_quarter_{nullptr}, up_half_{nullptr}, head_{nullptr};
  torch::nn::Sequential decoder_eighth_{nullptr}, decoder_quarter_{nullptr}, decoder_half_{nullptr};
  Interpolator interpolator_{nullptr};
  std::shared_ptr<const RestorerRunner> runner_;  // null: forward() generates
};
TORCH_MODULE(Restorer);

}  // namespace semcodec
