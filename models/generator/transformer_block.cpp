#include "models/generator/transformer_block.h"

namespace semcodec {

namespace nn = torch::nn;

TransformerBlockImpl::TransformerBlockImpl(int channels, int heads, int mlp_ratio)
    : heads_(heads) {
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

torch::Tensor TransformerBlockImpl::forward(const torch::Tensor& input) {
  const auto n = input.size(0), c = input.size(1), h = input.size(2), w = input.size(3);
  auto x = input + position_(input);
  // Tokens: N×(H·W)×C. With channels_last memory this is a view.
  auto tokens = x.permute({0, 2, 3, 1}).reshape({n, h * w, c});

  auto qkv = qkv_(norm1_(tokens)).reshape({n, h * w, 3, heads_, c / heads_}).permute({2, 0, 3, 1, 4});
  auto attended = at::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);
  tokens = tokens + proj_(attended.transpose(1, 2).reshape({n, h * w, c}));
  tokens = tokens + shrink_(torch::gelu(expand_(norm2_(tokens)), "tanh"));
  return tokens.reshape({n, h, w, c}).permute({0, 3, 1, 2});
}

}  // namespace semcodec
