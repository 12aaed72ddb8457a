#include "models/pidinet/pidinet.h"

#include <array>

#include "common/core/error.h"

namespace semcodec {
namespace {

using torch::indexing::Slice;

constexpr int kStages = 4;
constexpr std::array<int, kStages> kBlocks = {3, 4, 4, 4};
constexpr std::array<int, kStages> kWidths = {1, 2, 4, 4};
constexpr std::array<int, 4> kDilations = {5, 7, 9, 11};

torch::nn::Conv2d conv(int in, int out, int size, bool bias, int groups = 1) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(in, out, size).padding(size / 2).bias(bias).groups(groups));
}

/// A 1x1 convolution whose bias starts at zero.
torch::nn::Conv2d reducing_conv(int in, int out) {
  torch::nn::Conv2d made = conv(in, out, 1, true);
  torch::nn::init::zeros_(made->bias);
  return made;
}

}  // namespace

/// Depthwise pixel-difference convolution, ReLU, 1x1 convolution, shortcut.
struct PiDiNetBlock : torch::nn::Module {
  PiDiNetBlock(int in, int out, bool stride, PixelDifference difference)
      : kind(difference), pools(stride) {
    if (stride) shortcut = register_module("shortcut", conv(in, out, 1, true));
    conv1 = register_module("conv1", conv(in, in, 3, false, in));
    conv2 = register_module("conv2", conv(in, out, 1, false));
  }

  torch::Tensor forward(torch::Tensor x) {
    if (pools) x = torch::max_pool2d(x, 2, 2);
    const torch::Tensor kernel = fold_kernel(conv1->weight, kind);
    torch::Tensor y = torch::conv2d(x, kernel, {}, 1, kernel.size(2) / 2, 1, x.size(1));
    y = conv2->forward(torch::relu(y));
    return y + (pools ? shortcut->forward(x) : x);
  }

  PixelDifference kind;
  bool pools;
  torch::nn::Conv2d shortcut{nullptr}, conv1{nullptr}, conv2{nullptr};
};

/// Compact dilation convolution module: a wide view with few channels.
struct PiDiNetCdcm : torch::nn::Module {
  PiDiNetCdcm(int in, int out) {
    conv1 = register_module("conv1", reducing_conv(in, out));
    for (std::size_t i = 0; i < kDilations.size(); ++i) {
      const auto options = torch::nn::Conv2dOptions(out, out, 3)
                               .padding(kDilations[i])
                               .dilation(kDilations[i])
                               .bias(false);
      conv2.push_back(
          register_module("conv2_" + std::to_string(i + 1), torch::nn::Conv2d(options)));
    }
  }

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor y = conv1->forward(torch::relu(x));
    torch::Tensor sum = conv2[0]->forward(y);
    for (std::size_t i = 1; i < conv2.size(); ++i) sum = sum + conv2[i]->forward(y);
    return sum;
  }

  torch::nn::Conv2d conv1{nullptr};
  std::vector<torch::nn::Conv2d> conv2;
};

/// Compact spatial attention module.
struct PiDiNetCsam : torch::nn::Module {
  explicit PiDiNetCsam(int in) {
    conv1 = register_module("conv1", reducing_conv(in, 4));
    conv2 = register_module("conv2", conv(4, 1, 3, false));
  }

  torch::Tensor forward(const torch::Tensor& x) {
    return x * torch::sigmoid(conv2->forward(conv1->forward(torch::relu(x))));
  }

  torch::nn::Conv2d conv1{nullptr}, conv2{nullptr};
};

/// One stage's head: a 1x1 convolution to a single map.
struct PiDiNetReduce : torch::nn::Module {
  explicit PiDiNetReduce(int in) { conv = register_module("conv", reducing_conv(in, 1)); }
  torch::nn::Conv2d conv{nullptr};
};

PixelDifference pixel_difference_at(int index) { return static_cast<PixelDifference>(index % 4); }

torch::Tensor fold_kernel(const torch::Tensor& weight, PixelDifference kind) {
  // Positions of a 3x3 kernel, row-major: 0 1 2 / 3 4 5 / 6 7 8.
  const torch::Tensor flat = weight.flatten(2);
  const auto index = [&](std::initializer_list<std::int64_t> list) {
    return torch::tensor(at::ArrayRef<std::int64_t>(list),
                         torch::TensorOptions().dtype(torch::kInt64).device(weight.device()));
  };
  switch (kind) {
    case PixelDifference::cv:
      return weight;
    case PixelDifference::cd: {
      // sum_i w_i x_i - (sum_i w_i) x_centre
      const torch::Tensor centre = flat.sum(2, true);
      return (flat - torch::constant_pad_nd(centre, {4, 4})).view_as(weight);
    }
    case PixelDifference::ad:
      // x_i meets its own weight and, negated, that of its neighbour.
      return (flat - flat.index_select(2, index({3, 0, 1, 6, 4, 2, 7, 8, 5}))).view_as(weight);
    case PixelDifference::rd: {
      // The eight neighbours' weights stand on the 5x5 ring and, negated, on the 3x3 ring; the
      // centre's weight has no part in a difference.
      const torch::Tensor ring = flat.index({Slice(), Slice(), Slice(1, 9)});
      const torch::Tensor zero = torch::zeros({flat.size(0), flat.size(1), 25}, flat.options());
      return zero.index_add(2, index({0, 2, 4, 10, 14, 20, 22, 24}), ring)
          .index_add(2, index({6, 7, 8, 11, 13, 16, 17, 18}), ring, -1)
          .view({flat.size(0), flat.size(1), 5, 5});
    }
  }
  throw Error(ErrorKind::internal, "Unknown kind of pixel difference.");
}

