#pragma once
// Rows of an interpolated frame at full size (models/kernels/generate_frame.h): warping, folding
// and blending, in float, by the level in use. Pixels are four floats: R G B and an unused one.

#include <cstddef>
#include <cstdint>

#include "common/cpu/bfloat.h"

namespace semcodec::cpu {

/// Row y of `pixels` warped along `flow` (2 × height/4 × width/4, in pixels, enlarged bilinearly;
/// taps held at the border). dx, dy: room for `width` floats each.
void warp_frame_row(const float* pixels, const float* flow, std::int64_t y, std::int64_t height,
                    std::int64_t width, float* dx, float* dy, float* out);

/// Two rows of pixels into one of cells of 2×2, as pixel_unshuffle orders them: colour c of
/// sub-pixel s is channel 4c + s of a cell; cells are `stride` values apart.
void fold_two_rows(const float* rows, std::int64_t width, float* out, std::int64_t stride);
void fold_two_rows(const float* rows, std::int64_t width, Bfloat* out, std::int64_t stride);
/// The same into words of pairs: word x of plane 2c + dy holds colour c of pixels 2x and 2x + 1.
void fold_two_rows(const float* rows, std::int64_t width, std::uint32_t* out, std::ptrdiff_t plane);

/// The 24 channels of cells of 2×2 as words of pairs: channels 2p and 2p + 1 of cell x at
/// first[p · plane + x].
struct PairChannels {
  const std::uint32_t* first;
  std::ptrdiff_t plane;
};

/// Two rows of bytes (R G B a pixel) from two warped pictures: R G B to add to their average by
/// time t (heads 0 to 11), then the logits of that sum, of a and of b (heads 12 to 23), held within
/// ±8.
void blend_two_rows(const float* heads, const float* a, const float* b, std::int64_t width, float t,
                    std::uint8_t* out);
void blend_two_rows(const Bfloat* heads, const float* a, const float* b, std::int64_t width,
                    float t, std::uint8_t* out);
void blend_two_rows(const PairChannels& heads, const float* a, const float* b, std::int64_t width,
                    float t, std::uint8_t* out);

}  // namespace semcodec::cpu
