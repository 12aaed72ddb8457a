#pragma once
// Building blocks that the four networks of FlowNet2 share: how channel counts scale, the
// convolution blocks under their official parameter names, and the expanding half of the nets.

#include <torch/torch.h>

#include <array>
#include <vector>

namespace semcodec {

/// FlowNet2 predicts flow / 20 (FlowNetSD as a member of the whole: flow · 20).
inline constexpr double kFlowDivisor = 20.0;

/// Size of a network and its correlation window.
struct FlowNetShape {
  double width = 1.0;         ///< multiplies every channel count; 1 is the published network
  int max_displacement = 20;  ///< of the correlation, in pixels of the 1/8 resolution; even

  /// A published channel count at this width: max(8, round(full · width)).
  int channels(int full) const;
};

/// Convolution (with bias, "same" padding for odd kernels) + LeakyReLU(0.1); parameters "0.*".
torch::nn::Sequential conv_block(int in, int out, int kernel, int stride);
/// Transposed convolution k4 s2 p1 (with bias) + LeakyReLU(0.1); parameters "0.*".
torch::nn::Sequential deconv_block(int in, int out);
/// 3×3 convolution with bias and no activation; parameters "0.*".
torch::nn::Sequential inter_conv_block(int in, int out);
/// The 3×3 convolution to two channels.
torch::nn::Conv2d flow_head(int in);
/// The learned ×2 upsampling of a flow: ConvT 2→2, k4 s2 p1.
torch::nn::ConvTranspose2d flow_upsampler(bool bias);

/// He initialisation of weights and zero biases for everything below `module`; flow upsamplers
/// start as bilinear interpolation. Uses torch's generator.
void initialise_flow_net(torch::nn::Module& module);

/// Flow predictions of one member from fine to coarse, in the member's own units: [0] at 1/4
/// resolution (Fusion: full), each further one half of it. Float.
using FlowPyramid = std::vector<torch::Tensor>;

/// The expanding half that C, S and SD share: flow6 → … → flow2 with skip connections. It is not
/// a module but a list of parts of its owner, so that the parameters keep their official names.
class Refinement {
 public:
  /// Registers deconv5..2, predict_flow6..2, upsampled_flow6_to_5..3_to_2 (and inter_conv5..2) in
  /// `owner`. `skips` are the channels of conv2, conv3_1, conv4_1, conv5_1, conv6_1.
  Refinement(torch::nn::Module& owner, const FlowNetShape& shape, const std::array<int, 5>& skips,
             bool upsampler_bias, bool inter_convs);

  /// features: conv2, conv3_1, conv4_1, conv5_1, conv6_1 outputs. With `finest_only` the coarser
  /// predictions are not kept in the result.
  FlowPyramid forward(const std::array<torch::Tensor, 5>& features, bool finest_only);

 private:
  struct Level {  // from level k + 1 to level k
    torch::nn::Sequential deconv{nullptr};
    torch::nn::ConvTranspose2d upsample{nullptr};
    torch::nn::Sequential inter{nullptr};
    torch::nn::Conv2d predict{nullptr};
  };
  std::vector<Level> levels_;  // coarse to fine
  torch::nn::Conv2d coarsest_{nullptr};
};

}  // namespace semcodec
