#pragma once
// The interpolator's full-size work on the CPU, each step in one pass over memory: the same
// arithmetic as interpolator.cpp spells out in tensor operations, without gradients.
//
// A picture is kept as `pixels`: H×W×4 float, R G B and an unused fourth, so that one tap of a
// warp is one 16-byte load.

#include <torch/torch.h>

#include <cstddef>
#include <cstdint>

namespace semcodec {

/// 1×3×H×W float → pixels.
torch::Tensor to_pixels(const torch::Tensor& picture);

/// Warps `pixels` along `flow` (1×2×H/4×W/4, pixels, enlarged bilinearly; taps clamped at the
/// border) → pixels. Also writes what the networks see of it, folded by two as pixel_unshuffle
/// does: channels offset … offset+11 of `folded`, 1×C×H/2×W/2 in channels_last memory, bf16 or
/// float.
torch::Tensor warp_folded(const torch::Tensor& pixels, const torch::Tensor& flow,
                          torch::Tensor& folded, int64_t offset);

/// Folded channels as pair planes (common/cpu/pair_planes.h): words of channels 2p and 2p + 1 at
/// first + p · plane + y · stride + x.
struct FoldedPairs {
  std::uint32_t* first;
  std::ptrdiff_t plane, stride;
};
struct ConstFoldedPairs {
  const std::uint32_t* first;
  std::ptrdiff_t plane, stride;
};

/// The same, into twelve channels of pair planes.
torch::Tensor warp_folded(const torch::Tensor& pixels, const torch::Tensor& flow,
                          const FoldedPairs& folded);

/// Mixes two warped pictures. heads: 1×24×H/2×W/2 in channels_last memory, bf16 or float; before
/// pixel_shuffle(2), so channel 4c + s belongs to sub-pixel s of: R G B to add to the average by
/// time, then the logits of that sum, of A and of B. tau in (0, 1).
/// Result: H×W×3 bytes.
torch::Tensor blend_to_bytes(const torch::Tensor& heads, const torch::Tensor& a,
                             const torch::Tensor& b, float tau);
torch::Tensor blend_to_bytes(const ConstFoldedPairs& heads, const torch::Tensor& a,
                             const torch::Tensor& b, float tau);

}  // namespace semcodec
