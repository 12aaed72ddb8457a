#pragma once
// The fusion network: decides per pixel between the large-displacement flow of the C-S-S chain
// and the small-displacement flow of SD, and sharpens the result at full resolution.

#include <torch/torch.h>

#include "models/flownet2/flow_blocks.h"

namespace semcodec {

class FlowNetFusionImpl : public torch::nn::Module {
 public:
  explicit FlowNetFusionImpl(const FlowNetShape& shape);

  /// x: N×11×H×W: first picture (3), SD flow (2), S2 flow (2), their lengths (1 + 1), brightness
  /// errors of SD and of S2 (1 + 1); flows in pixels.
  /// Flow in pixels at full, 1/2 and 1/4 resolution.
  FlowPyramid forward(const torch::Tensor& x);

  /// Only the prediction at 1/factor of the resolution (factor 2 or 4), still in full-resolution
  /// pixels; the finer layers are not computed.
  torch::Tensor forward_reduced(const torch::Tensor& x, int factor);

 private:
  torch::nn::Sequential conv0_, conv1_, conv1_1_, conv2_, conv2_1_, deconv1_, deconv0_,
      inter_conv1_, inter_conv0_;
  torch::nn::Conv2d predict_flow2_, predict_flow1_, predict_flow0_;
  torch::nn::ConvTranspose2d up2_to_1_, up1_to_0_;
};
TORCH_MODULE(FlowNetFusion);

}  // namespace semcodec
