#include "models/generator/transformer_block.h"

#include <cmath>

namespace semcodec {

namespace nn = torch::nn;

TransformerBlockImpl::TransformerBlockImpl(int channels, int heads, int mlp_ratio) : heads_(heads) {
  TORCH_CHECK(channels % heads == 0, "channels must be a multiple of heads");
  position_ = register_module(
      "position", nn::Conv2d(nn::Conv2dOptions(channels, channels, 3).padding(1).groups(channels)));
  norm1_ = register_module("norm1", nn::LayerNorm(nn::LayerNormOptions({channels})));
  norm2_ = register_module("norm2", nn::LayerNorm(nn::LayerNormOptions({channels})));
  qkv_ = register_module("qkv", nn::Linear(channels, 3 * channels));
  proj_ = register_module("proj", nn::Linear(channels, channels));
  expand_ = register_module("expand", nn::Linear(channels, mlp_ratio * channels));
  shrink_ = register_module("shrink", nn::Linear(mlp_ratio * channels, channels));
  // Each block starts as the identity, which lets the convolutions around it learn first.
  torch::NoGradGuard guard;
  for (auto* layer : {&proj_, &shrink_}) {
    (*layer)->weight.mul_(0.1);
    (*layer)->bias.zero_();
  }
  position_->weight.mul_(0.1);
  position_->bias.zero_();
}

namespace {

/// A linear layer over the channels of N×C×H×W, as a 1×1 convolution: on the CPU oneDNN's
/// convolutions are several times faster in bf16 than the matrix products behind torch::linear.
torch::Tensor over_channels(const nn::Linear& layer, const torch::Tensor& x) {
  return torch::conv2d(x, layer->weight.unsqueeze(-1).unsqueeze(-1), layer->bias);
}

/// softmax(q kᵀ / √d) v. On the CPU in bf16 the fused operator multiplies by way of float32;
/// batched products go to oneDNN. Long sequences (large pictures) keep the fused one, for the
/// memory.
torch::Tensor attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) {
  constexpr int64_t kLong = 2048;
  if (!q.is_cpu() || q.scalar_type() != torch::kBFloat16 || q.size(2) > kLong) {
    return at::scaled_dot_product_attention(q, k, v);
  }
  const double scale = 1.0 / std::sqrt(static_cast<double>(q.size(3)));
  return torch::matmul(torch::softmax(torch::matmul(q * scale, k.transpose(2, 3)), -1), v);
}

}  // namespace

torch::Tensor TransformerBlockImpl::forward(const torch::Tensor& input) {
  const auto n = input.size(0), c = input.size(1), h = input.size(2), w = input.size(3);
  auto x = input + position_(input);
  // Tokens, N×(H·W)×C: a view in channels_last memory.
  const auto tokens = [&](const torch::Tensor& map) {
    return map.permute({0, 2, 3, 1}).reshape({n, h * w, -1});
  };
  const auto maps = [&](const torch::Tensor& t) {
    return t.reshape({n, h, w, -1}).permute({0, 3, 1, 2});
  };
  const auto normed = [&](nn::LayerNorm& norm) { return maps(norm(tokens(x))); };

  const auto qkv = tokens(over_channels(qkv_, normed(norm1_)))
                       .reshape({n, h * w, 3, heads_, c / heads_})
                       .permute({2, 0, 3, 1, 4});
  const auto attended = attend(qkv[0], qkv[1], qkv[2]);
  x = x + over_channels(proj_, maps(attended.transpose(1, 2).reshape({n, h * w, c})));
  return x + over_channels(shrink_, torch::gelu(over_channels(expand_, normed(norm2_)), "tanh"));
}

}  // namespace semcodec
