#include "models/baselines/vid2vid.h"

#include "models/baselines/blocks.h"

namespace semcodec {

namespace nn = torch::nn;

namespace {

constexpr double kFlowUnit = 20.0;  // pixels

}  // namespace

torch::Tensor warp_by_pixels(const torch::Tensor& image, const torch::Tensor& flow) {
  const auto height = image.size(2), width = image.size(3);
  const auto x = torch::arange(width, flow.options()).view({1, 1, width}) + flow.select(1, 0);
  const auto y = torch::arange(height, flow.options()).view({1, height, 1}) + flow.select(1, 1);
  const auto grid = torch::stack(
      {2 * x / static_cast<double>(width - 1) - 1, 2 * y / static_cast<double>(height - 1) - 1},
      -1);
  return nn::functional::grid_sample(image.to(flow.scalar_type()), grid,
                                     nn::functional::GridSampleFuncOptions()
                                         .mode(torch::kBilinear)
                                         .padding_mode(torch::kBorder)
                                         .align_corners(true));
}

nn::Sequential Vid2Vid::encoder(int in_channels, bool light) const {
  const auto& c = config();
  auto net = baseline_stem(in_channels, c.channels);
  int width = c.channels;
  for (int i = 0; i < c.downsamplings; ++i, width *= 2) {
    // The light one gets its maps at half size already.
    append_down(net, width, 2 * width, light && i == 0 ? 1 : 2);
  }
  append_blocks(net, width, c.blocks - c.blocks / 2, light);
  return net;
}

nn::Sequential Vid2Vid::stream(bool light) const {
  const auto& c = config();
  nn::Sequential net;
  int width = c.channels << c.downsamplings;
  append_blocks(net, width, c.blocks / 2, light);
  for (int i = 0; i < c.downsamplings; ++i, width /= 2) append_up(net, width, width / 2);
  return net;
}

Vid2Vid::Vid2Vid(const BaselineConfig& config, int in_channels, bool light) : Baseline(config) {
  constexpr int kFrames = BaselineConfig::kFrames;
  condition_encoder_ = register_module("condition_encoder", encoder(kFrames * in_channels, light));
  picture_encoder_ = register_module("picture_encoder", encoder(3 * (kFrames - 1), light));
  picture_stream_ = register_module("picture_stream", stream(light));
  flow_stream_ = register_module("flow_stream", stream(light));
  picture_head_ = register_module("picture_head", baseline_head(config.channels, 3));
  flow_head_ = register_module("flow_head", baseline_head(config.channels, 2));
  weight_head_ = register_module("weight_head", baseline_head(config.channels, 1));
  start_small(*this);
}

BaselineOutput Vid2Vid::generate(const torch::Tensor& conditions, const torch::Tensor& previous,
                                 const torch::Tensor& last) {
  auto features = condition_encoder_->forward(conditions);
  if (previous.defined()) features = features + picture_encoder_->forward(previous);
  BaselineOutput out;
  const auto raw = picture_head_->forward(picture_stream_->forward(features));
  out.raw = 0.5 * torch::tanh(raw.to(torch::kFloat32)) + 0.5;
  out.frame = out.raw;
  if (!last.defined()) return out;
  const auto motion = flow_stream_->forward(features);
  out.flow = kFlowUnit * flow_head_->forward(motion).to(torch::kFloat32);
  out.weight = torch::sigmoid(weight_head_->forward(motion).to(torch::kFloat32));
  out.frame = out.weight * out.raw + (1 - out.weight) * warp_by_pixels(last, out.flow);
  return out;
}

BaselineOutput Vid2Vid::forward(const BaselineInput& input) {
  if (!input.previous.defined()) return generate(input.conditions, {}, {});
  return generate(input.conditions, 2 * input.previous - 1,
                  input.previous.narrow(1, input.previous.size(1) - 3, 3));
}

}  // namespace semcodec
