#pragma once
// The interpolator (interpolator.h) as it runs on the CPU: the same networks and weights from fused
// convolutions, warping and blending at full size by the kernels of generate_frame.h.
// InterpolatorImpl::forward() is the reference; in bfloat16 the two differ by rounding.

#include "models/generator/fused_layers.h"
#include "models/generator/interpolator.h"

namespace semcodec {

class InterpolatorRunner {
 public:
  /// Copies the weights of `net`, which are in the type to compute in: bfloat16 or float.
  explicit InterpolatorRunner(const torch::nn::Module& net)
      : InterpolatorRunner(FusedWeights(net)) {}

  /// The frame as H×W×3 bytes (N = 1). Takes the pixels_, small_ and flow_ members, tau and
  /// interval. Several threads may call it at a time.
  torch::Tensor run(const InterpolatorInput& context) const;

 private:
  explicit InterpolatorRunner(const FusedWeights& weights);
  /// What is to be added to both flows, 1×4×H/4×W/4 in units of 16 pixels, and the features for the
  /// blend step.
  std::pair<torch::Tensor, torch::Tensor> motion(const torch::Tensor& input) const;
  torch::Tensor heads(const torch::Tensor& folded) const;

  torch::Dtype type_;
  FusedConv motion_in_, motion_down_, motion_up_, motion_out_, hint_, blend_in_, blend_down_,
      blend_up_, blend_half_, head_;
  FusedStage motion_eighth_, blend_quarter_;
};

}  // namespace semcodec
