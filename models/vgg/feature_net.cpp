#include "models/vgg/feature_net.h"

#include <utility>

#include "common/core/error.h"
#include "models/core/safetensors.h"
#include "models/core/weights_path.h"
#include "models/lpips/squeezenet.h"
#include "models/vgg/vgg19.h"

namespace semcodec {
namespace {

/// SqueezeNet with torchvision's input normalisation, as a module like the others.
class SqueezeFeaturesImpl : public SqueezeNetImpl {
 public:
  std::vector<torch::Tensor> forward(const torch::Tensor& rgb) {
    const auto constant = [&](float r, float g, float b) {
      return torch::tensor({r, g, b}).view({1, 3, 1, 1}).to(rgb.options());
    };
    return SqueezeNetImpl::forward((rgb - constant(0.485F, 0.456F, 0.406F)) /
                                   constant(0.229F, 0.224F, 0.225F));
  }
};

template <typename Net>
class Frozen : public FeatureNet {
 public:
  Frozen(std::string name, const std::string& path, std::vector<double> weights)
      : name_(std::move(name)), weights_(std::move(weights)), net_(std::make_shared<Net>()) {
    load_module(*net_, path);
    for (torch::Tensor& parameter : net_->parameters()) parameter.set_requires_grad(false);
    net_->eval();
  }

  std::vector<torch::Tensor> features(const torch::Tensor& rgb) override {
    require(rgb.dim() == 4 && rgb.size(1) == 3 && rgb.size(2) >= 32 && rgb.size(3) >= 32,
            ErrorKind::input, "Features need RGB pictures of at least 32 x 32 pixels.");
    return net_->forward(rgb.to(net_->parameters().front().options()));
  }
  std::vector<double> tap_weights() const override { return weights_; }
  std::string name() const override { return name_; }
  void to(torch::Device device, torch::Dtype dtype) override { net_->to(device, dtype); }

 private:
  std::string name_;
  std::vector<double> weights_;
  std::shared_ptr<Net> net_;
};

}  // namespace

std::unique_ptr<FeatureNet> load_feature_net(const std::string& kind, const std::string& path) {
  // vid2vid's weights for relu1_1 .. relu5_1 of torchvision's VGG19. There the deepest features
  // are by far the smallest; those of the other networks are of one size, or grow, so the weights
  // follow: each tap's share of the loss is meant to be about what it is with VGG19.
  const std::vector<double> five = {1.0 / 32, 1.0 / 16, 1.0 / 8, 1.0 / 4, 1.0};
  if (kind == "vgg19") return std::make_unique<Frozen<Vgg19Impl>>(kind, path, five);
  if (kind == "vgg19-distilled") {
    return std::make_unique<Frozen<Vgg19DistilledImpl>>(
        kind, path, std::vector<double>{1.0 / 32, 1.0 / 16, 1.0 / 8, 1.0 / 4, 1.0 / 4});
  }
  if (kind == "vgg19-normalised") {
    return std::make_unique<Frozen<Vgg19NormalisedImpl>>(
        kind, path, std::vector<double>{1.0 / 16, 1.0 / 8, 1.0 / 4});
  }
  if (kind == "squeezenet1_1") {
    return std::make_unique<Frozen<SqueezeFeaturesImpl>>(
        kind, path,
        std::vector<double>{1.0 / 8, 1.0 / 16, 1.0 / 32, 1.0 / 64, 1.0 / 64, 1.0 / 32, 1.0 / 8});
  }
  throw Error(ErrorKind::usage, "'" + kind +
                                    "' is not a feature network; use vgg19, vgg19-distilled, "
                                    "vgg19-normalised or squeezenet1_1.");
}

std::unique_ptr<FeatureNet> find_feature_net(const std::vector<std::string>& kinds) {
  for (const std::string& kind : kinds) {
    if (const auto path = find_weights(kind)) return load_feature_net(kind, *path);
  }
  return nullptr;
}

torch::Tensor perceptual_l1(FeatureNet& net, const torch::Tensor& a, const torch::Tensor& b) {
  return perceptual_l1_each(net, a, b).mean();
}

torch::Tensor perceptual_l1_each(FeatureNet& net, const torch::Tensor& a, const torch::Tensor& b) {
  const std::vector<torch::Tensor> of_a = net.features(a);
  std::vector<torch::Tensor> of_b;
  {
    const torch::NoGradGuard no_grad;
    of_b = net.features(b.detach());
  }
  const std::vector<double> weights = net.tap_weights();
  torch::Tensor loss = torch::zeros({a.size(0)}, of_a.front().options().dtype(torch::kFloat32));
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    loss = loss + weights[i] * (of_a[i] - of_b[i]).abs().mean({1, 2, 3}, false, torch::kFloat32);
  }
  return loss;
}

}  // namespace semcodec
