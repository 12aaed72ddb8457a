#include "models/lpips/backbone.h"

#include <span>

#include "models/lpips/squeezenet.h"

namespace semcodec {
namespace {

class SqueezeBackbone : public LpipsBackbone {
 public:
  // The layers become children of this module, so that names are those of the file.
  SqueezeBackbone() {
    for (const auto& layer : net_->named_children()) register_module(layer.key(), layer.value());
  }
  std::vector<torch::Tensor> taps(const torch::Tensor& x) override { return net_->forward(x); }

 private:
  SqueezeNet net_;
};

/// A convolution followed by ReLU, with the max pool in front of it and the tap behind it.
struct ConvPlan {
  const char* name;
  int in, out, size, stride, padding;
  int pool_before;  ///< window of the pool, 0 = none; its stride is 2
  bool tap;
};

constexpr ConvPlan kAlexNet[] = {
    {"0", 3, 64, 11, 4, 2, 0, true},    {"3", 64, 192, 5, 1, 2, 3, true},
    {"6", 192, 384, 3, 1, 1, 3, true},  {"8", 384, 256, 3, 1, 1, 0, true},
    {"10", 256, 256, 3, 1, 1, 0, true},
};

constexpr ConvPlan kVgg16[] = {
    {"0", 3, 64, 3, 1, 1, 0, false},     {"2", 64, 64, 3, 1, 1, 0, true},
    {"5", 64, 128, 3, 1, 1, 2, false},   {"7", 128, 128, 3, 1, 1, 0, true},
    {"10", 128, 256, 3, 1, 1, 2, false}, {"12", 256, 256, 3, 1, 1, 0, false},
    {"14", 256, 256, 3, 1, 1, 0, true},  {"17", 256, 512, 3, 1, 1, 2, false},
    {"19", 512, 512, 3, 1, 1, 0, false}, {"21", 512, 512, 3, 1, 1, 0, true},
    {"24", 512, 512, 3, 1, 1, 2, false}, {"26", 512, 512, 3, 1, 1, 0, false},
    {"28", 512, 512, 3, 1, 1, 0, true},
};

class PlainBackbone : public LpipsBackbone {
 public:
  explicit PlainBackbone(std::span<const ConvPlan> plans) : plans_(plans) {
    for (const ConvPlan& p : plans_) {
      convs_.push_back(register_module(
          p.name,
          torch::nn::Conv2d(
              torch::nn::Conv2dOptions(p.in, p.out, p.size).stride(p.stride).padding(p.padding))));
    }
  }

  std::vector<torch::Tensor> taps(const torch::Tensor& x) override {
    std::vector<torch::Tensor> found;
    torch::Tensor y = x;
    for (std::size_t i = 0; i < plans_.size(); ++i) {
      if (plans_[i].pool_before > 0) y = torch::max_pool2d(y, plans_[i].pool_before, 2);
      y = torch::relu(convs_[i]->forward(y));
      if (plans_[i].tap) found.push_back(y);
    }
    return found;
  }

 private:
  std::span<const ConvPlan> plans_;
  std::vector<torch::nn::Conv2d> convs_;
};

}  // namespace

const LpipsNetFacts& facts_of(LpipsNet net) {
  static const LpipsNetFacts squeeze{"squeeze",
                                     "squeezenet1_1",
                                     "lpips-squeeze",
                                     {std::begin(kSqueezeNetTaps), std::end(kSqueezeNetTaps)}};
  static const LpipsNetFacts alex{"alex", "alexnet", "lpips-alex", {64, 192, 384, 256, 256}};
  static const LpipsNetFacts vgg{"vgg", "vgg16", "lpips-vgg", {64, 128, 256, 512, 512}};
  return net == LpipsNet::squeeze ? squeeze : net == LpipsNet::alex ? alex : vgg;
}

std::shared_ptr<LpipsBackbone> make_backbone(LpipsNet net) {
  if (net == LpipsNet::squeeze) return std::make_shared<SqueezeBackbone>();
  if (net == LpipsNet::alex) return std::make_shared<PlainBackbone>(kAlexNet);
  return std::make_shared<PlainBackbone>(kVgg16);
}

}  // namespace semcodec
