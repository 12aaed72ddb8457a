#pragma once
// vid2vid's generator (Wang et al., NeurIPS 2018, arXiv 1808.06601), the coarse one, without the
// foreground branch, and the network of Fast-vid2vid's student, which differs in its parts alone.
//
// Two encoders, of the conditions of three frames and of the two outputs before; their sum goes
// through two streams, one for the picture, one for the motion from the output before:
//
//   frame = w · raw + (1 − w) · warp(previous, flow),   raw = tanh, flow = 20 ·, w = sigmoid
//
// Where a scene begins the frame is raw, made of the conditions alone, so that there is no image
// generator for first frames beside it. (vid2vid's no_first_img encodes black pictures; normalised
// by instance, a constant picture would become amplified rounding errors.)

#include <torch/torch.h>

#include "models/baselines/baseline.h"

namespace semcodec {

class Vid2Vid : public Baseline {
 public:
  /// `in_channels`: of one frame's condition. `light`: as in Fast-vid2vid (fast_vid2vid.h).
  Vid2Vid(const BaselineConfig& config, int in_channels, bool light);

  BaselineOutput forward(const BaselineInput& input) override;

 protected:
  /// Maps and pictures (in -1..1) as the encoders take them, smaller than the frame or not, and the
  /// output before in 0..1 at the frame's size. The last two are undefined where a scene begins.
  BaselineOutput generate(const torch::Tensor& conditions, const torch::Tensor& previous,
                          const torch::Tensor& last);

 private:
  torch::nn::Sequential encoder(int in_channels, bool light) const;
  torch::nn::Sequential stream(bool light) const;

  torch::nn::Sequential condition_encoder_{nullptr}, picture_encoder_{nullptr};
  torch::nn::Sequential picture_stream_{nullptr}, flow_stream_{nullptr};
  torch::nn::Sequential picture_head_{nullptr}, flow_head_{nullptr}, weight_head_{nullptr};
};

/// `image` N×C×H×W at the places that a backward flow N×2×H×W in pixels points to; bilinear,
/// clamped at the border.
torch::Tensor warp_by_pixels(const torch::Tensor& image, const torch::Tensor& flow);

}  // namespace semcodec
