#pragma once
// The restorer's last step on the CPU in one pass at full size: the same arithmetic as restorer.cpp
// spells out in tensor operations, without gradients.

#include <torch/torch.h>

namespace semcodec {

/// heads: 1×16×H/2×W/2 in channels-last memory, bfloat16 or float, in the order of by_sub_pixel()
/// (feature_maps.h): of each sub-pixel R G B to add to the base picture, then what sigmoid(4 h - 2)
/// makes the share of the memory. base, memory: 1×3×H×W float; without a memory (undefined) its
/// share is 0. Result: 1×3×H×W in 0..1.
torch::Tensor blend_restored(const torch::Tensor& heads, const torch::Tensor& base,
                             const torch::Tensor& memory);

}  // namespace semcodec
