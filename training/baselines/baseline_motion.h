#pragma once
// vid2vid's losses on the motion that the generator estimates, for frames with one before them:
//
//   flow   | flow − F | where F leads to the same colours, in twentieths of a pixel
//   warp   | source − source before, moved along flow |
//
// F is FlowNet2's motion between the source frames or, without its weights, the sample's own.

#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include "models/baselines/baseline.h"
#include "models/flownet2/flow_estimator.h"
#include "training/data/sequence_sampler.h"

namespace semcodec {

struct MotionLosses {
  torch::Tensor flow, warp;  ///< scalars, means over the frames
};

class BaselineMotion {
 public:
  /// `flow`: FlowNet2's weights; empty: none. Throws as FlowEstimator.
  BaselineMotion(const std::string& flow, torch::Device device);

  /// `outputs` of a chain of three frames; those of the last two have a flow.
  MotionLosses operator()(const std::vector<BaselineOutput>& outputs, const SequenceSample& sample);

  std::string describe() const;

 private:
  std::unique_ptr<FlowEstimator> estimator_;
};

}  // namespace semcodec
