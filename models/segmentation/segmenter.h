#pragma once
// Semantic labels of pictures by a network that others have trained: ESPNet (espnet.h) from
// `espnet.safetensors`, or any segmentation network in TorchScript.
//
// A TorchScript network takes pictures 1×3×H×W, RGB, normalised by ImageNet's mean and deviation
// as torchvision's are, and returns scores 1×C×h×w, or a dictionary with them under "out", or a
// tuple that begins with them.

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "semcodec/image.h"

namespace semcodec {

class Segmenter {
 public:
  /// `.safetensors`: ESPNet; anything else: TorchScript. Throws Error(input) naming the file where
  /// it is neither.
  explicit Segmenter(const std::string& file, torch::Device device = torch::kCPU);
  ~Segmenter();

  /// The class of each pixel of the picture when it is width × height, row by row. Sides of the
  /// picture are multiples of 8. Throws Error(input) where the network gives no scores.
  std::vector<std::uint8_t> segment(const RgbImage& picture, int width, int height);

 private:
  struct Network;
  std::unique_ptr<Network> network_;
  std::string file_;
  torch::Device device_;
};

}  // namespace semcodec
