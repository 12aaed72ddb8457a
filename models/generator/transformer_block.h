#pragma once
// The transformer block at the generator's bottleneck (ViT style, pre-norm).
//
//   x ← x + DW(x)                 depthwise 3×3: a conditional position code, so that one model
//                                 serves every picture size
//   x ← x + Proj(MHSA(LN(x)))     every position attends to every position
//   x ← x + MLP(LN(x))            two linear layers, GELU between
//
// The seed paper puts four of these where vid2vid has its residual blocks.

#include <torch/torch.h>

namespace semcodec {

class TransformerBlockImpl : public torch::nn::Module {
 public:
  /// channels must be a multiple of heads.
  TransformerBlockImpl(int channels, int heads, int mlp_ratio);

  /// N×C×H×W → N×C×H×W.
  torch::Tensor forward(const torch::Tensor& x);

 private:
  int heads_;
  torch::nn::Conv2d position_{nullptr};
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  torch::nn::Linear qkv_{nullptr}, proj_{nullptr}, expand_{nullptr}, shrink_{nullptr};
};
TORCH_MODULE(TransformerBlock);

}  // namespace semcodec
