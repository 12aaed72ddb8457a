#pragma once
// CIE 1976 L*a*b* under the D65 white of sRGB (IEC 61966-2-1).

#include <array>
#include <cstdint>

#include "encoder/analysis/kmeans.h"

namespace semcodec {

/// sRGB 0..255 (need not be whole) → L 0..100, a and b about ±110.
Centre rgb_to_lab(const std::array<float, 3>& rgb);

/// The nearest 8-bit colour; Lab outside the sRGB gamut is clamped.
std::array<std::uint8_t, 3> lab_to_rgb(const Centre& lab);

}  // namespace semcodec
