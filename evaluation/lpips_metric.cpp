#include "evaluation/lpips_metric.h"

#include <torch/version.h>

#include <algorithm>

#include "common/core/error.h"
#include "evaluation/pixel_error.h"
#include "evaluation/run_parallel.h"
#include "models/core/device.h"
#include "models/core/weights_path.h"
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

LpipsNet net_of(const std::string& name) {
  for (const LpipsNet net : {LpipsNet::squeeze, LpipsNet::alex, LpipsNet::vgg}) {
    if (name == facts_of(net).name) return net;
  }
  throw Error(ErrorKind::internal, "There is no LPIPS network '" + name + "'.");
}

}  // namespace

struct LpipsMetric::Impl {
  Lpips net;
  torch::Device device;
  std::size_t threads;

  double distance(const RgbImage& a, const RgbImage& b) {
    const torch::NoGradGuard guard;
    return net.forward(tensor_of(a, device), tensor_of(b, device)).item<double>();
  }
};

LpipsMetric::LpipsMetric(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LpipsMetric::~LpipsMetric() = default;
LpipsMetric::LpipsMetric(LpipsMetric&&) noexcept = default;
LpipsMetric& LpipsMetric::operator=(LpipsMetric&&) noexcept = default;

std::optional<LpipsMetric> LpipsMetric::find(const std::string& device, int threads,
                                             const std::string& name) {
  const torch::Device where = parse_device(device);
  auto net = Lpips::find(where, net_of(name));
  if (!net) return std::nullopt;
  return LpipsMetric(std::make_unique<Impl>(
      Impl{std::move(*net), where, where.is_cpu() ? static_cast<std::size_t>(threads) : 1}));
}

std::string LpipsMetric::torch_version() { return TORCH_VERSION; }

std::string LpipsMetric::missing_sentence(const std::string& net) {
  const LpipsNetFacts& facts = facts_of(net_of(net));
  return "LPIPS (" + net + ") was left out: " +
         missing_weights(std::vector<std::string>{facts.backbone_weights, facts.head_weights}) +
         ".";
}

std::vector<double> LpipsMetric::distances(std::span<const RgbImage* const> a,
                                           std::span<const RgbImage* const> b) {
  if (a.empty()) return {};
  for (std::size_t i = 0; i < a.size(); ++i) {
    require_same_size(*a[i], *b[i]);
    require_same_size(*a[i], *a[0]);
  }
  require(std::min(a[0]->width, a[0]->height) >= 32, ErrorKind::input,
          "LPIPS needs pictures of at least 32x32 pixels.");
  std::vector<double> values(a.size());
  run_parallel(a.size(), impl_->threads, [&](std::size_t i, std::size_t) {
    set_threads(1);  // torch keeps this number for each thread
    values[i] = impl_->distance(*a[i], *b[i]);
  });
  return values;
}

}  // namespace semcodec
