#pragma once
// PiDiNet, the edge network of the sender (Su et al., "Pixel Difference Networks for Efficient
// Edge Detection", ICCV 2021), configuration "carv4" with CDCM and CSAM.
//
// An init convolution (3 -> C) and 15 blocks in four stages of C, 2C, 4C, 4C channels at strides
// 1, 2, 4, 8. A block is a depthwise pixel-difference convolution, ReLU, a 1x1 convolution and a
// shortcut. The convolutions cycle through four kinds:
//   cd  central difference     sum_i w_i (x_i - x_centre)
//   ad  angular difference     sum_i w_i (x_i - x_next), the neighbours taken clockwise
//   rd  radial difference      sum_i w_i (x_i at radius 2 - x_i at radius 1), 5x5
//   cv  ordinary 3x3
// All are linear in x, so each folds into one ordinary kernel. Parameters are kept unfolded under
// the names of the authors' checkpoints ("block2_1.conv1.weight"); they are folded on every
// training step and once for inference (EdgeDetector in edge_detector.h).
//
// Every stage: CDCM (1x1 to M channels, then the sum of four 3x3 convolutions with dilation 5, 7,
// 9, 11), CSAM (a spatial attention), a 1x1 head to one channel, bilinear resize to H x W. A fifth,
// fused map is a 1x1 convolution over the four.

#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include "models/core/safetensors.h"

namespace semcodec {

enum class PixelDifference { cd, ad, rd, cv };

/// Kind of the i-th convolution, i = 0 for init_block, then the blocks in order.
PixelDifference pixel_difference_at(int index);

/// The ordinary kernel that computes the pixel-difference convolution of `weight` (O x I x 3 x 3):
/// 3x3, or 5x5 for rd. Its padding is half its size. Differentiable.
torch::Tensor fold_kernel(const torch::Tensor& weight, PixelDifference kind);

struct PiDiNetConfig {
  int channels = 60;      ///< C
  int dilation = 24;      ///< M of the CDCM; 0 without CDCM (the "-l" variants)
  bool attention = true;  ///< CSAM; false in the "-l" variants

  /// "full", "small", "tiny", and each with "-l". Throws Error(usage).
  static PiDiNetConfig named(const std::string& name);
  /// Read off the names and shapes of a checkpoint. Throws Error(corrupt) naming `file`.
  static PiDiNetConfig of(const TensorMap& tensors, const std::string& file);
};

struct PiDiNetBlock;
struct PiDiNetCdcm;
struct PiDiNetCsam;
struct PiDiNetReduce;

class PiDiNetImpl : public torch::nn::Module {
 public:
  explicit PiDiNetImpl(const PiDiNetConfig& config);

  /// N x 3 x H x W, RGB in 0..1 (normalised inside), any H, W >= 8 -> five maps N x 1 x H x W,
  /// *before* the sigmoid: the four stages, then the fused one.
  std::vector<torch::Tensor> forward_logits(const torch::Tensor& rgb);

  /// The five maps as probabilities.
  std::vector<torch::Tensor> forward_all(const torch::Tensor& rgb);

  /// The fused edge probability, N x 1 x H x W.
  torch::Tensor forward(const torch::Tensor& rgb);

  const PiDiNetConfig& config() const { return config_; }

 private:
  PiDiNetConfig config_;
  torch::nn::Conv2d init_{nullptr}, classifier_{nullptr};
  std::vector<std::shared_ptr<PiDiNetBlock>> blocks_;     ///< 15, in order
  std::vector<std::shared_ptr<PiDiNetCdcm>> dilations_;   ///< one a stage, or none
  std::vector<std::shared_ptr<PiDiNetCsam>> attentions_;  ///< one a stage, or none
  std::vector<std::shared_ptr<PiDiNetReduce>> reduces_;   ///< one a stage
  torch::Tensor mean_, scale_;  ///< of ImageNet; constants, not part of the checkpoint
};
TORCH_MODULE(PiDiNet);

/// A PiDiNet of the size that the file holds.
PiDiNet load_pidinet(const std::string& path);

}  // namespace semcodec
