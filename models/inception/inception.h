#pragma once
// Inception-v3 (Szegedy et al. 2016) in the variant that FID is defined with, up to its last pool.
//
// It differs from torchvision's: the weights are those of Google's inception-2015-12-05 (1008
// classes), the 3x3 average pools of the A, C and first E blocks leave the zero padding out of the
// mean, and the pool of the last E block is a max pool. Every convolution is followed by a batch
// norm (epsilon 1e-3) and ReLU; batch norms are folded into the convolutions when weights load.
//
// Names are those of pytorch-fid and torch-fidelity, whose files are the same. Pictures are resized
// as pytorch-fid does it: bilinear, corners not aligned, no antialiasing, then to -1..1.
// (torch-fidelity resizes as TensorFlow 1 did and scales by (x - 128) / 128; its figures differ
// from pytorch-fid's in the third digit or so.)

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>

#include "models/core/safetensors.h"

namespace semcodec {

class Inception {
 public:
  static constexpr int kFeatures = 2048;  ///< of the last pool, "pool3"
  static constexpr int kSide = 299;       ///< pictures are resized to kSide x kSide

  /// `file`: inception.safetensors of scripts/import_weights.py. Throws Error(input | corrupt).
  explicit Inception(const std::string& file, torch::Device device = torch::kCPU);

  /// The same from tensors; `origin` names them in errors.
  Inception(const TensorMap& tensors, const std::string& origin,
            torch::Device device = torch::kCPU);

  /// Names and shapes of the tensors (zeros) that a file must hold, classifier left out.
  static TensorMap expected();

  /// N x 3 x H x W, RGB in 0..1, float32 -> N x 2048, averaged over the last 8 x 8 positions.
  torch::Tensor features(const torch::Tensor& rgb) const;

 private:
  struct Unit {
    torch::Tensor weight, bias;
    std::int64_t stride = 1;
    std::array<std::int64_t, 2> padding{};
  };
  torch::Tensor run(const torch::Tensor& x, const std::string& name) const;
  torch::Tensor run(torch::Tensor x, const std::string& block,
                    std::initializer_list<const char*> branch) const;
  torch::Tensor block_a(const torch::Tensor& x, const std::string& name) const;
  torch::Tensor block_b(const torch::Tensor& x, const std::string& name) const;
  torch::Tensor block_c(const torch::Tensor& x, const std::string& name) const;
  torch::Tensor block_d(const torch::Tensor& x, const std::string& name) const;
  torch::Tensor block_e(const torch::Tensor& x, const std::string& name, bool max_pool) const;

  std::map<std::string, Unit> units_;  ///< by name, e.g. "Mixed_5b.branch1x1"
};

}  // namespace semcodec
