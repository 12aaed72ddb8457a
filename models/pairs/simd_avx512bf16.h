#pragma once
// Registers of 512 bits with products of bfloat16 pairs. simd_avx2.h says what the functions are.

#include <array>

#include "models/pairs/pair_planes.h"
#include "models/pairs/simd_zmm.h"

#ifdef SEMCODEC_HAVE_PAIRS
#define SEMCODEC_LEVEL avx512bf16
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")

namespace semcodec::pairs::avx512bf16 {

using namespace zmm;

inline constexpr Level kLevel = Level::avx512bf16;
inline constexpr bool kFewRegisters = false;
inline constexpr bool kPairProducts = true;

SEMCODEC_INLINE Words pack(Floats even, Floats odd) {
  alignas(64) static constexpr std::array<std::uint16_t, 32> kInterleave = {
      0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
      8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  const auto both = reinterpret_cast<Words>(_mm512_cvtne2ps_pbh(odd, even));
  return _mm512_permutexvar_epi16(_mm512_load_si512(kInterleave.data()), both);
}
SEMCODEC_INLINE Words pack_neighbours(Floats low, Floats high) {
  return reinterpret_cast<Words>(_mm512_cvtne2ps_pbh(high, low));
}

using Factors = Words;
SEMCODEC_INLINE Factors factors_of(Words v) { return v; }
SEMCODEC_INLINE Floats add_products(Floats sum, Words a, Words b) {
  return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
}
SEMCODEC_INLINE Floats add_even(Floats sum, Factors v, std::uint32_t lane_word) {
  return add_products(sum, v, spread_word(lane_word));
}
SEMCODEC_INLINE Floats add_odd(Floats sum, Factors v, std::uint32_t lane_word) {
  return add_products(sum, v, spread_word(lane_word));
}

template <int Size>
SEMCODEC_INLINE void add_step(const std::uint32_t* from, const std::uint32_t* weights, int,
                              Floats* low, Floats* high) {
  const Words a = load(from), b = load(from + kLanes);
#pragma GCC unroll 12
  for (int k = 0; k < Size; ++k) {
    const Words w = spread_word(weights[k]);
    low[k] = add_products(low[k], a, w);
    high[k] = add_products(high[k], b, w);
  }
}

}  // namespace semcodec::pairs::avx512bf16

#pragma GCC pop_options
#endif
