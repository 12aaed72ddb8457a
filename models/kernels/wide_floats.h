#pragma once
// Eight floats at a time, loaded from and rounded to float or bfloat16. For loops that
// SEMCODEC_VECTOR_CLONES compiles for several instruction sets, so everything here is inlined.

#include <c10/util/BFloat16.h>

#include <cstdint>
#include <cstring>

namespace semcodec::kernels {

using EightFloats = float __attribute__((vector_size(32)));
using EightWords = std::uint32_t __attribute__((vector_size(32)));
using EightHalves = std::uint16_t __attribute__((vector_size(16)));

#define SEMCODEC_INLINE inline __attribute__((always_inline))

SEMCODEC_INLINE float to_float(float v) { return v; }
SEMCODEC_INLINE float to_float(c10::BFloat16 v) {
  const std::uint32_t bits = std::uint32_t{v.x} << 16;
  float out;
  std::memcpy(&out, &bits, sizeof out);
  return out;
}

SEMCODEC_INLINE void put(float& to, float v) { to = v; }
/// Rounds to even; infinities stay, a NaN may become an infinity.
SEMCODEC_INLINE void put(c10::BFloat16& to, float v) {
  std::uint32_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  to.x = static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

SEMCODEC_INLINE EightFloats load_eight(const float* p) {
  EightFloats v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
SEMCODEC_INLINE EightFloats load_eight(const c10::BFloat16* p) {
  EightHalves halves;
  std::memcpy(&halves, p, sizeof halves);
  const EightWords bits = __builtin_convertvector(halves, EightWords) << 16;
  EightFloats v;
  std::memcpy(&v, &bits, sizeof v);
  return v;
}

SEMCODEC_INLINE void store_eight(float* p, const EightFloats& v) { std::memcpy(p, &v, sizeof v); }
SEMCODEC_INLINE void store_eight(c10::BFloat16* p, const EightFloats& v) {
  EightWords bits;
  std::memcpy(&bits, &v, sizeof bits);
  bits = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  const EightHalves halves = __builtin_convertvector(bits, EightHalves);
  std::memcpy(p, &halves, sizeof halves);
}

#undef SEMCODEC_INLINE

}  // namespace semcodec::kernels
