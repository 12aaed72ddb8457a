#pragma once
// LPIPS version 0.1 with SqueezeNet 1.1, AlexNet or VGG16 (Zhang et al., "The Unreasonable
// Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018): the perceptual distance of
// two pictures, 0 = same. Distances of different networks are different metrics.
//
// x in -1..1 is shifted and scaled by the metric's own constants; each tap f of the network becomes
// f / (|f| + 1e-10) over its channels; squared differences are weighted by a 1x1 head, averaged
// over the picture and summed over the taps.

#include <torch/torch.h>

#include <memory>
#include <optional>
#include <string>

#include "models/lpips/backbone.h"

namespace semcodec {

class Lpips {
 public:
  /// Files: e.g. squeezenet1_1.safetensors and lpips-squeeze.safetensors. The parameters need no
  /// gradient; gradients flow to the pictures. Computes in float32.
  Lpips(LpipsNet net, const std::string& backbone_file, const std::string& heads_file,
        torch::Device device = torch::kCPU);

  /// With the files of find_weights(); nullopt when one is missing.
  static std::optional<Lpips> find(torch::Device device = torch::kCPU,
                                   LpipsNet net = LpipsNet::squeeze);

  /// Distance of a and b, both N x 3 x H x W, RGB in 0..1 (values outside are not clipped),
  /// H, W >= 32 -> N values.
  torch::Tensor forward(const torch::Tensor& a, const torch::Tensor& b);

  void to(torch::Device device);

 private:
  std::shared_ptr<LpipsBackbone> net_;
  std::vector<torch::Tensor> heads_;  ///< 1 x C x 1 x 1, one a tap
  torch::Tensor shift_, scale_;
};

}  // namespace semcodec
