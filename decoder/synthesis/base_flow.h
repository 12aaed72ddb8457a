#pragma once
// Motion between pictures by DIS optical flow (Kroeger et al. 2016, OpenCV's), on the CPU.
//
// Base pictures are small, so this takes a few milliseconds. Receiver and training share it, so
// what the generator learns from is what it gets. What restored pictures show beyond their base
// pictures makes a finer search worth its time (docs/experiments.md, fifth round).

#include <torch/torch.h>

namespace semcodec {

/// from, towards: h×w×3 RGB bytes of one size, on the CPU. Flow of `from` towards `towards` at 1/4
/// of the coded size, 1×2×⌊height/4⌋×⌊width/4⌋ float in pixels of the coded size (flow_geometry.h).
/// Pictures below 192 pixels on the long side are doubled first, since DIS matches patches of 8.
torch::Tensor base_flow(const torch::Tensor& from, const torch::Tensor& towards, int height,
                        int width);

/// The same between restored pictures, 1×3×height×width in 0..1 on the CPU, by DIS' medium preset.
torch::Tensor restored_flow(const torch::Tensor& from, const torch::Tensor& towards);

}  // namespace semcodec
