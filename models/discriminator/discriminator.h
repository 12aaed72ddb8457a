#pragma once
// Multi-scale patch discriminators (pix2pixHD / vid2vid), used by the training only.
//
// D_I judges one frame together with its condition (seed paper eq. 4), D_V three frames and the
// flow between them (eq. 3). Both are PatchGANs at several scales: convolutions 4×4, stride 2 three
// times, then stride 1, LeakyReLU 0.2, one score for each patch.

#include <torch/torch.h>

#include <vector>

namespace semcodec {

/// One scale. Input N×C×H×W.
class PatchDiscriminatorImpl : public torch::nn::Module {
 public:
  PatchDiscriminatorImpl(int in_channels, int base_channels, int layers, bool normalised = false);
  /// Activations of all layers; the last one is the map of patch scores.
  std::vector<torch::Tensor> forward(const torch::Tensor& x);

 private:
  torch::nn::ModuleList layers_{nullptr};
  bool normalised_;
};
TORCH_MODULE(PatchDiscriminator);

struct DiscriminatorConfig {
  int in_channels = 7;      ///< D_I: 3 + condition 4;  D_V: 3·3 + 2·2
  int base_channels = 32;   ///< vid2vid: 64
  int layers = 3;           ///< strided convolutions
  int scales = 2;           ///< each halves the one before; pix2pixHD: 3
  bool normalised = false;  ///< inner layers by instance, as in pix2pixHD and vid2vid
};

class DiscriminatorImpl : public torch::nn::Module {
 public:
  explicit DiscriminatorImpl(const DiscriminatorConfig& config);
  /// [scale][layer] activations.
  std::vector<std::vector<torch::Tensor>> forward(const torch::Tensor& x);

 private:
  torch::nn::ModuleList scales_{nullptr};
};
TORCH_MODULE(Discriminator);

}  // namespace semcodec
