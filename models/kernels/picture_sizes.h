#pragma once
// Changes of a picture's size on the CPU, each in one pass, without gradients: the same arithmetic
// as torch's operators that they are named for, which take several times as long.

#include <torch/torch.h>

namespace semcodec {

/// torch::upsample_bicubic2d (a = -0.75, corners not aligned), clamped to 0..1. 1×C×h×w float.
torch::Tensor enlarge_bicubic(const torch::Tensor& picture, std::int64_t height,
                              std::int64_t width);
/// torch::avg_pool2d(picture, 2). 1×C×H×W float, even sizes.
torch::Tensor halve_planes(const torch::Tensor& picture);

/// Whether the two take a picture: one, float, on the CPU, and nobody asks for its gradient.
bool sizes_by_kernels(const torch::Tensor& picture);

}  // namespace semcodec
