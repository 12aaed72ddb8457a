#include "evaluation/perceptual_metric.h"

#include <torch/version.h>

#include <algorithm>
#include <functional>

#include "common/core/error.h"
#include "evaluation/pixel_error.h"
#include "evaluation/run_parallel.h"
#include "models/core/device.h"
#include "models/core/weights_path.h"
#include "models/dists/dists.h"
#include "models/lpips/lpips.h"

namespace semcodec {
namespace {

torch::Tensor tensor_of(const RgbImage& image, const torch::Device& device) {
  // from_blob wants a mutable pointer; the bytes are only read.
  auto* bytes = const_cast<std::uint8_t*>(image.pixels.data());
  return torch::from_blob(bytes, {1, image.height, image.width, 3}, torch::kUInt8)
      .to(device)
      .permute({0, 3, 1, 2})
      .to(torch::kFloat32)
      .div(255.0);
}

using Distance = std::function<torch::Tensor(const torch::Tensor&, const torch::Tensor&)>;

/// The network of "lpips_squeeze" and the like.
LpipsNet net_of(const std::string& name) {
  for (const LpipsNet net : {LpipsNet::squeeze, LpipsNet::alex, LpipsNet::vgg}) {
    if (name == std::string("lpips_") + facts_of(net).name) return net;
  }
  throw Error(ErrorKind::internal, "There is no perceptual distance '" + name + "'.");
}

template <typename Net>
Distance distance_of(std::optional<Net> net) {
  if (!net) return {};
  return [shared = std::make_shared<Net>(std::move(*net))](
             const torch::Tensor& a, const torch::Tensor& b) { return shared->forward(a, b); };
}

}  // namespace

struct PerceptualMetric::Impl {
  Distance net;
  torch::Device device;
  std::size_t threads;

  double distance(const RgbImage& a, const RgbImage& b) {
    const torch::NoGradGuard guard;
    return net(tensor_of(a, device), tensor_of(b, device)).item<double>();
  }
};

PerceptualMetric::PerceptualMetric(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PerceptualMetric::~PerceptualMetric() = default;
PerceptualMetric::PerceptualMetric(PerceptualMetric&&) noexcept = default;
PerceptualMetric& PerceptualMetric::operator=(PerceptualMetric&&) noexcept = default;

std::optional<PerceptualMetric> PerceptualMetric::find(const std::string& device, int threads,
                                                       const std::string& name) {
  const torch::Device where = parse_device(device);
  auto net = name == "dists" ? distance_of(Dists::find(where))
                             : distance_of(Lpips::find(where, net_of(name)));
  if (!net) return std::nullopt;
  return PerceptualMetric(std::make_unique<Impl>(
      Impl{std::move(net), where, where.is_cpu() ? static_cast<std::size_t>(threads) : 1}));
}

std::string PerceptualMetric::torch_version() { return TORCH_VERSION; }

std::string PerceptualMetric::missing_sentence(const std::string& name) {
  if (name == "dists") {
    return "DISTS was left out: " + missing_weights(std::vector<std::string>{"vgg16", "dists"}) +
           ".";
  }
  const LpipsNetFacts& facts = facts_of(net_of(name));
  return std::string("LPIPS (") + facts.name + ") was left out: " +
         missing_weights(std::vector<std::string>{facts.backbone_weights, facts.head_weights}) +
         ".";
}

std::vector<double> PerceptualMetric::distances(std::span<const RgbImage* const> a,
                                                std::span<const RgbImage* const> b) {
  if (a.empty()) return {};
  for (std::size_t i = 0; i < a.size(); ++i) {
    require_same_size(*a[i], *b[i]);
    require_same_size(*a[i], *a[0]);
  }
  require(std::min(a[0]->width, a[0]->height) >= 32, ErrorKind::input,
          "LPIPS and DISTS need pictures of at least 32x32 pixels.");
  std::vector<double> values(a.size());
  run_parallel(a.size(), impl_->threads, [&](std::size_t i, std::size_t) {
    set_threads(1);  // torch keeps this number for each thread
    values[i] = impl_->distance(*a[i], *b[i]);
  });
  return values;
}

}  // namespace semcodec
