#pragma once
// FlowNetS: one encoder over stacked channels; in FlowNet2 it refines the flow of the member
// before it.

#include <torch/torch.h>

#include "models/flownet2/flow_blocks.h"

namespace semcodec {

class FlowNetSImpl : public torch::nn::Module {
 public:
  /// in_channels: 6 for the two pictures alone, 12 behind another member (pictures, second picture
  /// warped, flow / 20, brightness error).
  FlowNetSImpl(const FlowNetShape& shape, int in_channels);

  /// x: N×in_channels×H×W, H and W multiples of 64. Output as FlowNetC.
  FlowPyramid forward(const torch::Tensor& x, bool finest_only);

 private:
  torch::nn::Sequential conv1_, conv2_, conv3_, conv3_1_, conv4_, conv4_1_, conv5_, conv5_1_,
      conv6_, conv6_1_;
  Refinement refinement_;
};
TORCH_MODULE(FlowNetS);

}  // namespace semcodec
