#include "training/baselines/baseline_motion.h"

#include "models/baselines/vid2vid.h"

namespace semcodec {

namespace {

constexpr double kFlowUnit = 20.0;  // pixels, as in the input of D_V
// vid2vid takes a motion for right where the squared differences of three channels in -1..1 sum up
// to less than 0.02; here pictures are in 0..1.
constexpr double kSameColours = 0.02 / 4;

}  // namespace

BaselineMotion::BaselineMotion(const std::string& flow, torch::Device device) {
  if (!flow.empty()) {
    estimator_ = std::make_unique<FlowEstimator>(flow, device, torch::kFloat32);
  }
}

std::string BaselineMotion::describe() const {
  return estimator_ ? "Motion after FlowNet2." : "Motion after the samples' own flow.";
}

MotionLosses BaselineMotion::operator()(const std::vector<BaselineOutput>& outputs,
                                        const SequenceSample& sample) {
  const torch::Tensor* own[] = {&sample.flow_10, &sample.flow_21};
  MotionLosses sum;
  for (int i = 1; i < 3; ++i) {
    const auto& now = sample.pictures[i];
    const auto& before = sample.pictures[i - 1];
    const auto quarter = estimator_ ? estimator_->flow_quarter(now, before) : *own[i - 1];
    const auto wanted = torch::upsample_bilinear2d(quarter, {now.size(2), now.size(3)}, false);
    const auto right = ((now - warp_by_pixels(before, wanted)).square().sum(1, true) < kSameColours)
                           .to(torch::kFloat32);
    const auto& found = outputs[static_cast<std::size_t>(i)].flow;
    const auto flow = ((found - wanted).abs() * right).mean() / kFlowUnit;
    const auto warp = (warp_by_pixels(before, found) - now).abs().mean();
    sum.flow = sum.flow.defined() ? sum.flow + flow : flow;
    sum.warp = sum.warp.defined() ? sum.warp + warp : warp;
  }
  return {sum.flow / 2, sum.warp / 2};
}

}  // namespace semcodec
