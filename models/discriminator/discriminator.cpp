#include "models/discriminator/discriminator.h"

#include <algorithm>

namespace semcodec {

namespace nn = torch::nn;

PatchDiscriminatorImpl::PatchDiscriminatorImpl(int in_channels, int base_channels, int layers,
                                               bool normalised)
    : normalised_(normalised) {
  layers_ = register_module("layers", nn::ModuleList());
  int in = in_channels, out = base_channels;
  for (int i = 0; i <= layers; ++i) {
    const int stride = i < layers ? 2 : 1;
    layers_->push_back(nn::Conv2d(nn::Conv2dOptions(in, out, 4).stride(stride).padding(2)));
    in = out;
    out = std::min(out * 2, base_channels * 8);
  }
  layers_->push_back(nn::Conv2d(nn::Conv2dOptions(in, 1, 4).padding(2)));
}

std::vector<torch::Tensor> PatchDiscriminatorImpl::forward(const torch::Tensor& input) {
  std::vector<torch::Tensor> out;
  auto x = input;
  for (std::size_t i = 0; i < layers_->size(); ++i) {
    x = layers_[i]->as<nn::Conv2d>()->forward(x);
    const bool inner = i > 0 && i + 1 < layers_->size();
    if (normalised_ && inner) x = torch::instance_norm(x, {}, {}, {}, {}, true, 0.1, 1e-5, false);
    if (i + 1 < layers_->size()) x = torch::leaky_relu(x, 0.2);
    out.push_back(x);
  }
  return out;
}

DiscriminatorImpl::DiscriminatorImpl(const DiscriminatorConfig& config) {
  scales_ = register_module("scales", nn::ModuleList());
  for (int i = 0; i < config.scales; ++i) {
    scales_->push_back(PatchDiscriminator(config.in_channels, config.base_channels, config.layers,
                                          config.normalised));
  }
}

std::vector<std::vector<torch::Tensor>> DiscriminatorImpl::forward(const torch::Tensor& input) {
  std::vector<std::vector<torch::Tensor>> out;
  auto x = input;
  for (std::size_t i = 0; i < scales_->size(); ++i) {
    if (i > 0) x = torch::avg_pool2d(x, 3, 2, 1, false, false);
    out.push_back(scales_[i]->as<PatchDiscriminator>()->forward(x));
  }
  return out;
}

}  // namespace semcodec
