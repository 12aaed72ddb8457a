#include "models/baselines/pix2pixhd.h"

#include "models/baselines/blocks.h"

namespace semcodec {

Pix2PixHd::Pix2PixHd(const BaselineConfig& config, int in_channels)
    : Baseline(config), in_channels_(in_channels) {
  // `channels` are those of the outermost layer: with an enhancer the global generator has twice as
  // many.
  const int own = config.channels, base = config.enhancer ? 2 * own : own;
  auto global = baseline_stem(in_channels, base);
  int width = base;
  for (int i = 0; i < config.downsamplings; ++i, width *= 2) append_down(global, width, 2 * width);
  append_blocks(global, width, config.blocks, false);
  for (int i = 0; i < config.downsamplings; ++i, width /= 2) append_up(global, width, width / 2);
  global_ = register_module("global", global);
  if (config.enhancer) {
    auto down = baseline_stem(in_channels, own);
    append_down(down, own, base);
    enhancer_down_ = register_module("enhancer_down", down);
    torch::nn::Sequential up;
    append_blocks(up, base, kEnhancerBlocks, false);
    append_up(up, base, own);
    enhancer_up_ = register_module("enhancer_up", up);
  }
  head_ = register_module("head", baseline_head(own, 3));
  start_small(*this);
}

BaselineOutput Pix2PixHd::forward(const BaselineInput& input) {
  const auto x = input.conditions.narrow(1, input.conditions.size(1) - in_channels_, in_channels_);
  torch::Tensor features;
  if (enhancer_down_.is_empty()) {
    features = global_->forward(x);
  } else {
    const auto half = torch::avg_pool2d(x, 3, 2, 1, false, false);
    features = enhancer_up_->forward(enhancer_down_->forward(x) + global_->forward(half));
  }
  BaselineOutput out;
  out.raw = 0.5 * torch::tanh(head_->forward(features).to(torch::kFloat32)) + 0.5;
  out.frame = out.raw;
  return out;
}

}  // namespace semcodec
