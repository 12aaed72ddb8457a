#pragma once
// Registers of 512 bits without bfloat16. simd_avx2.h says what the functions are.

#include "models/pairs/pair_planes.h"
#include "models/pairs/simd_zmm.h"

#ifdef SEMCODEC_HAVE_PAIRS
#define SEMCODEC_LEVEL avx512
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")

namespace semcodec::pairs::avx512 {

using namespace zmm;

inline constexpr Level kLevel = Level::avx512;
inline constexpr bool kFewRegisters = false;
inline constexpr bool kPairProducts = false;

/// The bfloat16 nearest to each float (to even) in the upper half, garbage below.
SEMCODEC_INLINE Words rounded(Floats v) {
  const Words bits = _mm512_castps_si512(v);
  const Words lowest = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  return _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), lowest);
}
SEMCODEC_INLINE Words pack(Floats even, Floats odd) {
  return _mm512_mask_blend_epi16(0xaaaaaaaaU, _mm512_srli_epi32(rounded(even), 16), rounded(odd));
}
SEMCODEC_INLINE Words pack_neighbours(Floats low, Floats high) {
  const Words a = _mm512_castps_si512(low), b = _mm512_castps_si512(high);
  return pack(_mm512_castsi512_ps(even_places(a, b)), _mm512_castsi512_ps(odd_places(a, b)));
}

struct Factors {
  Floats even, odd;
};
SEMCODEC_INLINE Factors factors_of(Words v) { return {even_of(v), odd_of(v)}; }
SEMCODEC_INLINE Floats spread_bits(std::uint32_t word) {
  return _mm512_castsi512_ps(spread_word(word));
}
SEMCODEC_INLINE Floats add_even(Floats sum, Factors v, std::uint32_t lane_word) {
  return fma(v.even, spread_bits(lane_word), sum);
}
SEMCODEC_INLINE Floats add_odd(Floats sum, Factors v, std::uint32_t lane_word) {
  return fma(v.odd, spread_bits(lane_word), sum);
}

template <int Size>
SEMCODEC_INLINE void add_step(const std::uint32_t* from, const std::uint32_t* weights, int odd_at,
                              Floats* low, Floats* high) {
  const Factors a = factors_of(load(from)), b = factors_of(load(from + kLanes));
#pragma GCC unroll 12
  for (int k = 0; k < Size; ++k) {
    const Floats w = spread_bits(weights[k]);
    low[k] = fma(a.even, w, low[k]);
    high[k] = fma(b.even, w, high[k]);
  }
#pragma GCC unroll 12
  for (int k = 0; k < Size; ++k) {
    const Floats w = spread_bits(weights[odd_at + k]);
    low[k] = fma(a.odd, w, low[k]);
    high[k] = fma(b.odd, w, high[k]);
  }
}

}  // namespace semcodec::pairs::avx512

#pragma GCC pop_options
#endif
