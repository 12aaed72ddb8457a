#include "decoder/synthesis/flow_refiner.h"

#include "models/generator/flow_geometry.h"

namespace semcodec {

FlowRefiner::FlowRefiner(const std::optional<std::string>& flow_file, torch::Device device,
                         torch::Dtype dtype) {
  if (flow_file) estimator_ = std::make_unique<FlowEstimator>(*flow_file, device, dtype);
}

torch::Tensor FlowRefiner::one_way(const torch::Tensor& from, const torch::Tensor& towards,
                                   const torch::Tensor& coarse) {
  // from(x) ≈ moved(x + r) and moved(z) = towards(z + coarse(z)), so the whole flow is
  // r(x) + coarse(x + r(x)).
  const auto rest = estimator_->flow_quarter(from, warp(towards, coarse));
  return compose(rest, coarse);
}

torch::Tensor FlowRefiner::flow(const torch::Tensor& from, const torch::Tensor& towards) {
  if (estimator_) return estimator_->flow_quarter(from, towards);
  return torch::zeros({from.size(0), 2, from.size(2) / kFlowScale, from.size(3) / kFlowScale},
                      from.options());
}

std::pair<torch::Tensor, torch::Tensor> FlowRefiner::refine(const torch::Tensor& earlier,
                                                            const torch::Tensor& later,
                                                            const torch::Tensor& coarse_10) {
  // The way back is the inverse of the way there: asking the network for it too doubles the time
  // (docs/results.md) and moves the frames no better.
  const auto flow_10 = estimator_ ? one_way(later, earlier, coarse_10) : coarse_10;
  return {flow_10, invert(flow_10)};
}

}  // namespace semcodec
