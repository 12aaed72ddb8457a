#pragma once
// FlowNetSD: the member for small displacements, with 3×3 kernels and a first layer at full
// resolution.

#include <torch/torch.h>

#include "models/flownet2/flow_blocks.h"

namespace semcodec {

class FlowNetSDImpl : public torch::nn::Module {
 public:
  explicit FlowNetSDImpl(const FlowNetShape& shape);

  /// x: N×6×H×W as for FlowNetC. Unlike the other members it predicts flow · 20.
  FlowPyramid forward(const torch::Tensor& x, bool finest_only);

 private:
  torch::nn::Sequential conv0_, conv1_, conv1_1_, conv2_, conv2_1_, conv3_, conv3_1_, conv4_,
      conv4_1_, conv5_, conv5_1_, conv6_, conv6_1_;
  Refinement refinement_;
};
TORCH_MODULE(FlowNetSD);

}  // namespace semcodec
