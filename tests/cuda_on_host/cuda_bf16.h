#pragma once
// bfloat16 as far as the project's own .cu files name CUDA's type of it.

#include <cstdint>
#include <cstring>

struct __nv_bfloat16 {
  std::uint16_t bits;
};

inline float __bfloat162float(__nv_bfloat16 b) {
  const std::uint32_t wide = std::uint32_t{b.bits} << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}
