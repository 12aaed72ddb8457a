#pragma once
// bfloat16 as far as the project's own .cu files name CUDA's type of it.

#include <cmath>
#include <cstdint>
#include <cstring>

struct __nv_bfloat16 {
  std::uint16_t bits;

  __nv_bfloat16() = default;
  /// Rounded to nearest, to even where two are as near.
  explicit __nv_bfloat16(float value) {
    std::uint32_t wide;
    std::memcpy(&wide, &value, sizeof wide);
    bits = std::isnan(value) ? std::uint16_t{0x7FC0}
                             : static_cast<std::uint16_t>((wide + 0x7FFF + (wide >> 16 & 1)) >> 16);
  }
  operator float() const {
    const std::uint32_t wide = std::uint32_t{bits} << 16;
    float value;
    std::memcpy(&value, &wide, sizeof value);
    return value;
  }
};

inline float __bfloat162float(__nv_bfloat16 b) { return b; }
