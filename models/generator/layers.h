#pragma once
// Small layers that the receiver's and the sender's networks share.

#include <torch/torch.h>

#include <vector>

namespace semcodec {

/// Leaky ReLU, slope 0.2.
torch::Tensor activate(const torch::Tensor& x);

/// A convolution that keeps the size (or halves it with stride 2).
torch::nn::Conv2d conv(int in, int out, int kernel, int stride = 1);

/// A 1×1 convolution to out · 4 channels for pixel_shuffle(2). The four sub-pixels start out equal
/// (ICNR, Aitken et al. 2017, arXiv 1707.02937), so that no checkerboard has to be unlearned.
torch::nn::Conv2d conv_to_shuffle(int in, int out, int kernel = 1);

/// Bilinear enlargement by two.
torch::Tensor upsample2(const torch::Tensor& x);

/// Two 3×3 convolutions around a shortcut, without normalisation: colours are absolute here, and
/// statistics over the picture would tie every pixel to all others.
class ResidualBlockImpl : public torch::nn::Module {
 public:
  explicit ResidualBlockImpl(int channels);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Conv2d conv1_{nullptr}, conv2_{nullptr};
};
TORCH_MODULE(ResidualBlock);

/// So many residual blocks in a row.
torch::nn::Sequential residual_stage(int channels, int blocks);

}  // namespace semcodec
