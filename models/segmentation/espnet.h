#pragma once
// ESPNet (Mehta et al., "ESPNet: Efficient Spatial Pyramid of Dilated Convolutions for Semantic
// Segmentation", ECCV 2018, arXiv 1803.06815) with p = 2, q = 8 and the 20 classes of Cityscapes:
// its 19 train ids, and one for everything else.
//
// An ESP block reduces its input to a fifth of the channels, sees that through 3×3 convolutions of
// dilation 1, 2, 4, 8 and 16, adds each of the last four to the ones before it, and joins all five.
// Names are those of the published weights. Every convolution but the last is followed by batch
// normalisation (ε = 1e-3) and PReLU.

#include <torch/torch.h>

namespace semcodec {

class EspNetImpl : public torch::nn::Module {
 public:
  static constexpr int kClasses = 20;
  static constexpr int kStride = 8;  ///< sides are multiples of this

  EspNetImpl();

  /// Pictures N×3×H×W, RGB in 0..1 -> scores N×20×H×W. Normalises as the published weights ask.
  torch::Tensor forward(const torch::Tensor& pictures);

 private:
  static constexpr int kShallow = 2, kDeep = 8;  // blocks at 1/4 and at 1/8
};
TORCH_MODULE(EspNet);

}  // namespace semcodec
