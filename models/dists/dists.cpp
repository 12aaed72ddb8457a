#include "models/dists/dists.h"

#include <algorithm>
#include <vector>

#include "common/core/error.h"
#include "models/core/device.h"
#include "models/core/safetensors.h"
#include "models/core/weights_path.h"

namespace semcodec {

namespace {

constexpr std::int64_t kChannels = 3 + 64 + 128 + 256 + 512 + 512;
constexpr double kSmall = 1e-6;
constexpr std::int64_t kShortSide = 256;

// VGG16's convolutions between its pools, by torchvision's names.
const std::vector<std::vector<const char*>> kStages = {
    {"0", "2"}, {"5", "7"}, {"10", "12", "14"}, {"17", "19", "21"}, {"24", "26", "28"}};

torch::Tensor weights_of(const TensorMap& tensors, const std::string& name,
                         const std::string& path) {
  const auto found = tensors.find(name);
  require(found != tensors.end() && found->second.numel() == kChannels, ErrorKind::corrupt,
          path + " holds no weights of DISTS (" + name + "); fetch or import dists again.");
  return found->second.to(torch::kFloat32).reshape({1, kChannels, 1, 1});
}

torch::Tensor reduced(const torch::Tensor& x) {
  const auto side = std::min(x.size(2), x.size(3));
  if (side <= kShortSide) return x;
  const double scale = static_cast<double>(kShortSide) / static_cast<double>(side);
  namespace F = torch::nn::functional;
  return F::interpolate(x, F::InterpolateFuncOptions()
                               .scale_factor(std::vector<double>{scale, scale})
                               .mode(torch::kBilinear)
                               .align_corners(false)
                               .recompute_scale_factor(false));
}

torch::Tensor mean_of(const torch::Tensor& x) { return x.mean({2, 3}, true); }

}  // namespace

Dists::Dists(const std::string& backbone_file, const std::string& weights_file,
             torch::Device device)
    : net_(make_backbone(LpipsNet::vgg)) {
  load_module(*net_, backbone_file);
  for (torch::Tensor& parameter : net_->parameters()) parameter.set_requires_grad(false);
  net_->eval();
  net_->to(device);
  to_channels_last(*net_);
  const TensorMap tensors = load_safetensors(weights_file);
  const auto alpha = weights_of(tensors, "alpha", weights_file);
  const auto beta = weights_of(tensors, "beta", weights_file);
  const auto sum = alpha.sum() + beta.sum();
  alpha_ = (alpha / sum).to(device);
  beta_ = (beta / sum).to(device);
  mean_ = torch::tensor({0.485F, 0.456F, 0.406F}).view({1, 3, 1, 1}).to(device);
  deviation_ = torch::tensor({0.229F, 0.224F, 0.225F}).view({1, 3, 1, 1}).to(device);
  const auto window = torch::tensor({0.25F, 0.5F, 0.25F});
  hann_ = torch::outer(window, window).view({1, 1, 3, 3}).to(device);
}

std::optional<Dists> Dists::find(torch::Device device) {
  const auto backbone = find_weights("vgg16");
  const auto weights = find_weights("dists");
  if (!backbone || !weights) return std::nullopt;
  return Dists(*backbone, *weights, device);
}

std::vector<torch::Tensor> Dists::features(const torch::Tensor& picture) {
  const auto layers = net_->named_children();
  std::vector<torch::Tensor> found = {picture};
  auto x = ((picture - mean_) / deviation_).contiguous(torch::MemoryFormat::ChannelsLast);
  for (std::size_t stage = 0; stage < kStages.size(); ++stage) {
    if (stage > 0) {
      const auto channels = x.size(1);
      const auto power =
          torch::conv2d(x.square(), hann_.expand({channels, 1, 3, 3}), {}, 2, 1, 1, channels);
      x = (power + 1e-12).sqrt();
    }
    for (const char* name : kStages[stage]) {
      x = torch::relu(layers[name]->as<torch::nn::Conv2d>()->forward(x));
    }
    found.push_back(x);
  }
  return found;
}

torch::Tensor Dists::forward(const torch::Tensor& a, const torch::Tensor& b) {
  require(a.sizes() == b.sizes() && a.dim() == 4 && a.size(1) == 3 && a.size(2) >= 32 &&
              a.size(3) >= 32,
          ErrorKind::input, "DISTS needs two RGB pictures of one size, at least 32 x 32 pixels.");
  const auto of_a = features(reduced(a.to(torch::kFloat32)));
  const auto of_b = features(reduced(b.to(torch::kFloat32)));
  torch::Tensor alike;
  std::int64_t first = 0;
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    const auto &x = of_a[i], &y = of_b[i];
    const auto mx = mean_of(x), my = mean_of(y);
    const auto structure = (2 * mx * my + kSmall) / (mx.square() + my.square() + kSmall);
    const auto vx = mean_of((x - mx).square()), vy = mean_of((y - my).square());
    const auto common = mean_of(x * y) - mx * my;
    const auto texture = (2 * common + kSmall) / (vx + vy + kSmall);
    const auto channels = x.size(1);
    const auto term =
        (alpha_.narrow(1, first, channels) * structure + beta_.narrow(1, first, channels) * texture)
            .sum({1, 2, 3});
    alike = alike.defined() ? alike + term : term;
    first += channels;
  }
  return 1 - alike;
}

}  // namespace semcodec
