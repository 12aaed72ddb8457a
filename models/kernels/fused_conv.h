#pragma once
// Convolutions of networks that only run, on the CPU, by the operators that torch.compile uses
// there (mkldnn::_convolution_pointwise): the weights are reordered for oneDNN once a map size, and
// the activation or the sum that follows is part of the convolution instead of another pass over
// memory.
//
// Maps are N×C×H×W in channels-last memory and in the type of the weights, bfloat16 or float.

#include <torch/torch.h>

#include <memory>

namespace semcodec {

/// What follows a convolution: nothing, leaky ReLU of slope 0.2, or GELU by tanh.
enum class Activation { none, leaky_relu, gelu };

class FusedConv {
 public:
  FusedConv() = default;
  /// weight: O×I/groups×k×k with an odd k, padded by k/2; bias: O, or undefined. Both are copied.
  FusedConv(const torch::Tensor& weight, const torch::Tensor& bias, int stride = 1, int groups = 1);

  torch::Tensor operator()(const torch::Tensor& x, Activation then = Activation::none) const {
    return run(x, bias_, then);
  }
  /// With another bias, which may depend on the picture.
  torch::Tensor run(const torch::Tensor& x, const torch::Tensor& bias, Activation then) const;
  /// sum += this(x).
  void add_to(torch::Tensor& sum, const torch::Tensor& x) const;

  const torch::Tensor& bias() const { return bias_; }

 private:
  struct Packed;
  /// The weights in the order that suits maps of x's size; kept for the next one of that size.
  torch::Tensor packed_for(const torch::Tensor& x) const;

  torch::Tensor weight_, bias_;
  std::int64_t padding_ = 0, stride_ = 1, groups_ = 1;
  std::shared_ptr<Packed> packed_;  // null: torch::conv2d runs
};

/// Whether this torch has the operators on this machine. FusedConv works without them, more slowly.
bool have_fused_convolutions();

}  // namespace semcodec
