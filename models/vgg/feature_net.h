#pragma once
// Networks whose features measure how alike two pictures look, behind one interface. Used by the
// perceptual loss of the training and by feature distances of the evaluation.
//
//   vgg19             torchvision's VGG19, relu1_1 .. relu5_1: the seed paper's choice
//   vgg19-distilled   a VGG19 of a quarter of the channels distilled from it; its five taps are
//                     mapped by 1x1 heads to 64, 128, 256, 512, 512 channels
//   vgg19-normalised  VGG19 rescaled so that each channel's mean activation is 1, relu1_1 ..
//   relu3_1 squeezenet1_1     the seven taps of SqueezeNet, when nothing better is there
//
// All take RGB in 0..1 and normalise inside. Parameters need no gradient.

#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

namespace semcodec {

class FeatureNet {
 public:
  virtual ~FeatureNet() = default;

  /// N x 3 x H x W, RGB 0..1, H, W >= 32 -> one tensor a tap, coarser and deeper each time.
  /// Differentiable in x.
  virtual std::vector<torch::Tensor> features(const torch::Tensor& rgb) = 0;

  /// Weight of each tap in the loss; same length as features(). For vgg19 those of vid2vid (1/32,
  /// 1/16, 1/8, 1/4, 1); smaller for deep taps of networks whose deep features are larger.
  virtual std::vector<double> tap_weights() const = 0;

  virtual std::string name() const = 0;
  virtual void to(torch::Device device, torch::Dtype dtype = torch::kFloat32) = 0;
};

/// `kind` as listed above, `path` a safetensors file. Throws Error(usage | input | corrupt).
std::unique_ptr<FeatureNet> load_feature_net(const std::string& kind, const std::string& path);

/// The first of `kinds` whose weights find_weights() knows; null when there is none.
std::unique_ptr<FeatureNet> find_feature_net(const std::vector<std::string>& kinds = {
                                                 "vgg19", "vgg19-distilled", "vgg19-normalised",
                                                 "squeezenet1_1"});

/// Sum over taps of weight * mean |features(a) - features(b)|; b's features carry no gradient.
torch::Tensor perceptual_l1(FeatureNet& net, const torch::Tensor& a, const torch::Tensor& b);
/// The same for each picture of a batch: N values.
torch::Tensor perceptual_l1_each(FeatureNet& net, const torch::Tensor& a, const torch::Tensor& b);

}  // namespace semcodec
