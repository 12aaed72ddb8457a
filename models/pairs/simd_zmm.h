#pragma once
// What both levels with AVX-512 share (simd_avx512.h, simd_avx512bf16.h); simd_avx2.h has the same
// functions for 256 bits, and says what they are.

#include <cstdint>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>
#define SEMCODEC_HAVE_PAIRS 1
#define SEMCODEC_INLINE inline __attribute__((always_inline))
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")

namespace semcodec::pairs::zmm {

using Floats = __m512;
using Words = __m512i;
using Mask = __mmask16;

inline constexpr int kLanes = 16;

SEMCODEC_INLINE Words load(const std::uint32_t* p) { return _mm512_loadu_si512(p); }
SEMCODEC_INLINE Floats load(const float* p) { return _mm512_loadu_ps(p); }
SEMCODEC_INLINE Floats load(const float* p, Mask mask) { return _mm512_maskz_loadu_ps(mask, p); }
SEMCODEC_INLINE Floats load_half(const float* p) {
  return _mm512_castps256_ps512(_mm256_loadu_ps(p));
}
SEMCODEC_INLINE void store(std::uint32_t* p, Words v) { _mm512_storeu_si512(p, v); }
SEMCODEC_INLINE void store(float* p, Floats v) { _mm512_storeu_ps(p, v); }
SEMCODEC_INLINE void store(std::uint32_t* p, Mask mask, Words v) {
  _mm512_mask_storeu_epi32(p, mask, v);
}
SEMCODEC_INLINE void store(float* p, Mask mask, Floats v) { _mm512_mask_storeu_ps(p, mask, v); }

SEMCODEC_INLINE Mask inside(int left) {
  return left >= 16  ? Mask{0xffff}
         : left <= 0 ? Mask{0}
                     : static_cast<Mask>((1U << static_cast<unsigned>(left)) - 1U);
}

SEMCODEC_INLINE Words spread_word(std::uint32_t word) {
  return _mm512_set1_epi32(static_cast<int>(word));
}
SEMCODEC_INLINE Floats spread(float v) { return _mm512_set1_ps(v); }
SEMCODEC_INLINE Floats zeros() { return _mm512_setzero_ps(); }
SEMCODEC_INLINE Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
SEMCODEC_INLINE Floats sub(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
SEMCODEC_INLINE Floats mul(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
SEMCODEC_INLINE Floats div(Floats a, Floats b) { return _mm512_div_ps(a, b); }
SEMCODEC_INLINE Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
SEMCODEC_INLINE Floats larger(Floats a, Floats b) { return _mm512_max_ps(a, b); }
SEMCODEC_INLINE Floats smaller(Floats a, Floats b) { return _mm512_min_ps(a, b); }
SEMCODEC_INLINE Floats root(Floats v) { return _mm512_sqrt_ps(v); }
SEMCODEC_INLINE Floats nearest(Floats v) {
  return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
SEMCODEC_INLINE Floats times_power(Floats v, Floats whole) { return _mm512_scalef_ps(v, whole); }

SEMCODEC_INLINE Floats even_of(Words v) { return _mm512_castsi512_ps(_mm512_slli_epi32(v, 16)); }
SEMCODEC_INLINE Floats odd_of(Words v) {
  return _mm512_castsi512_ps(_mm512_and_si512(v, _mm512_set1_epi32(static_cast<int>(0xffff0000))));
}
SEMCODEC_INLINE Words positive(Words v) { return _mm512_max_epi16(v, _mm512_setzero_si512()); }

SEMCODEC_INLINE Floats interleave_low(Floats a, Floats b) {
  const Words order = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  return _mm512_permutex2var_ps(a, order, b);
}
SEMCODEC_INLINE Floats interleave_high(Floats a, Floats b) {
  const Words order =
      _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  return _mm512_permutex2var_ps(a, order, b);
}
SEMCODEC_INLINE Words even_places(Words near, Words far) {
  const Words order = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  return _mm512_permutex2var_epi32(near, order, far);
}
SEMCODEC_INLINE Words odd_places(Words near, Words far) {
  const Words order = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  return _mm512_permutex2var_epi32(near, order, far);
}

}  // namespace semcodec::pairs::zmm

#pragma GCC pop_options
#endif
