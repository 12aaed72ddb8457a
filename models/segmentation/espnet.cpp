#include "models/segmentation/espnet.h"

#include <memory>
#include <string>
#include <vector>

namespace semcodec {

namespace nn = torch::nn;

namespace {

constexpr double kEpsilon = 1e-3;
constexpr int kDilations[] = {1, 2, 4, 8, 16};

nn::Conv2d convolution(int in, int out, int kernel, int stride = 1, int dilation = 1) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel)
                        .stride(stride)
                        .padding((kernel - 1) / 2 * dilation)
                        .dilation(dilation)
                        .bias(false));
}

nn::ConvTranspose2d doubled(int channels) {
  return nn::ConvTranspose2d(
      nn::ConvTranspose2dOptions(channels, channels, 2).stride(2).bias(false));
}

/// Batch normalisation by the statistics of the training; the published file has no counters of
/// batches, which torch's own module would ask for.
class Normalisation : public nn::Module {
 public:
  explicit Normalisation(int channels)
      : weight_(register_parameter("weight", torch::ones(channels))),
        bias_(register_parameter("bias", torch::zeros(channels))),
        mean_(register_buffer("running_mean", torch::zeros(channels))),
        variance_(register_buffer("running_var", torch::ones(channels))) {}
  torch::Tensor forward(const torch::Tensor& x) {
    return torch::batch_norm(x, weight_, bias_, mean_, variance_, false, 0, kEpsilon, false);
  }

 private:
  torch::Tensor weight_, bias_, mean_, variance_;
};

std::shared_ptr<Normalisation> normalisation(int channels) {
  return std::make_shared<Normalisation>(channels);
}

nn::PReLU activation(int channels) {
  return nn::PReLU(nn::PReLUOptions().num_parameters(channels));
}

/// A module of one convolution, "conv".
class Single : public nn::Module {
 public:
  explicit Single(nn::Conv2d conv) : conv_(register_module("conv", std::move(conv))) {}
  torch::Tensor forward(const torch::Tensor& x) { return conv_->forward(x); }

 private:
  nn::Conv2d conv_;
};

/// "bn" and "act".
class Rectified : public nn::Module {
 public:
  explicit Rectified(int channels)
      : norm_(register_module("bn", normalisation(channels))),
        act_(register_module("act", activation(channels))) {}
  torch::Tensor forward(const torch::Tensor& x) { return act_->forward(norm_->forward(x)); }

 private:
  std::shared_ptr<Normalisation> norm_;
  nn::PReLU act_;
};

/// "conv", "bn" and "act".
class Unit : public nn::Module {
 public:
  Unit(int in, int out, int stride)
      : conv_(register_module("conv", convolution(in, out, 3, stride))),
        norm_(register_module("bn", normalisation(out))),
        act_(register_module("act", activation(out))) {}
  torch::Tensor forward(const torch::Tensor& x) {
    return act_->forward(norm_->forward(conv_->forward(x)));
  }

 private:
  nn::Conv2d conv_;
  std::shared_ptr<Normalisation> norm_;
  nn::PReLU act_;
};

/// The ESP block; with stride 2 the one that halves the sides, which keeps its normalisation at its
/// own level of names.
class Pyramid : public nn::Module {
 public:
  Pyramid(int in, int out, bool halves, bool adds) : adds_(adds) {
    const int part = out / 5, first = out - 4 * part;
    reduce_ = register_module("c1", std::make_shared<Single>(halves ? convolution(in, part, 3, 2)
                                                                    : convolution(in, part, 1)));
    for (const int dilation : kDilations) {
      const int width = dilation == 1 ? first : part;
      split_.push_back(
          register_module("d" + std::to_string(dilation),
                          std::make_shared<Single>(convolution(part, width, 3, 1, dilation))));
    }
    if (halves) {
      norm_ = register_module("bn", normalisation(out));
      act_ = register_module("act", activation(out));
    } else {
      end_ = register_module("bn", std::make_shared<Rectified>(out));
    }
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const auto reduced = reduce_->forward(x);
    std::vector<torch::Tensor> parts;
    for (const auto& one : split_) parts.push_back(one->forward(reduced));
    for (std::size_t i = 2; i < parts.size(); ++i) parts[i] = parts[i] + parts[i - 1];
    auto joined = torch::cat(parts, 1);
    if (end_ == nullptr) return act_->forward(norm_->forward(joined));
    return end_->forward(adds_ ? x + joined : joined);
  }

 private:
  bool adds_;
  std::shared_ptr<Single> reduce_;
  std::vector<std::shared_ptr<Single>> split_;
  std::shared_ptr<Normalisation> norm_;
  nn::PReLU act_{nullptr};
  std::shared_ptr<Rectified> end_;
};

