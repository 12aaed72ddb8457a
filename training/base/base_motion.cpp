#include "training/base/base_motion.h"

#include "decoder/synthesis/base_flow.h"
#include "models/core/device.h"

namespace semcodec {

BaseMotion::BaseMotion(const std::string& flow_file) {
  if (flow_file.empty()) return;
  network_ = std::make_unique<FlowEstimator>(flow_file, torch::kCPU, inference_dtype(torch::kCPU));
}

std::vector<torch::Tensor> BaseMotion::by_network(const std::vector<BasePair>& pairs) const {
  if (pairs.empty()) return {};
  std::vector<torch::Tensor> from, towards;
  for (const auto& [a, b] : pairs) {
    from.push_back(a->raised);
    towards.push_back(b->raised);
  }
  const auto flows = network_->flow_quarter(torch::cat(from, 0), torch::cat(towards, 0));
  return flows.to(torch::kFloat32).split(1, 0);
}

std::vector<torch::Tensor> BaseMotion::by_dis(const std::vector<BasePair>& pairs) {
  std::vector<torch::Tensor> flows;
  for (const auto& [a, b] : pairs) {
    flows.push_back(base_flow(a->bytes, b->bytes, static_cast<int>(a->raised.size(2)),
                              static_cast<int>(a->raised.size(3))));
  }
  return flows;
}

}  // namespace semcodec
