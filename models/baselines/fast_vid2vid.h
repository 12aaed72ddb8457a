#pragma once
// Fast-vid2vid (Zhuo et al., ECCV 2022, arXiv 2207.05049): vid2vid compressed in space and time,
// and distilled from it (training/baselines/baseline_task.h).
//
// Space: conditions and earlier outputs are halved before they enter, the first layer that would
// halve them keeps their size, the residual blocks are inverted residuals. Output and motion have
// the full size.
// Time: only key frames, every `key_interval` frames, are generated; the frames between are
// interpolated along the motion between the two key frames around them (interpolate_keys()). The
// authors do that by ffmpeg's motion-compensated interpolation; here the motion is any dense flow
// between the key frames.

#include <torch/torch.h>

#include "models/baselines/vid2vid.h"

namespace semcodec {

class FastVid2Vid : public Vid2Vid {
 public:
  FastVid2Vid(const BaselineConfig& config, int in_channels);

  BaselineOutput forward(const BaselineInput& input) override;
};

/// The frame at `tau` (N values in 0..1) between two key frames N×3×H×W: both are warped to that
/// moment and blended by their distance in time. Flows N×2×H/4×W/4 in pixels of H×W, as in
/// flow_geometry.h: of the later key frame towards the earlier one, and back.
torch::Tensor interpolate_keys(const torch::Tensor& earlier, const torch::Tensor& later,
                               const torch::Tensor& flow_back, const torch::Tensor& flow_on,
                               const torch::Tensor& tau);

}  // namespace semcodec
