// attend() of paint_kernels.h. Queries are the lanes: a score is a sum of products of query words
// with a key's words, which pair planes hold just as run_tiles() wants weights. The softmax then
// needs no sum across lanes, and its results are the words of the product with v.

#include <algorithm>
#include <cmath>

#include "models/generator/paint_kernels.h"
#include "models/pairs/pair_simd.h"

#ifdef SEMCODEC_HAVE_PAIRS
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")

namespace semcodec::paint {

using namespace pairs;

namespace {

/// scores[j] of 32 queries for the keys j … j + 11. Keys beyond the last are computed and dropped.
SEMCODEC_INLINE void score_keys(const std::uint32_t* queries, const std::uint32_t* keys,
                                std::ptrdiff_t plane, int pair_count, int left, float* scores) {
  Sums<kWidest> sums;
#pragma GCC unroll 12
  for (int k = 0; k < kWidest; ++k) sums.low[k] = sums.high[k] = _mm512_setzero_ps();
  for (int p = 0; p < pair_count; ++p, queries += plane, keys += plane) {
    const Words a = load(queries), b = load(queries + 16);
#pragma GCC unroll 12
    for (int k = 0; k < kWidest; ++k) {
      const Words w = spread(keys[k]);
      sums.low[k] = add_products(sums.low[k], a, w);
      sums.high[k] = add_products(sums.high[k], b, w);
    }
  }
#pragma GCC unroll 12
  for (int k = 0; k < kWidest; ++k) {
    if (k >= left) return;
    _mm512_storeu_ps(scores + k * kSpan, sums.low[k]);
    _mm512_storeu_ps(scores + k * kSpan + 16, sums.high[k]);
  }
}

/// The softmax's numerators as pairs of keys; returns what to divide by.
SEMCODEC_INLINE Floats soften(const float* scores, int tokens, float scale, std::uint32_t* shares) {
  Floats top = _mm512_loadu_ps(scores);
  for (int j = 1; j < tokens; ++j) top = _mm512_max_ps(top, _mm512_loadu_ps(scores + j * kSpan));
  const Floats factor = _mm512_set1_ps(scale);
  Floats sum = _mm512_setzero_ps();
  for (int j = 0; j < tokens; j += 2) {
    const auto share = [&](const float* from) __attribute__((always_inline)) {
      return exponential(_mm512_mul_ps(_mm512_sub_ps(_mm512_loadu_ps(from), top), factor));
    };
    const Floats even = share(scores + j * kSpan);
    const Floats odd = j + 1 < tokens ? share(scores + (j + 1) * kSpan) : _mm512_setzero_ps();
    sum = _mm512_add_ps(sum, _mm512_add_ps(even, odd));
    _mm512_storeu_si512(shares + j / 2 * kSpan, pack(even, odd));
  }
  return sum;
}

/// v of a head with tokens paired in place of channels: word [j][c] holds v of tokens 2j, 2j + 1.
void turn(const Planes& qkv, int first_pair, int pair_count, int tokens, std::uint32_t* out) {
  for (int p = 0; p < pair_count; ++p) {
    const std::uint32_t* from = qkv.at(first_pair + p, 0);
    for (int j = 0; j < tokens; j += 2) {
      const std::uint32_t a = from[j], b = j + 1 < tokens ? from[j + 1] : 0;
      std::uint32_t* to = out + std::ptrdiff_t{j} * pair_count + 2 * p;
      to[0] = (a & 0xffffU) | b << 16;
      to[1] = a >> 16 | (b & 0xffff0000U);
    }
  }
}

template <int Size>
SEMCODEC_INLINE void mix_values(const std::uint32_t* shares, const std::uint32_t* values,
                                int stride, int pair_count, const Floats* scale, Planes& out,
                                int pair, int x) {
  Sums<Size> sums;
#pragma GCC unroll 12
  for (int k = 0; k < Size; ++k) sums.low[k] = sums.high[k] = _mm512_setzero_ps();
  for (int j = 0; j < pair_count; ++j, shares += kSpan, values += stride) {
    const Words a = load(shares), b = load(shares + 16);
#pragma GCC unroll 12
    for (int k = 0; k < Size; ++k) {
      const Words w = spread(values[k]);
      sums.low[k] = add_products(sums.low[k], a, w);
      sums.high[k] = add_products(sums.high[k], b, w);
    }
  }
#pragma GCC unroll 6
  for (int k = 0; k < Size; k += 2) {
    std::uint32_t* to = out.at(pair + k / 2, 0, x);
    _mm512_mask_storeu_epi32(
        to, inside(out.width - x),
        pack(_mm512_mul_ps(sums.low[k], scale[0]), _mm512_mul_ps(sums.low[k + 1], scale[0])));
    _mm512_mask_storeu_epi32(
        to + 16, inside(out.width - x - 16),
        pack(_mm512_mul_ps(sums.high[k], scale[1]), _mm512_mul_ps(sums.high[k + 1], scale[1])));
  }
}

}  // namespace

void attend(const Planes& qkv, int heads, Planes& out, std::int64_t first, std::int64_t last) {
  const int tokens = qkv.width, pair_count = out.pair_count / heads, channels = 2 * pair_count;
  const int token_pairs = (tokens + 1) / 2;
  const float scale = 1.0F / std::sqrt(static_cast<float>(channels));
  std::vector<float> scores(static_cast<std::size_t>(tokens) * kSpan);
  std::vector<std::uint32_t> shares(static_cast<std::size_t>(token_pairs) * kSpan);
  std::vector<std::uint32_t> values(static_cast<std::size_t>(token_pairs) *
                                    static_cast<std::size_t>(channels));
  const std::int64_t spans = units_of(tokens, 1);
  std::int64_t turned = -1;
  for (std::int64_t unit = first; unit < last; ++unit) {
    const std::int64_t head = unit / spans;
    const int x = static_cast<int>(unit % spans) * kSpan;
    const int at = static_cast<int>(head) * pair_count;
    if (head != turned) {
      turn(qkv, 2 * out.pair_count + at, pair_count, tokens, values.data());
      turned = head;
    }
    const std::uint32_t* queries = qkv.at(at, 0, x);
    for (int j = 0; j < tokens; j += kWidest) {
      score_keys(queries, qkv.at(out.pair_count + at, 0, j), qkv.plane, pair_count, tokens - j,
                 scores.data() + std::ptrdiff_t{j} * kSpan);
    }
    Floats divide[2];
    for (int part = 0; part < 2; ++part) {
      divide[part] = _mm512_div_ps(_mm512_set1_ps(1), soften(scores.data() + 16 * part, tokens,
                                                             scale, shares.data() + 16 * part));
    }
    for (int c = 0; c < channels;) {
      const auto mix = [&](auto size) __attribute__((always_inline)) {
        mix_values<decltype(size)::value>(shares.data(), values.data() + c, channels, token_pairs,
                                          divide, out, at + c / 2, x);
        c += decltype(size)::value;
      };
      if (channels - c >= 12) {
        mix(std::integral_constant<int, 12>{});
      } else if (channels - c >= 8) {
        mix(std::integral_constant<int, 8>{});
      } else {
        mix(std::integral_constant<int, 2>{});
      }
    }
  }
}

}  // namespace semcodec::paint

#pragma GCC pop_options
#else

namespace semcodec::paint {

void attend(const Planes&, int, Planes&, std::int64_t, std::int64_t) {}

}  // namespace semcodec::paint
#endif
