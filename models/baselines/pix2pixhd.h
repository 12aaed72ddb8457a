#pragma once
// pix2pixHD's generators (Wang et al., CVPR 2018, arXiv 1711.11585): a picture from its condition,
// frame by frame, without memory.
//
//   global     7×7, so many halvings that double the channels, residual blocks, doublings, 7×7,
//   tanh enhancer   optional: the global generator works at half size, twice as wide as the
//   enhancer;
//              its last features are added to the enhancer's own at half size, three residual
//              blocks and a doubling follow

#include <torch/torch.h>

#include "models/baselines/baseline.h"

namespace semcodec {

class Pix2PixHd : public Baseline {
 public:
  /// `in_channels`: of a frame's condition; the newest of the three that forward() gets.
  Pix2PixHd(const BaselineConfig& config, int in_channels);

  BaselineOutput forward(const BaselineInput& input) override;

 private:
  static constexpr int kEnhancerBlocks = 3;

  int in_channels_;
  torch::nn::Sequential global_{nullptr}, enhancer_down_{nullptr}, enhancer_up_{nullptr};
  torch::nn::Sequential head_{nullptr};
};

}  // namespace semcodec
