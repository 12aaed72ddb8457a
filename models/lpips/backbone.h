#pragma once
// The networks whose features LPIPS compares: SqueezeNet 1.1, AlexNet, VGG16, with their taps.
//
// Each is the `features` part of torchvision's network, under torchvision's names ("0.weight"),
// so that its published weights load unchanged.

#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

namespace semcodec {

enum class LpipsNet { squeeze, alex, vgg };

/// What belongs to a network: "squeeze" as in JSON keys, the names of its weights (see
/// models/weights.json), the channels of its taps.
struct LpipsNetFacts {
  const char* name;
  const char* backbone_weights;
  const char* head_weights;
  std::vector<int> taps;
};
const LpipsNetFacts& facts_of(LpipsNet net);

class LpipsBackbone : public torch::nn::Module {
 public:
  /// N x 3 x H x W, already normalised, H, W >= 32 -> one tensor a tap.
  virtual std::vector<torch::Tensor> taps(const torch::Tensor& x) = 0;
};

/// Parameters are as torch initialises them until weights are loaded.
std::shared_ptr<LpipsBackbone> make_backbone(LpipsNet net);

}  // namespace semcodec
