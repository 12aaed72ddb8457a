#include "models/generator/layers.h"

namespace semcodec {

namespace nn = torch::nn;
namespace F = torch::nn::functional;

torch::Tensor activate(const torch::Tensor& x) { return torch::leaky_relu(x, 0.2); }

nn::Conv2d conv(int in, int out, int kernel, int stride) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2));
}

nn::Conv2d conv_to_shuffle(int in, int out, int kernel) {
  auto layer = conv(in, out * 4, kernel);
  torch::NoGradGuard guard;
  // pixel_shuffle takes channels 4c .. 4c+3 for the four sub-pixels of channel c.
  const auto equal = [out](const torch::Tensor& t) {
    auto shape = t.sizes().vec();
    shape[0] = 4;
    shape.insert(shape.begin(), out);
    const auto groups = t.reshape(shape);
    t.copy_(groups.narrow(1, 0, 1).expand_as(groups).reshape(t.sizes()).clone());
  };
  equal(layer->weight);
  equal(layer->bias);
  return layer;
}

torch::Tensor upsample2(const torch::Tensor& x) {
  return F::interpolate(x, F::InterpolateFuncOptions()
                               .scale_factor(std::vector<double>{2.0, 2.0})
                               .mode(torch::kBilinear)
                               .align_corners(false));
}

ResidualBlockImpl::ResidualBlockImpl(int channels) {
  conv1_ = register_module("conv1", conv(channels, channels, 3));
  conv2_ = register_module("conv2", conv(channels, channels, 3));
  torch::NoGradGuard guard;
  conv2_->weight.mul_(0.2);
  conv2_->bias.zero_();
}

torch::Tensor ResidualBlockImpl::forward(const torch::Tensor& x) {
  return x + conv2_(activate(conv1_(activate(x))));
}

nn::Sequential residual_stage(int channels, int blocks) {
  nn::Sequential stage;
  for (int i = 0; i < blocks; ++i) stage->push_back(ResidualBlock(channels));
  return stage;
}

}  // namespace semcodec
