#pragma once
// Networks that only run on the CPU, from fused convolutions (models/kernels/fused_conv.h): what
// the runners of the restorer and of the interpolator are built of. The modules in layers.h and
// transformer_block.h are the reference, and what trains.

#include <torch/torch.h>

#include <string>
#include <vector>

#include "models/kernels/feature_maps.h"
#include "models/kernels/fused_conv.h"

namespace semcodec {

/// The layers of a module by the names of its parameters, in the type of its weights.
class FusedWeights {
 public:
  explicit FusedWeights(const torch::nn::Module& module) : named_(module.named_parameters()) {}

  torch::Tensor at(const std::string& name) const;
  /// A convolution. `inputs` above that of the weights: as many channels are read, those beyond
  /// being of no effect (whole blocks of 32 multiply faster).
  FusedConv conv(const std::string& name, int stride = 1, std::int64_t inputs = 0) const;
  /// A convolution before pixel_shuffle(2), its outputs as by_sub_pixel() orders them.
  FusedConv shuffled(const std::string& name) const;
  /// A linear layer as a 1×1 convolution.
  FusedConv linear(const std::string& name) const;

 private:
  torch::OrderedDict<std::string, torch::Tensor> named_;
};

/// Residual blocks (layers.h) one after the other.
class FusedStage {
 public:
  FusedStage(const FusedWeights& weights, const std::string& name, int blocks);
  /// Both tensors of `x` are overwritten.
  void run(ActiveMap& x) const;

 private:
  std::vector<std::pair<FusedConv, FusedConv>> blocks_;
};

/// A transformer block (transformer_block.h).
class FusedTransformer {
 public:
  FusedTransformer(const FusedWeights& weights, const std::string& name, int heads);
  torch::Tensor run(const torch::Tensor& x) const;

 private:
  std::int64_t heads_;
  FusedConv position_, qkv_, proj_, expand_, shrink_;
  torch::Tensor gain1_, bias1_, gain2_, bias2_;
};

}  // namespace semcodec
