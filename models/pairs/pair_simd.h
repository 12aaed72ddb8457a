#pragma once
// The inner loops on pair planes, for sources that are compiled for AVX512 with BF16 by a pragma
// (not by options of the compiler: so no inline function of another header is built with
// instructions that other CPUs lack). Only run where pairs::supported().

#include <algorithm>
#include <array>

#include "models/pairs/pair_planes.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>
#define SEMCODEC_HAVE_PAIRS 1
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")

namespace semcodec::pairs {

using Floats = __m512;
using Words = __m512i;

#define SEMCODEC_INLINE inline __attribute__((always_inline))

SEMCODEC_INLINE Words load(const std::uint32_t* p) { return _mm512_loadu_si512(p); }

/// Two cache lines that will be wanted a row later. Too many streams run through memory for the
/// CPU to foresee them.
SEMCODEC_INLINE void fetch(const std::uint32_t* p) {
  _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1);
  _mm_prefetch(reinterpret_cast<const char*>(p + 16), _MM_HINT_T1);
}

SEMCODEC_INLINE Words spread(std::uint32_t word) {
  return _mm512_set1_epi32(static_cast<int>(word));
}

SEMCODEC_INLINE Floats add_products(Floats sum, Words a, Words b) {
  return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
}

SEMCODEC_INLINE Floats even_of(Words v) { return _mm512_castsi512_ps(_mm512_slli_epi32(v, 16)); }
SEMCODEC_INLINE Floats odd_of(Words v) {
  return _mm512_castsi512_ps(_mm512_and_si512(v, _mm512_set1_epi32(static_cast<int>(0xffff0000))));
}

SEMCODEC_INLINE Words pack(Floats even, Floats odd) {
  alignas(64) static constexpr std::array<std::uint16_t, 32> kInterleave = {
      0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
      8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  const auto both = reinterpret_cast<Words>(_mm512_cvtne2ps_pbh(odd, even));
  return _mm512_permutexvar_epi16(_mm512_load_si512(kInterleave.data()), both);
}

/// Pixels of a register that lie inside a row with `left` more of them.
SEMCODEC_INLINE __mmask16 inside(int left) {
  return left >= 16 ? __mmask16{0xffff} : static_cast<__mmask16>((1U << std::max(left, 0)) - 1U);
}

/// Two registers of 16 pixels for each channel of a tile.
template <int Size>
struct Sums {
  Floats low[Size], high[Size];
};

template <int Size>
SEMCODEC_INLINE void dot_tile(const std::uint32_t* base, const std::ptrdiff_t* steps, int count,
                              const std::uint32_t* weights, Sums<Size>& sums) {
  for (int i = 0; i < count; ++i, weights += Size) {
    const Words a = load(base + steps[i]), b = load(base + steps[i] + 16);
#pragma GCC unroll 12
    for (int k = 0; k < Size; ++k) {
      const Words w = spread(weights[k]);
      sums.low[k] = add_products(sums.low[k], a, w);
      sums.high[k] = add_products(sums.high[k], b, w);
    }
  }
}

/// One source of a sum: words at base + steps[i], and their weights.
struct Source {
  const std::uint32_t* base;
  const std::ptrdiff_t* steps;
  const Dot* dot;
};

template <int Size, typename Finish>
SEMCODEC_INLINE void run_tile(const Source* sources, int source_count, std::size_t* at,
                              const float* bias, int channel, const Finish& finish) {
  Sums<Size> sums;
#pragma GCC unroll 12
  for (int k = 0; k < Size; ++k) {
    sums.low[k] = bias != nullptr ? _mm512_set1_ps(bias[channel + k]) : _mm512_setzero_ps();
    sums.high[k] = sums.low[k];
  }
  for (int s = 0; s < source_count; ++s) {
    const Source& source = sources[s];
    dot_tile<Size>(source.base, source.steps, source.dot->pair_count,
                   source.dot->words.data() + at[s], sums);
    at[s] += static_cast<std::size_t>(source.dot->pair_count) * Size;
  }
  finish(channel, sums);
}

/// All output channels of 32 pixels. The sources have equal tiles.
template <typename Finish>
SEMCODEC_INLINE void run_tiles(const Source* sources, int source_count, const float* bias,
                               const Finish& finish) {
  std::size_t at[2] = {0, 0};
  int channel = 0;
  for (const int size : sources[0].dot->tiles) {
    switch (size) {
      case 12:
        run_tile<12>(sources, source_count, at, bias, channel, finish);
        break;
      case 10:
        run_tile<10>(sources, source_count, at, bias, channel, finish);
        break;
      case 8:
        run_tile<8>(sources, source_count, at, bias, channel, finish);
        break;
      case 6:
        run_tile<6>(sources, source_count, at, bias, channel, finish);
        break;
      case 4:
        run_tile<4>(sources, source_count, at, bias, channel, finish);
        break;
      default:
        run_tile<2>(sources, source_count, at, bias, channel, finish);
        break;
    }
    channel += size;
  }
}

/// e^x to 1e-6 for x in ±80.
SEMCODEC_INLINE Floats exponential(Floats x) {
  x = _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(-80)), _mm512_set1_ps(80));
  const Floats y = _mm512_mul_ps(x, _mm512_set1_ps(1.44269504F));
  const Floats whole = _mm512_roundscale_ps(y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const Floats f = _mm512_sub_ps(y, whole);
  Floats p = _mm512_set1_ps(0.0013333558F);
  for (const float c : {0.0096181291F, 0.0555041087F, 0.2402265070F, 0.6931471806F, 1.0F}) {
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(c));
  }
  return _mm512_scalef_ps(p, whole);
}

SEMCODEC_INLINE Floats sigmoid_of(Floats x) {
  const Floats one = _mm512_set1_ps(1);
  return _mm512_div_ps(one, _mm512_add_ps(one, exponential(_mm512_sub_ps(_mm512_setzero_ps(), x))));
}

}  // namespace semcodec::pairs

#pragma GCC pop_options
#endif
