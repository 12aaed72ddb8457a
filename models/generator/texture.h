#pragma once
// The texture plane: a few small integers a cell that say what edges and colours do not.
//
// The sender's network looks at a picture and at the conditions that the receiver will have, and
// gives C numbers a cell of 16×16 pixels. Each is rounded to one of L levels (finite scalar
// quantisation, Mentzer et al. 2023, arXiv 2309.15505), so the plane is made of integers like all
// the others and is coded by the same integer coder: the network chooses what is said, it takes no
// part in how it is read. Channels are ordered by importance (nested dropout in training): a
// stream may carry the first n of them only, n = 0 included.
//
// Level k of L stands for the value 2k/(L-1) - 1, so the middle level is 0, "nothing to add".

#include <torch/torch.h>

#include "semcodec/planes.h"

namespace semcodec {

inline constexpr int kTextureCell = 16;  ///< pixels a side; the generator's bottleneck

struct TextureConfig {
  int channels = 8;  ///< most channels; 0 = the model has no texture plane
  int levels = 5;    ///< odd
  int width = 64;    ///< of the sender's network
};

/// The sender's network.
class TextureEncoderImpl : public torch::nn::Module {
 public:
  explicit TextureEncoderImpl(const TextureConfig& config);

  /// picture: N×3×H×W in 0..1; condition: N×4×H/2×W/2 (generator.h). Result: N×C×H/16×W/16, in
  /// -1..1, not yet rounded.
  torch::Tensor forward(const torch::Tensor& picture, const torch::Tensor& condition);

  const TextureConfig& config() const { return config_; }

 private:
  TextureConfig config_;
  torch::nn::Conv2d in_{nullptr}, down_eighth_{nullptr}, down_sixteenth_{nullptr}, out_{nullptr};
  torch::nn::Sequential eighth_{nullptr}, sixteenth_{nullptr};
};
TORCH_MODULE(TextureEncoder);

/// Rounds -1..1 to the L levels' values. The gradient passes through (straight-through).
torch::Tensor quantise_texture(const torch::Tensor& values, int levels);

/// The first `channels` channels of a rounded 1×C×h×w texture as planes of integers.
std::vector<Plane> texture_planes(const torch::Tensor& values, int levels, int channels);

/// The receiver's side: planes → 1×`channels`×H/16×W/16 floats; channels that were not sent are 0.
/// Throws Error(unsupported) when planes have another size or the stream has more of them.
torch::Tensor render_texture(const std::vector<Plane>& planes, int channels, int coded_width,
                             int coded_height);

}  // namespace semcodec
