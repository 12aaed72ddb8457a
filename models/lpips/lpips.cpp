#include "models/lpips/lpips.h"

#include <string>

#include "common/core/error.h"
#include "models/core/device.h"
#include "models/core/safetensors.h"
#include "models/core/weights_path.h"
#include "models/lpips/unit_distance.h"

namespace semcodec {
Lpips::Lpips(LpipsNet net, const std::string& backbone_file, const std::string& heads_file,
             torch::Device device)
    : net_(make_backbone(net)) {
  const LpipsNetFacts& facts = facts_of(net);
  load_module(*net_, backbone_file);
  for (torch::Tensor& parameter : net_->parameters()) parameter.set_requires_grad(false);
  net_->eval();
  const TensorMap heads = load_safetensors(heads_file);
  for (std::size_t i = 0; i < facts.taps.size(); ++i) {
    const auto found = heads.find("lin" + std::to_string(i) + ".model.1.weight");
    require(
        found != heads.end() && found->second.sizes() == at::IntArrayRef({1, facts.taps[i], 1, 1}),
        ErrorKind::corrupt,
        heads_file + " holds no LPIPS heads for '" + facts.name + "' (lin" + std::to_string(i) +
            "); fetch or import " + facts.head_weights + " again.");
    heads_.push_back(found->second.to(torch::kFloat32));
  }
  // The metric's constants for x in -1..1: (x - shift) / scale. With x = 2 p - 1 and p in 0..1
  // that is (p - (1 + shift) / 2) / (scale / 2).
  shift_ = (1 + torch::tensor({-0.030F, -0.088F, -0.188F}).view({1, 3, 1, 1})) / 2;
  scale_ = 2 / torch::tensor({0.458F, 0.448F, 0.450F}).view({1, 3, 1, 1});
  to(device);
}

std::optional<Lpips> Lpips::find(torch::Device device, LpipsNet net) {
  const auto backbone = find_weights(facts_of(net).backbone_weights);
  const auto heads = find_weights(facts_of(net).head_weights);
  if (!backbone || !heads) return std::nullopt;
  return Lpips(net, *backbone, *heads, device);
}

void Lpips::to(torch::Device device) {
  net_->to(device);
  to_channels_last(*net_);
  for (torch::Tensor& head : heads_) head = head.to(device);
  shift_ = shift_.to(device);
  scale_ = scale_.to(device);
}

torch::Tensor Lpips::forward(const torch::Tensor& a, const torch::Tensor& b) {
  require(a.sizes() == b.sizes() && a.dim() == 4 && a.size(1) == 3 && a.size(2) >= 32 &&
              a.size(3) >= 32,
          ErrorKind::input, "LPIPS needs two RGB pictures of one size, at least 32 x 32 pixels.");
  const auto taps = [&](const torch::Tensor& x) {
    return net_->taps(
        ((x.to(torch::kFloat32) - shift_) * scale_).contiguous(torch::MemoryFormat::ChannelsLast));
  };
  const std::vector<torch::Tensor> of_a = taps(a);
  const std::vector<torch::Tensor> of_b = taps(b);
  torch::Tensor distance = torch::zeros({a.size(0)}, shift_.options());
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    distance = distance + unit_distance(of_a[i], of_b[i], heads_[i]);
  }
  return distance;
}

}  // namespace semcodec
