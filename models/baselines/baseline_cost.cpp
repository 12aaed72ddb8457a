#include "models/baselines/baseline_cost.h"

#include <cstdio>

namespace semcodec {

namespace {

constexpr int kWidth = 512, kHeight = 256;  // at which costs are published

const char* published_of(const std::string& kind) {
  if (kind == "vid2vid") return "1254 GMAC with the foreground branch";
  if (kind == "fast-vid2vid") return "151 GMAC with the foreground branch";
  return "182.5 M parameters";
}

}  // namespace

BaselineCost baseline_cost(Baseline& net, int width, int height) {
  const int side = 4 * net.stride();
  const auto options = net.parameters().front().options();
  const int channels = condition_channels(net.config());
  const torch::Tensor previous =
      net.temporal() ? torch::zeros({1, 3 * (BaselineConfig::kFrames - 1), side, side}, options)
                     : torch::Tensor();
  const BaselineInput input{
      torch::zeros({1, BaselineConfig::kFrames * channels, side, side}, options), previous};
  BaselineCost cost;
  cost.parameters = count_parameters(net);
  cost.of_a_frame = measure_cost([&] {
                      net.forward(input);
                    }).scaled(static_cast<double>(width) * height / (side * side));
  const bool skips = net.config().kind == "fast-vid2vid";
  cost.on_average = cost.of_a_frame.scaled(skips ? 1.0 / net.config().key_interval : 1.0);
  return cost;
}

std::string cost_sentence(Baseline& net) {
  const auto cost = baseline_cost(net, kWidth, kHeight);
  char text[192];
  std::snprintf(text, sizeof text,
                "%.1f M parameters, %.1f GMAC a frame of %dx%d, %.1f by outputs (published, at its "
                "own size: %s).",
                static_cast<double>(cost.parameters) * 1e-6, cost.on_average.macs * 1e-9, kWidth,
                kHeight, cost.on_average.macs_of_outputs * 1e-9, published_of(net.config().kind));
  return text;
}

}  // namespace semcodec
