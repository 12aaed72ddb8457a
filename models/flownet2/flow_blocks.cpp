#include "models/flownet2/flow_blocks.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace semcodec {
namespace {

constexpr double kSlope = 0.1;

torch::nn::LeakyReLU activation() {
  return torch::nn::LeakyReLU(torch::nn::LeakyReLUOptions().negative_slope(kSlope).inplace(true));
}

// Weights of a k4 s2 transposed convolution that interpolates bilinearly, channel by channel.
void set_bilinear(torch::Tensor weight) {
  const float taps[4] = {0.25F, 0.75F, 0.75F, 0.25F};
  const auto line = torch::tensor(at::ArrayRef<float>(taps, 4));
  weight.zero_();
  for (int c = 0; c < 2; ++c) weight[c][c].copy_(torch::outer(line, line));
}

}  // namespace

int FlowNetShape::channels(int full) const {
  return std::max(8, static_cast<int>(std::lround(full * width)));
}

torch::nn::Sequential conv_block(int in, int out, int kernel, int stride) {
  return torch::nn::Sequential(
      torch::nn::Conv2d(
          torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding((kernel - 1) / 2)),
      activation());
}

torch::nn::Sequential deconv_block(int in, int out) {
  return torch::nn::Sequential(
      torch::nn::ConvTranspose2d(
          torch::nn::ConvTranspose2dOptions(in, out, 4).stride(2).padding(1)),
      activation());
}

torch::nn::Sequential inter_conv_block(int in, int out) {
  return torch::nn::Sequential(torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 3).padding(1)));
}

torch::nn::Conv2d flow_head(int in) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, 2, 3).padding(1));
}

torch::nn::ConvTranspose2d flow_upsampler(bool bias) {
  return torch::nn::ConvTranspose2d(
      torch::nn::ConvTranspose2dOptions(2, 2, 4).stride(2).padding(1).bias(bias));
}

void initialise_flow_net(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  for (auto& item : module.named_parameters()) {
    auto& value = item.value();
    if (value.dim() == 1) {
      value.zero_();
    } else if (value.size(0) == 2 && value.size(1) == 2 && value.size(2) == 4) {
      set_bilinear(value);
    } else {
      torch::nn::init::kaiming_normal_(value, kSlope);
      // Heads start near zero flow, which spares the first few hundred steps.
      if (item.key().find("predict_flow") != std::string::npos) value.mul_(0.1);
      // Only a quarter of a k4 s2 transposed kernel meets each output pixel.
      if (item.key().find("deconv") != std::string::npos) {
        const double fan_in = static_cast<double>(value.size(0)) * 4.0;
        value.normal_(0.0, std::sqrt(2.0 / ((1.0 + kSlope * kSlope) * fan_in)));
      }
    }
  }
}

Refinement::Refinement(torch::nn::Module& owner, const FlowNetShape& shape,
                       const std::array<int, 5>& skips, bool upsampler_bias, bool inter_convs) {
  const std::array<int, 4> full{512, 256, 128, 64};  // deconv5..2; the inter convs have the same
  coarsest_ = owner.register_module("predict_flow6", flow_head(skips[4]));
  int below = skips[4];
  for (int k = 5; k >= 2; --k) {
    const std::string id = std::to_string(k), up = std::to_string(k + 1);
    const int width = shape.channels(full[static_cast<std::size_t>(5 - k)]);
    const int joined = skips[static_cast<std::size_t>(k - 2)] + width + 2;
    Level level;
    level.deconv = owner.register_module("deconv" + id, deconv_block(below, width));
    level.upsample =
        owner.register_module("upsampled_flow" + up + "_to_" + id, flow_upsampler(upsampler_bias));
    if (inter_convs)
      level.inter = owner.register_module("inter_conv" + id, inter_conv_block(joined, width));
    level.predict =
        owner.register_module("predict_flow" + id, flow_head(inter_convs ? width : joined));
    levels_.push_back(level);
    below = joined;
  }
}

FlowPyramid Refinement::forward(const std::array<torch::Tensor, 5>& features, bool finest_only) {
  FlowPyramid coarse_to_fine{coarsest_->forward(features[4])};
  torch::Tensor below = features[4];
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    Level& level = levels_[i];
    below = torch::cat({features[3 - i], level.deconv->forward(below),
                        level.upsample->forward(coarse_to_fine.back())},
                       1);
    coarse_to_fine.push_back(
        level.predict->forward(level.inter.is_empty() ? below : level.inter->forward(below)));
  }
  if (finest_only) return {coarse_to_fine.back().to(torch::kFloat)};
  std::reverse(coarse_to_fine.begin(), coarse_to_fine.end());
  for (auto& flow : coarse_to_fine) flow = flow.to(torch::kFloat);
  return coarse_to_fine;
}

}  // namespace semcodec