class Encoder : public nn::Module {
 public:
  Encoder(int shallow, int deep, int classes) {
    level1 = register_module("level1", std::make_shared<Unit>(3, 16, 2));
    b1 = register_module("b1", std::make_shared<Rectified>(16 + 3));
    level2_0 = register_module("level2_0", std::make_shared<Pyramid>(16 + 3, 64, true, false));
    level2 = blocks("level2", shallow, 64);
    b2 = register_module("b2", std::make_shared<Rectified>(128 + 3));
    level3_0 = register_module("level3_0", std::make_shared<Pyramid>(128 + 3, 128, true, false));
    level3 = blocks("level3", deep, 128);
    b3 = register_module("b3", std::make_shared<Rectified>(256));
    classifier =
        register_module("classifier", std::make_shared<Single>(convolution(256, classes, 1)));
  }

  std::shared_ptr<Unit> level1;
  std::shared_ptr<Rectified> b1, b2, b3;
  std::shared_ptr<Pyramid> level2_0, level3_0;
  nn::Sequential level2{nullptr}, level3{nullptr};
  std::shared_ptr<Single> classifier;

 private:
  nn::Sequential blocks(const std::string& name, int count, int channels) {
    nn::Sequential all;
    for (int i = 0; i < count; ++i) {
      all->push_back(std::make_shared<Pyramid>(channels, channels, false, true));
    }
    return register_module(name, all);
  }
};

template <typename Kind>
Kind& part(nn::Module& net, const std::string& name) {
  return *net.named_children()[name]->template as<Kind>();
}

}  // namespace

EspNetImpl::EspNetImpl() {
  register_module("encoder", std::make_shared<Encoder>(kShallow, kDeep, kClasses));
  register_module("level3_C", std::make_shared<Single>(convolution(128 + 3, kClasses, 1)));
  register_module("br", normalisation(kClasses));
  register_module("conv", std::make_shared<Unit>(16 + kClasses, kClasses, 1));
  register_module("up_l3", nn::Sequential(doubled(kClasses)));
  register_module("combine_l2_l3",
                  nn::Sequential(std::make_shared<Rectified>(2 * kClasses),
                                 std::make_shared<Pyramid>(2 * kClasses, kClasses, false, false)));
  register_module("up_l2",
                  nn::Sequential(doubled(kClasses), std::make_shared<Rectified>(kClasses)));
  register_module("classifier", doubled(kClasses));
}

torch::Tensor EspNetImpl::forward(const torch::Tensor& pictures) {
  // The authors train on OpenCV's pictures: blue first, normalised, and then divided by 255 again.
  const auto options = pictures.options();
  const auto mean = torch::tensor({72.3923111, 82.90893555, 73.15840149}, options);
  const auto deviation = torch::tensor({45.3192215, 46.15289307, 44.91483307}, options);
  const auto x =
      (pictures.flip(1) * 255 - mean.view({1, 3, 1, 1})) / (deviation.view({1, 3, 1, 1}) * 255);
  auto& encoder = part<Encoder>(*this, "encoder");
  const auto half_input = torch::avg_pool2d(x, 3, 2, 1);
  const auto half = encoder.level1->forward(x);
  const auto into_quarter = encoder.b1->forward(torch::cat({half, half_input}, 1));
  const auto quarter = encoder.level2_0->forward(into_quarter);
  const auto quarter_all = encoder.b2->forward(torch::cat(
      {encoder.level2->forward(quarter), quarter, torch::avg_pool2d(half_input, 3, 2, 1)}, 1));
  const auto eighth = encoder.level3_0->forward(quarter_all);
  const auto eighth_all =
      encoder.b3->forward(torch::cat({eighth, encoder.level3->forward(eighth)}, 1));
  // The decoder: class scores at 1/8, joined with those at 1/4 and with features at 1/2.
  const auto deep =
      part<nn::SequentialImpl>(*this, "up_l3")
          .forward(
              part<Normalisation>(*this, "br").forward(encoder.classifier->forward(eighth_all)));
  const auto shallow = part<Single>(*this, "level3_C").forward(quarter_all);
  const auto joined =
      part<nn::SequentialImpl>(*this, "combine_l2_l3").forward(torch::cat({shallow, deep}, 1));
  const auto at_half = part<nn::SequentialImpl>(*this, "up_l2").forward(joined);
  return part<nn::ConvTranspose2dImpl>(*this, "classifier")
      .forward(part<Unit>(*this, "conv").forward(torch::cat({at_half, half}, 1)));
}

}  // namespace semcodec
