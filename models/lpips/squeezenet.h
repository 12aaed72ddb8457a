#pragma once
// The convolutional part of SqueezeNet 1.1 (Iandola et al. 2016) with the seven taps of LPIPS.
//
// conv 3->64 k3 s2 p0, ReLU | pool | fire 3, 4 | pool | fire 6, 7 | pool | fire 9, 10, 11, 12.
// Pools are 3x3, stride 2, rounding up. Names are those of torchvision's `features` ("3.squeeze").

#include <torch/torch.h>

#include <vector>

namespace semcodec {

class SqueezeNetImpl : public torch::nn::Module {
 public:
  SqueezeNetImpl();

  /// N x 3 x H x W, already normalised, H, W >= 32 -> seven tensors after the ReLU of conv 1 and
  /// after fires 4, 7, 9, 10, 11, 12: 64, 128, 256, 384, 384, 512, 512 channels.
  std::vector<torch::Tensor> forward(const torch::Tensor& x);
};
TORCH_MODULE(SqueezeNet);

/// Channels of the seven taps.
inline constexpr int kSqueezeNetTaps[7] = {64, 128, 256, 384, 384, 512, 512};

}  // namespace semcodec
