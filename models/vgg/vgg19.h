#pragma once
// The VGG19 shapes behind FeatureNet (feature_net.h), with the names of their checkpoints.

#include <torch/torch.h>

#include <vector>

namespace semcodec {

/// torchvision's VGG19: 3x3 convolutions with zero padding, "0" .. "28" as in `features`.
/// Input normalised by ImageNet's mean and deviation; taps relu1_1, 2_1, 3_1, 4_1, 5_1 with 64,
/// 128, 256, 512, 512 channels.
class Vgg19Impl : public torch::nn::Module {
 public:
  Vgg19Impl();
  std::vector<torch::Tensor> forward(const torch::Tensor& rgb);
};
TORCH_MODULE(Vgg19);

/// VGG19 with activations normalised to a mean of 1 (Gatys et al.), up to relu3_1. "0" is a 1x1
/// convolution that turns RGB 0..1 into BGR * 255 - mean. Reflection padding.
class Vgg19NormalisedImpl : public torch::nn::Module {
 public:
  Vgg19NormalisedImpl();
  std::vector<torch::Tensor> forward(const torch::Tensor& rgb);
};
TORCH_MODULE(Vgg19Normalised);

/// The encoder of Collaborative Distillation (Wang et al., CVPR 2020): a quarter of VGG19's
/// channels up to relu5_1, "conv0" as above, reflection padding. Its taps go through the 1x1
/// heads it was distilled with ("conv11_aux" ..), to the channel counts of VGG19.
class Vgg19DistilledImpl : public torch::nn::Module {
 public:
  Vgg19DistilledImpl();
  std::vector<torch::Tensor> forward(const torch::Tensor& rgb);
};
TORCH_MODULE(Vgg19Distilled);

}  // namespace semcodec
