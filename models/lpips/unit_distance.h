#pragma once
// The distance that LPIPS takes of two feature maps, in one pass over them.

#include <torch/torch.h>

namespace semcodec {

/// x, y: N x C x H x W features, head: 1 x C x 1 x 1 float32. Returns N values in float32:
///
///   mean over the picture of  sum_c head_c (x_c / |x| - y_c / |y|)^2,   |x| over the channels.
///
/// Differentiable in x and y. Written out in torch's operators this takes a dozen passes over maps
/// that are larger than the caches, and in bf16 each of them rounds; on the CPU a kernel does it in
/// one, in float32 inside, for features in channels_last memory of which only x wants a gradient.
torch::Tensor unit_distance(const torch::Tensor& x, const torch::Tensor& y,
                            const torch::Tensor& head);

}  // namespace semcodec
