#include "models/baselines/fast_vid2vid.h"

#include "models/generator/flow_geometry.h"

namespace semcodec {

namespace {

torch::Tensor halved(const torch::Tensor& x) { return torch::avg_pool2d(x, 2); }

}  // namespace

FastVid2Vid::FastVid2Vid(const BaselineConfig& config, int in_channels)
    : Vid2Vid(config, in_channels, true) {}

BaselineOutput FastVid2Vid::forward(const BaselineInput& input) {
  const auto conditions = halved(input.conditions);
  if (!input.previous.defined()) return generate(conditions, {}, {});
  return generate(conditions, 2 * halved(input.previous) - 1,
                  input.previous.narrow(1, input.previous.size(1) - 3, 3));
}

torch::Tensor interpolate_keys(const torch::Tensor& earlier, const torch::Tensor& later,
                               const torch::Tensor& flow_back, const torch::Tensor& flow_on,
                               const torch::Tensor& tau) {
  const auto flows = between(flow_back, flow_on, tau);
  const auto t = tau.view({-1, 1, 1, 1});
  return (1 - t) * warp(earlier, flows.first) + t * warp(later, flows.second);
}

}  // namespace semcodec
