#include "models/generator/fused_layers.h"

#include "common/core/error.h"

namespace semcodec {

torch::Tensor FusedWeights::at(const std::string& name) const {
  const auto* found = named_.find(name);
  require(found != nullptr, ErrorKind::internal, "The network has no parameter " + name + ".");
  return found->detach();
}

FusedConv FusedWeights::conv(const std::string& name, int stride, std::int64_t inputs) const {
  auto weight = at(name + ".weight");
  const auto more = inputs - weight.size(1);
  if (inputs > 0 && more > 0) weight = torch::constant_pad_nd(weight, {0, 0, 0, 0, 0, more});
  return {weight, at(name + ".bias"), stride};
}

FusedConv FusedWeights::shuffled(const std::string& name) const {
  return {by_sub_pixel(at(name + ".weight")), by_sub_pixel(at(name + ".bias"))};
}

FusedConv FusedWeights::linear(const std::string& name) const {
  return {at(name + ".weight").unsqueeze(-1).unsqueeze(-1), at(name + ".bias")};
}

FusedStage::FusedStage(const FusedWeights& weights, const std::string& name, int blocks) {
  for (int i = 0; i < blocks; ++i) {
    const std::string block = name + "." + std::to_string(i);
    blocks_.emplace_back(weights.conv(block + ".conv1"), weights.conv(block + ".conv2"));
  }
}

void FusedStage::run(ActiveMap& x) const {
  for (const auto& [first, second] : blocks_) {
    second.add_to(x.sum, first(x.active, Activation::leaky_relu));
    x.active = leaky(x.sum);
  }
}

FusedTransformer::FusedTransformer(const FusedWeights& weights, const std::string& name, int heads)
    : heads_(heads),
      position_(weights.at(name + ".position.weight"), weights.at(name + ".position.bias"), 1,
                static_cast<int>(weights.at(name + ".position.bias").size(0))),
      qkv_(weights.linear(name + ".qkv")),
      proj_(weights.linear(name + ".proj")),
      expand_(weights.linear(name + ".expand")),
      shrink_(weights.linear(name + ".shrink")),
      gain1_(weights.at(name + ".norm1.weight")),
      bias1_(weights.at(name + ".norm1.bias")),
      gain2_(weights.at(name + ".norm2.weight")),
      bias2_(weights.at(name + ".norm2.bias")) {}

torch::Tensor FusedTransformer::run(const torch::Tensor& input) const {
  const auto c = input.size(1), h = input.size(2), w = input.size(3);
  // Tokens, 1×(H·W)×C, are views of channels-last memory, and so are maps of tokens.
  const auto tokens = [&](const torch::Tensor& map) {
    return map.permute({0, 2, 3, 1}).reshape({1, h * w, -1});
  };
  const auto maps = [&](const torch::Tensor& t) {
    return t.reshape({1, h, w, -1}).permute({0, 3, 1, 2});
  };
  const auto normed = [&](const torch::Tensor& x, const torch::Tensor& gain,
                          const torch::Tensor& bias) {
    return maps(torch::layer_norm(tokens(x), {c}, gain, bias));
  };
  auto x = position_(input);
  x.add_(input);
  const auto qkv = tokens(qkv_(normed(x, gain1_, bias1_)))
                       .reshape({1, h * w, 3, heads_, c / heads_})
                       .permute({2, 0, 3, 1, 4});
  const auto attended = at::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);
  proj_.add_to(x, maps(attended.transpose(1, 2).reshape({1, h * w, c})));
  shrink_.add_to(x, expand_(normed(x, gain2_, bias2_), Activation::gelu));
  return x;
}

}  // namespace semcodec
