#include "models/vgg/vgg19.h"

#include <algorithm>
#include <array>
#include <string>

namespace semcodec {
namespace {

struct StagePlan {
  int width, convs;
};
// Up to relu5_1: of the fifth stage only the first convolution is needed.
constexpr std::array<StagePlan, 5> kVgg19 = {{{64, 2}, {128, 2}, {256, 4}, {512, 4}, {512, 1}}};
constexpr std::array<StagePlan, 5> kDistilled = {{{16, 2}, {32, 2}, {64, 4}, {128, 4}, {128, 1}}};

torch::nn::Conv2d conv(int in, int out, int size, int padding) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, size).padding(padding));
}

torch::Tensor convolve(torch::nn::Module& net, const std::string& name, const torch::Tensor& x) {
  return net.named_children()[name]->as<torch::nn::Conv2d>()->forward(x);
}

/// ReLU of a 3x3 convolution behind a border of mirrored pixels.
torch::Tensor mirrored(torch::nn::Module& net, const std::string& name, const torch::Tensor& x) {
  return torch::relu(convolve(net, name, torch::reflection_pad2d(x, {1, 1, 1, 1})));
}

torch::Tensor halve(const torch::Tensor& x) { return torch::max_pool2d(x, 2, 2); }

}  // namespace

Vgg19Impl::Vgg19Impl() {
  int index = 0;
  int in = 3;
  for (const StagePlan& stage : kVgg19) {
    for (int i = 0; i < stage.convs; ++i, index += 2) {
      register_module(std::to_string(index), conv(in, stage.width, 3, 1));
      in = stage.width;
    }
    ++index;  // torchvision counts the pool
  }
}

std::vector<torch::Tensor> Vgg19Impl::forward(const torch::Tensor& rgb) {
  const auto constant = [&](float r, float g, float b) {
    return torch::tensor({r, g, b}).view({1, 3, 1, 1}).to(rgb.options());
  };
  torch::Tensor x = (rgb - constant(0.485F, 0.456F, 0.406F)) / constant(0.229F, 0.224F, 0.225F);
  std::vector<torch::Tensor> taps;
  int index = 0;
  for (const StagePlan& stage : kVgg19) {
    if (index > 0) x = halve(x);
    for (int i = 0; i < stage.convs; ++i, index += 2) {
      x = torch::relu(convolve(*this, std::to_string(index), x));
      if (i == 0) taps.push_back(x);
    }
    ++index;
  }
  return taps;
}

Vgg19NormalisedImpl::Vgg19NormalisedImpl() {
  register_module("0", conv(3, 3, 1, 0));
  register_module("2", conv(3, 64, 3, 0));
  register_module("5", conv(64, 64, 3, 0));
  register_module("9", conv(64, 128, 3, 0));
  register_module("12", conv(128, 128, 3, 0));
  register_module("16", conv(128, 256, 3, 0));
}

std::vector<torch::Tensor> Vgg19NormalisedImpl::forward(const torch::Tensor& rgb) {
  const torch::Tensor first = mirrored(*this, "2", convolve(*this, "0", rgb));
  const torch::Tensor second = mirrored(*this, "9", halve(mirrored(*this, "5", first)));
  const torch::Tensor third = mirrored(*this, "16", halve(mirrored(*this, "12", second)));
  return {first, second, third};
}

Vgg19DistilledImpl::Vgg19DistilledImpl() {
  register_module("conv0", conv(3, 3, 1, 0));
  int in = 3;
  for (std::size_t stage = 0; stage < kDistilled.size(); ++stage) {
    const auto [width, convs] = kDistilled[stage];
    const std::string name = "conv" + std::to_string(stage + 1);
    for (int i = 1; i <= convs; ++i) {
      register_module(name + std::to_string(i), conv(in, width, 3, 0));
      in = width;
    }
    register_module(name + "1_aux", conv(width, std::min(512, 64 << stage), 1, 0));
  }
}

std::vector<torch::Tensor> Vgg19DistilledImpl::forward(const torch::Tensor& rgb) {
  torch::Tensor x = convolve(*this, "conv0", rgb);
  std::vector<torch::Tensor> taps;
  for (std::size_t stage = 0; stage < kDistilled.size(); ++stage) {
    if (stage > 0) x = halve(x);
    const std::string name = "conv" + std::to_string(stage + 1);
    for (int i = 1; i <= kDistilled[stage].convs; ++i) {
      x = mirrored(*this, name + std::to_string(i), x);
      if (i == 1) taps.push_back(convolve(*this, name + "1_aux", x));
    }
  }
  return taps;
}

}  // namespace semcodec
