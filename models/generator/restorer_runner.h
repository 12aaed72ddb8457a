#pragma once
// The restorer (restorer.h) as it runs on the CPU: the same network and weights from fused
// convolutions, its inputs folded and its output blended in one pass each. RestorerImpl::forward()
// is the reference; in bfloat16 the two differ by rounding.

#include "models/generator/fused_layers.h"
#include "models/generator/restorer.h"

namespace semcodec {

class RestorerRunner {
 public:
  /// Copies the weights of `net`, which are in the type to compute in: bfloat16 or float.
  explicit RestorerRunner(RestorerImpl& net);

  /// The frame (N = 1), clamped to 0..1. Inputs as for forward(), but those that are not there may
  /// be undefined. Several threads may call it at a time.
  torch::Tensor run(const RestorerInput& input) const;

 private:
  RestorerRunner(const FusedWeights& weights, const RestorerConfig& config);
  /// What convolutions at 1/factor of the coded size see, in as many channels.
  torch::Tensor folded(const RestorerInput& input, int factor, std::int64_t channels) const;

  torch::Dtype type_;
  FusedConv input_quarter_, skip_half_, down_eighth_, down_bottleneck_, up_eighth_, up_quarter_,
      up_half_, head_;
  FusedStage encoder_quarter_, encoder_eighth_, decoder_eighth_, decoder_quarter_, decoder_half_;
  std::vector<FusedTransformer> transformer_;
  torch::Tensor scalars_quarter_, scalars_quarter_bias_, scalars_bottleneck_,
      scalars_bottleneck_bias_;
};

}  // namespace semcodec
