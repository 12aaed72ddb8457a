#pragma once
// The vector unit as the kernels on pair planes see it: registers of 256 bits with AVX2 and FMA.
// simd_avx512.h and simd_avx512bf16.h have the same functions for theirs.
//
// Instructions are allowed by a pragma, not by options of the compiler: so no inline function of
// another header is built with instructions that other CPUs lack.

#include <cstdint>

#include "models/pairs/pair_planes.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>
#define SEMCODEC_HAVE_PAIRS 1
#define SEMCODEC_INLINE inline __attribute__((always_inline))
#define SEMCODEC_LEVEL avx2
#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace semcodec::pairs::avx2 {

inline constexpr Level kLevel = Level::avx2;
inline constexpr bool kFewRegisters = true;   ///< sixteen: add_step() needs them all
inline constexpr bool kPairProducts = false;  ///< weights are words of bfloat16 pairs, not floats

using Floats = __m256;
using Words = __m256i;
using Mask = int;  ///< so many lanes from the first on

inline constexpr int kLanes = 8;

SEMCODEC_INLINE Words bits_of(Mask mask) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(mask), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

SEMCODEC_INLINE Words load(const std::uint32_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const Words*>(p));
}
SEMCODEC_INLINE Floats load(const float* p) { return _mm256_loadu_ps(p); }
/// Zeros outside of the mask, where memory is not touched.
SEMCODEC_INLINE Floats load(const float* p, Mask mask) {
  return mask == kLanes ? load(p) : _mm256_maskload_ps(p, bits_of(mask));
}
/// The lower half of the lanes; the upper ones are anything.
SEMCODEC_INLINE Floats load_half(const float* p) { return _mm256_castps128_ps256(_mm_loadu_ps(p)); }
SEMCODEC_INLINE void store(std::uint32_t* p, Words v) {
  _mm256_storeu_si256(reinterpret_cast<Words*>(p), v);
}
SEMCODEC_INLINE void store(float* p, Floats v) { _mm256_storeu_ps(p, v); }
SEMCODEC_INLINE void store(std::uint32_t* p, Mask mask, Words v) {
  // A masked store takes some CPUs dozens of cycles.
  if (mask == kLanes) return store(p, v);
  _mm256_maskstore_epi32(reinterpret_cast<int*>(p), bits_of(mask), v);
}
SEMCODEC_INLINE void store(float* p, Mask mask, Floats v) {
  if (mask == kLanes) return store(p, v);
  _mm256_maskstore_ps(p, bits_of(mask), v);
}

/// The lanes that lie inside a row with `left` more pixels.
SEMCODEC_INLINE Mask inside(int left) { return left >= kLanes ? kLanes : left < 0 ? 0 : left; }

SEMCODEC_INLINE Floats spread(float v) { return _mm256_set1_ps(v); }
SEMCODEC_INLINE Floats zeros() { return _mm256_setzero_ps(); }
SEMCODEC_INLINE Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
SEMCODEC_INLINE Floats sub(Floats a, Floats b) { return _mm256_sub_ps(a, b); }
SEMCODEC_INLINE Floats mul(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
SEMCODEC_INLINE Floats div(Floats a, Floats b) { return _mm256_div_ps(a, b); }
/// a · b + c.
SEMCODEC_INLINE Floats fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
SEMCODEC_INLINE Floats larger(Floats a, Floats b) { return _mm256_max_ps(a, b); }
SEMCODEC_INLINE Floats smaller(Floats a, Floats b) { return _mm256_min_ps(a, b); }
SEMCODEC_INLINE Floats root(Floats v) { return _mm256_sqrt_ps(v); }
SEMCODEC_INLINE Floats nearest(Floats v) {
  return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/// v · 2^whole for v near 1 and whole numbers within ±120.
SEMCODEC_INLINE Floats times_power(Floats v, Floats whole) {
  const Words exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(whole), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(v), exponent));
}

/// The channels of words, as floats.
SEMCODEC_INLINE Floats even_of(Words v) { return _mm256_castsi256_ps(_mm256_slli_epi32(v, 16)); }
SEMCODEC_INLINE Floats odd_of(Words v) {
  return _mm256_castsi256_ps(_mm256_and_si256(v, _mm256_set1_epi32(static_cast<int>(0xffff0000))));
}
/// The bfloat16 nearest to each float (to even) in the upper half, garbage below.
SEMCODEC_INLINE Words rounded(Floats v) {
  const Words bits = _mm256_castps_si256(v);
  const Words lowest = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  return _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), lowest);
}
/// Words of two channels, rounded as pack_pair() does.
SEMCODEC_INLINE Words pack(Floats even, Floats odd) {
  return _mm256_blend_epi16(_mm256_srli_epi32(rounded(even), 16), rounded(odd), 0xaa);
}
/// max(v, 0) of both channels: a negative bfloat16 is a negative 16-bit integer.
SEMCODEC_INLINE Words positive(Words v) { return _mm256_max_epi16(v, _mm256_setzero_si256()); }

