#pragma once
// Motion between base pictures as receivers estimate it: by DIS, or by a package's FlowNet2.

#include <torch/torch.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/flownet2/flow_estimator.h"

namespace semcodec {

/// A base picture.
struct BaseView {
  torch::Tensor bytes;   ///< h×w×3, RGB
  torch::Tensor raised;  ///< 1×3×H×W in 0..1, at the coded size
};

/// Of one picture towards another.
using BasePair = std::pair<const BaseView*, const BaseView*>;

class BaseMotion {
 public:
  /// `flow_file`: FlowNet2's weights, or empty for DIS alone. Throws as FlowEstimator.
  explicit BaseMotion(const std::string& flow_file);

  bool has_network() const { return network_ != nullptr; }

  /// Flows of all pairs, 1×2×H/4×W/4 each, in pixels of the coded size (flow_geometry.h). By the
  /// network from the raised pictures, as at the receiver; all pairs have one size. Thread-safe.
  std::vector<torch::Tensor> by_network(const std::vector<BasePair>& pairs) const;
  /// The same by DIS from the base pictures themselves (decoder/synthesis/base_flow.h).
  static std::vector<torch::Tensor> by_dis(const std::vector<BasePair>& pairs);

 private:
  std::unique_ptr<FlowEstimator> network_;
};

}  // namespace semcodec
