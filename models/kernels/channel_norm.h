#pragma once
// FlowNet2's ChannelNorm layer.

#include <torch/torch.h>

namespace semcodec {

/// The Euclidean length over the channels: out[n, 0, y, x] = sqrt(Σ_c x[n, c, y, x]²), without any
/// epsilon. x: N×C×H×W of any floating type; the result is N×1×H×W of the same type and has
/// gradients (x / length, and 0 where the length is 0).
/// Throws Error(unsupported) for other shapes or types.
torch::Tensor channel_norm(const torch::Tensor& x);

}  // namespace semcodec
