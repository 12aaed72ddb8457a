#include "models/lpips/squeezenet.h"

namespace semcodec {
namespace {

/// A narrow 1x1 convolution whose output goes through a 1x1 and a 3x3 convolution side by side.
struct Fire : torch::nn::Module {
  Fire(int in, int narrow, int out) {
    const auto make = [this](const char* name, int from, int to, int size) {
      return register_module(
          name, torch::nn::Conv2d(torch::nn::Conv2dOptions(from, to, size).padding(size / 2)));
    };
    squeeze = make("squeeze", in, narrow, 1);
    expand1x1 = make("expand1x1", narrow, out, 1);
    expand3x3 = make("expand3x3", narrow, out, 3);
  }

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor y = torch::relu(squeeze->forward(x));
    return torch::relu(torch::cat({expand1x1->forward(y), expand3x3->forward(y)}, 1));
  }

  torch::nn::Conv2d squeeze{nullptr}, expand1x1{nullptr}, expand3x3{nullptr};
};

torch::Tensor pool(const torch::Tensor& x) {
  return torch::max_pool2d(x, 3, 2, 0, 1, /*ceil_mode=*/true);
}

struct FirePlan {
  const char* name;
  int in, narrow, out;
  bool pool_before, tap;
};
constexpr FirePlan kFires[] = {
    {"3", 64, 16, 64, true, false},    {"4", 128, 16, 64, false, true},
    {"6", 128, 32, 128, true, false},  {"7", 256, 32, 128, false, true},
    {"9", 256, 48, 192, true, true},   {"10", 384, 48, 192, false, true},
    {"11", 384, 64, 256, false, true}, {"12", 512, 64, 256, false, true},
};

}  // namespace

SqueezeNetImpl::SqueezeNetImpl() {
  register_module("0", torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 64, 3).stride(2)));
  for (const FirePlan& plan : kFires) {
    register_module(plan.name, std::make_shared<Fire>(plan.in, plan.narrow, plan.out));
  }
}

std::vector<torch::Tensor> SqueezeNetImpl::forward(const torch::Tensor& x) {
  const auto layers = named_children();
  std::vector<torch::Tensor> taps;
  torch::Tensor y = torch::relu(layers["0"]->as<torch::nn::Conv2d>()->forward(x));
  taps.push_back(y);
  for (const FirePlan& plan : kFires) {
    if (plan.pool_before) y = pool(y);
    y = layers[plan.name]->as<Fire>()->forward(y);
    if (plan.tap) taps.push_back(y);
  }
  return taps;
}

}  // namespace semcodec
