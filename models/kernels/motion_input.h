#pragma once
// What the interpolator's motion step takes in, on the CPU, in one pass: the same arithmetic as
// interpolator.cpp spells out in tensor operations, without gradients.

#include <torch/torch.h>

namespace semcodec {

/// Both pictures folded to 1×12×h×w (small_picture()), float in channels-last memory, warped along
/// their flows (1×2×h×w, in pixels of four times that size), then both flows in units of 16 pixels,
/// tau and interval: 30 channels, two of zeros after them. The result has `type`, bfloat16 or
/// float, and channels-last memory.
torch::Tensor motion_input(const torch::Tensor& small_a, const torch::Tensor& small_b,
                           const torch::Tensor& flow_a, const torch::Tensor& flow_b, float tau,
                           float interval, torch::Dtype type);

}  // namespace semcodec
