#pragma once
// bfloat16 numbers in memory, for kernels that take them or floats.

#include <bit>
#include <cstdint>

namespace semcodec::cpu {

/// The upper half of a float. torch's c10::BFloat16 has the same bytes.
struct Bfloat {
  std::uint16_t bits;
};

inline float to_float(float v) { return v; }
inline float to_float(Bfloat v) { return std::bit_cast<float>(std::uint32_t{v.bits} << 16); }

inline void put(float& to, float v) { to = v; }
/// Rounds to even; infinities stay, a NaN may become an infinity.
inline void put(Bfloat& to, float v) {
  const auto bits = std::bit_cast<std::uint32_t>(v);
  to.bits = static_cast<std::uint16_t>((bits + 0x7fffU + (bits >> 16 & 1U)) >> 16);
}

}  // namespace semcodec::cpu
