#pragma once
// How much a block differs from a moved one, for the motion search
// (encoder/analysis/motion_cost.h). Integers: all levels give the same number.

#include <array>
#include <cstddef>
#include <cstdint>

namespace semcodec::cpu {

/// Σ |current − (w₀·p(x,y) + w₁·p(x+1,y) + w₂·p(x,y+1) + w₃·p(x+1,y+1) + 128) / 256| over a block
/// of width × height, less than 2^24 pixels. The weights sum up to 256. `previous` has a row and a
/// column more. By the level in use.
std::uint32_t block_difference(const std::uint8_t* current, std::size_t stride,
                               const std::uint8_t* previous, std::size_t previous_stride, int width,
                               int height, const std::array<int, 4>& weights);

}  // namespace semcodec::cpu