/// a0 b0 a1 b1 … of the lower and of the upper half.
SEMCODEC_INLINE Floats interleave_low(Floats a, Floats b) {
  return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x20);
}
SEMCODEC_INLINE Floats interleave_high(Floats a, Floats b) {
  return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x31);
}
template <int Order>
SEMCODEC_INLINE Words places(Words near, Words far) {
  const Floats mixed =
      _mm256_shuffle_ps(_mm256_castsi256_ps(near), _mm256_castsi256_ps(far), Order);
  return _mm256_permute4x64_epi64(_mm256_castps_si256(mixed), 0xd8);
}
/// Every second lane of two registers, from the first or the second on.
SEMCODEC_INLINE Words even_places(Words near, Words far) { return places<0x88>(near, far); }
SEMCODEC_INLINE Words odd_places(Words near, Words far) { return places<0xdd>(near, far); }
/// Words of neighbours in a row: word i holds lanes 2i and 2i + 1.
SEMCODEC_INLINE Words pack_neighbours(Floats low, Floats high) {
  const Words a = _mm256_castps_si256(low), b = _mm256_castps_si256(high);
  return pack(_mm256_castsi256_ps(even_places(a, b)), _mm256_castsi256_ps(odd_places(a, b)));
}

/// What products are made of.
struct Factors {
  Floats even, odd;
};
SEMCODEC_INLINE Factors factors_of(Words v) { return {even_of(v), odd_of(v)}; }
SEMCODEC_INLINE Floats spread_bits(std::uint32_t word) {
  return _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(word)));
}
/// sum + one channel times a weight of lane_word().
SEMCODEC_INLINE Floats add_even(Floats sum, Factors v, std::uint32_t lane_word) {
  return fma(v.even, spread_bits(lane_word), sum);
}
SEMCODEC_INLINE Floats add_odd(Floats sum, Factors v, std::uint32_t lane_word) {
  return fma(v.odd, spread_bits(lane_word), sum);
}

/// sum + a · b, in place. Given the choice, GCC 12 lets the product overwrite a factor, and then
/// has more values alive than the sixteen registers hold.
SEMCODEC_INLINE Floats accumulate(Floats sum, Floats a, Floats b) {
  asm("vfmadd231ps %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
  return sum;
}

/// odd_of() with a mask that stays in memory: a register for it is one too many in add_step().
SEMCODEC_INLINE Floats odd_of_frugal(Words v) {
  alignas(32) static constexpr std::uint32_t kMask[8] = {0xffff0000, 0xffff0000, 0xffff0000,
                                                         0xffff0000, 0xffff0000, 0xffff0000,
                                                         0xffff0000, 0xffff0000};
  Words odd;
  asm("vpand %2, %1, %0" : "=x"(odd) : "x"(v), "m"(kMask));
  return _mm256_castsi256_ps(odd);
}

/// Adds the products of two registers of words at `from` with Size weights to the sums of the first
/// register (low) and of the second. Floats: those of odd channels lie `odd_at` after the others.
template <int Size>
SEMCODEC_INLINE void add_step(const std::uint32_t* from, const std::uint32_t* weights, int odd_at,
                              Floats* low, Floats* high) {
  {
    const Floats x = even_of(load(from)), y = even_of(load(from + kLanes));
#pragma GCC unroll 6
    for (int k = 0; k < Size; ++k) {
      const Floats w = spread_bits(weights[k]);
      low[k] = accumulate(low[k], x, w);
      high[k] = accumulate(high[k], y, w);
    }
  }
  // Words are loaded twice: to keep them would take two more registers.
  asm volatile("" ::: "memory");
  const Floats x = odd_of_frugal(load(from)), y = odd_of_frugal(load(from + kLanes));
#pragma GCC unroll 6
  for (int k = 0; k < Size; ++k) {
    const Floats w = spread_bits(weights[odd_at + k]);
    low[k] = accumulate(low[k], x, w);
    high[k] = accumulate(high[k], y, w);
  }
}

}  // namespace semcodec::pairs::avx2

#pragma GCC pop_options
#endif
