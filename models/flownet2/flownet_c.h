#pragma once
// FlowNetC: two feature towers with shared weights, compared by the correlation layer.

#include <torch/torch.h>

#include "models/flownet2/flow_blocks.h"

namespace semcodec {

class FlowNetCImpl : public torch::nn::Module {
 public:
  explicit FlowNetCImpl(const FlowNetShape& shape);

  /// x: N×6×H×W, both mean-free pictures, H and W multiples of 64, in the type of the weights.
  /// Flow / 20 at 1/4, 1/8, 1/16, 1/32 and 1/64 resolution (only 1/4 with `finest_only`).
  FlowPyramid forward(const torch::Tensor& x, bool finest_only);

 private:
  int max_displacement_;
  torch::nn::Sequential conv1_, conv2_, conv3_, conv_redir_, conv3_1_, conv4_, conv4_1_, conv5_,
      conv5_1_, conv6_, conv6_1_;
  Refinement refinement_;
};
TORCH_MODULE(FlowNetC);

}  // namespace semcodec
