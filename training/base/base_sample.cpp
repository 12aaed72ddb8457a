#include "training/base/base_sample.h"

namespace semcodec {

std::vector<torch::Tensor*> tensors_of(BaseSample& sample) {
  std::vector<torch::Tensor*> all;
  for (auto& frame : sample.frames) {
    all.insert(all.end(), {&frame.base, &frame.near_a, &frame.near_b, &frame.edges, &frame.source,
                           &frame.flow, &frame.scalars});
  }
  auto& between = sample.interpolated;
  all.insert(all.end(), {&between.source, &between.flow_back, &between.tau, &between.interval,
                         &between.there, &sample.detail});
  return all;
}

}  // namespace semcodec
