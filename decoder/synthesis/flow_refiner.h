#pragma once
// Motion at the receiver, by FlowNet2. Costs no bits.
//
// Between two frames generated from planes: the transmitted coarse field, refined. FlowNet2 sees
// the two pictures, one of them already moved by the coarse motion, so that only the small rest is
// left to find. Between two base pictures nothing is transmitted: FlowNet2 finds all of it.

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "models/flownet2/flow_estimator.h"

namespace semcodec {

class FlowRefiner {
 public:
  /// Without a file the coarse motion is returned as it is.
  FlowRefiner(const std::optional<std::string>& flow_file, torch::Device device,
              torch::Dtype dtype);

  /// earlier, later: 1×3×H×W in 0..1; coarse_10: flow of the later towards the earlier at 1/4
  /// size. Returns {later towards earlier, earlier towards later}.
  std::pair<torch::Tensor, torch::Tensor> refine(const torch::Tensor& earlier,
                                                 const torch::Tensor& later,
                                                 const torch::Tensor& coarse_10);

  /// Flow of `from` towards `towards`, 1×3×H×W in 0..1, at 1/4 size: FlowNet2's, zero without it.
  torch::Tensor flow(const torch::Tensor& from, const torch::Tensor& towards);

 private:
  torch::Tensor one_way(const torch::Tensor& from, const torch::Tensor& towards,
                        const torch::Tensor& coarse);

  std::unique_ptr<FlowEstimator> estimator_;
};

}  // namespace semcodec
