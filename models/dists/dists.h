#pragma once
// DISTS (Ding et al., "Image Quality Assessment: Unifying Structure and Texture Similarity", TPAMI
// 2020, arXiv 2004.07728): 0 = same. More tolerant of texture that lies elsewhere than LPIPS.
//
// Features are the picture itself and relu1_2 .. relu5_3 of VGG16 whose max pools are replaced by
// √(hann * x²). With mean μ, variance σ² and covariance of a channel over the picture,
//
//   DISTS = 1 − Σ (α (2 μa μb + c) / (μa² + μb² + c) + β (2 σab + c) / (σa² + σb² + c)),
//
// c = 1e-6, Σ (α + β) = 1 over all 1475 channels.

#include <torch/torch.h>

#include <memory>
#include <optional>
#include <string>

#include "models/lpips/backbone.h"

namespace semcodec {

class Dists {
 public:
  /// Files: vgg16.safetensors and dists.safetensors ("alpha", "beta", 1×1475×1×1). Parameters need
  /// no gradient; gradients flow to the pictures. Computes in float32. Throws Error(input |
  /// corrupt).
  Dists(const std::string& backbone_file, const std::string& weights_file,
        torch::Device device = torch::kCPU);

  /// With the files of find_weights(); nullopt when one is missing.
  static std::optional<Dists> find(torch::Device device = torch::kCPU);

  /// Distance of a and b, both N×3×H×W, RGB in 0..1, H, W ≥ 32 -> N values. Pictures whose short
  /// side is above 256 are reduced to that first, bilinearly, as the published figures are made.
  torch::Tensor forward(const torch::Tensor& a, const torch::Tensor& b);

 private:
  std::vector<torch::Tensor> features(const torch::Tensor& picture);

  std::shared_ptr<LpipsBackbone> net_;
  torch::Tensor alpha_, beta_, mean_, deviation_, hann_;
};

}  // namespace semcodec