PiDiNetConfig PiDiNetConfig::named(const std::string& name) {
  const bool light = name.ends_with("-l");
  const std::string size = light ? name.substr(0, name.size() - 2) : name;
  PiDiNetConfig config;
  if (size == "full") {
    config = {60, 24, true};
  } else if (size == "small") {
    config = {30, 12, true};
  } else if (size == "tiny") {
    config = {20, 8, true};
  } else {
    throw Error(
        ErrorKind::usage,
        "'" + name + "' is not a size of PiDiNet; use full, small or tiny, or one with -l.");
  }
  if (light) config.dilation = 0, config.attention = false;
  return config;
}

PiDiNetConfig PiDiNetConfig::of(const TensorMap& tensors, const std::string& file) {
  const auto init = tensors.find("init_block.weight");
  require(init != tensors.end() && init->second.dim() == 4 && init->second.size(0) >= 1 &&
              init->second.size(0) <= 1024,
          ErrorKind::corrupt, file + " holds no PiDiNet (no sensible 'init_block.weight').");
  PiDiNetConfig config{static_cast<int>(init->second.size(0)), 0, false};
  const auto dilation = tensors.find("dilations.0.conv1.weight");
  if (dilation != tensors.end() && dilation->second.dim() == 4) {
    config.dilation = static_cast<int>(std::min<std::int64_t>(dilation->second.size(0), 1024));
  }
  config.attention = tensors.contains("attentions.0.conv1.weight");
  return config;
}

PiDiNetImpl::PiDiNetImpl(const PiDiNetConfig& config) : config_(config) {
  const int width = config.channels;
  init_ = register_module("init_block", conv(3, width, 3, false));
  int index = 1;
  int in = width;
  for (int stage = 0; stage < kStages; ++stage) {
    const int out = width * kWidths[static_cast<std::size_t>(stage)];
    for (int i = 0; i < kBlocks[static_cast<std::size_t>(stage)]; ++i) {
      const std::string name = "block" + std::to_string(stage + 1) + "_" + std::to_string(i + 1);
      const bool stride = stage > 0 && i == 0;
      blocks_.push_back(register_module(
          name, std::make_shared<PiDiNetBlock>(in, out, stride, pixel_difference_at(index++))));
      in = out;
    }
  }
  torch::nn::ModuleList attentions, dilations, reduces;
  for (int stage = 0; stage < kStages; ++stage) {
    int channels = width * kWidths[static_cast<std::size_t>(stage)];
    if (config.dilation > 0) {
      dilations_.push_back(std::make_shared<PiDiNetCdcm>(channels, config.dilation));
      dilations->push_back(dilations_.back());
      channels = config.dilation;
    }
    if (config.attention) {
      attentions_.push_back(std::make_shared<PiDiNetCsam>(channels));
      attentions->push_back(attentions_.back());
    }
    reduces_.push_back(std::make_shared<PiDiNetReduce>(channels));
    reduces->push_back(reduces_.back());
  }
  if (config.attention) register_module("attentions", attentions);
  if (config.dilation > 0) register_module("dilations", dilations);
  register_module("conv_reduces", reduces);
  classifier_ = register_module("classifier", conv(kStages, 1, 1, true));
  torch::nn::init::constant_(classifier_->weight, 0.25);
  torch::nn::init::zeros_(classifier_->bias);
  mean_ = torch::tensor({0.485F, 0.456F, 0.406F}).view({1, 3, 1, 1});
  scale_ = torch::tensor({0.229F, 0.224F, 0.225F}).view({1, 3, 1, 1}).reciprocal();
}

std::vector<torch::Tensor> PiDiNetImpl::forward_logits(const torch::Tensor& rgb) {
  const std::vector<std::int64_t> size = {rgb.size(2), rgb.size(3)};
  torch::Tensor x = (rgb - mean_.to(rgb.options())) * scale_.to(rgb.options());
  x = torch::conv2d(x, fold_kernel(init_->weight, pixel_difference_at(0)), {}, 1, 1);
  std::vector<torch::Tensor> maps;
  std::size_t block = 0;
  for (std::size_t stage = 0; stage < kStages; ++stage) {
    for (int i = 0; i < kBlocks[stage]; ++i) x = blocks_[block++]->forward(x);
    torch::Tensor y = x;
    if (!dilations_.empty()) y = dilations_[stage]->forward(y);
    if (!attentions_.empty()) y = attentions_[stage]->forward(y);
    y = reduces_[stage]->conv->forward(y);
    maps.push_back(torch::upsample_bilinear2d(y, size, /*align_corners=*/false));
  }
  maps.push_back(classifier_->forward(torch::cat(maps, 1)));
  return maps;
}

std::vector<torch::Tensor> PiDiNetImpl::forward_all(const torch::Tensor& rgb) {
  std::vector<torch::Tensor> maps = forward_logits(rgb);
  for (torch::Tensor& map : maps) map = torch::sigmoid(map);
  return maps;
}

torch::Tensor PiDiNetImpl::forward(const torch::Tensor& rgb) {
  return torch::sigmoid(forward_logits(rgb).back());
}

PiDiNet load_pidinet(const std::string& path) {
  const TensorMap tensors = load_safetensors(path);
  PiDiNet net(PiDiNetConfig::of(tensors, path));
  load_into(*net, tensors, path);
  return net;
}

}  // namespace semcodec
