// attend() of generator_kernels.h. Queries are the lanes: a score is a sum of products of query
// words with a key's words. The softmax then needs no sum across lanes, and its results are the
// words of the product with v. Included by a source that is compiled for every level.

#if defined(SEMCODEC_CPU_GENERATOR_ATTENTION_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SEMCODEC_CPU_GENERATOR_ATTENTION_INL_H
#undef SEMCODEC_CPU_GENERATOR_ATTENTION_INL_H
#else
#define SEMCODEC_CPU_GENERATOR_ATTENTION_INL_H
#endif

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "common/cpu/generator_kernels.h"
#include "common/cpu/pair_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace semcodec::cpu::HWY_NAMESPACE {
namespace {

/// Σ over `count` rows of words (a span each, `from_stride` apart) times Size weights a row.
template <int Size>
HWY_INLINE void sum_rows(const std::uint32_t* from, std::ptrdiff_t from_stride,
                         const std::uint32_t* weights, std::ptrdiff_t weight_stride, int odd_at,
                         int count, Sums<Size>& sums) {
#pragma GCC unroll 12
  for (int k = 0; k < Size; ++k) sums.low[k] = sums.high[k] = zeros();
  for (int i = 0; i < count; ++i, from += from_stride, weights += weight_stride) {
    add_step<Size>(from, weights, odd_at, sums.low, sums.high);
  }
}

/// scores[j] of a span of queries for kWidest keys. Keys beyond the last are computed and dropped.
HWY_INLINE void score_keys(const std::uint32_t* queries, std::ptrdiff_t plane,
                           const std::uint32_t* keys, std::ptrdiff_t key_stride, int pair_count,
                           int left, float* scores) {
  for (int offset = 0; offset < kSpan; offset += kStep) {
    Sums<kWidest> sums;
    sum_rows(queries + offset, plane, keys, key_stride, kWidest, pair_count, sums);
#pragma GCC unroll 12
    for (int k = 0; k < kWidest; ++k) {
      if (k >= left) break;
      store(scores + k * kSpan + offset, sums.low[k]);
      store(scores + k * kSpan + offset + kLanes, sums.high[k]);
    }
  }
}

/// The softmax's numerators as pairs of keys; returns what to divide by.
HWY_INLINE Floats softmax_shares(const float* scores, int tokens, float scale,
                                 std::uint32_t* shares) {
  Floats top = load(scores);
  for (int j = 1; j < tokens; ++j) top = larger(top, load(scores + j * kSpan));
  const Floats factor = spread(scale);
  Floats sum = zeros();
  for (int j = 0; j < tokens; j += 2) {
    const auto share = [&](const float* from) HWY_ATTR __attribute__((always_inline)) {
      return exponential(mul(sub(load(from), top), factor));
    };
    const Floats even = share(scores + j * kSpan);
    const Floats odd = j + 1 < tokens ? share(scores + (j + 1) * kSpan) : zeros();
    sum = add(sum, add(even, odd));
    store(shares + j / 2 * kSpan, pack(even, odd));
  }
  return sum;
}

/// v of a head with tokens paired in place of channels, as weights: row j holds v of tokens 2j and
/// 2j + 1, channel by channel.
void turn(const Planes& qkv, int first_pair, int pair_count, int tokens, std::uint32_t* out) {
  const std::ptrdiff_t channels = 2 * std::ptrdiff_t{pair_count};
  for (int p = 0; p < pair_count; ++p) {
    const std::uint32_t* from = qkv.at(first_pair + p, 0);
    for (int j = 0; j < tokens; j += 2) {
      const std::uint32_t a = from[j], b = j + 1 < tokens ? from[j + 1] : 0;
      std::uint32_t* to = out + j / 2 * channels * kWeightWords + 2 * p;
      if constexpr (kPairProducts) {
        to[0] = (a & 0xffffU) | b << 16;
        to[1] = a >> 16 | (b & 0xffff0000U);
      } else {
        to[0] = a << 16;
        to[1] = a & 0xffff0000U;
        to[channels] = b << 16;
        to[channels + 1] = b & 0xffff0000U;
      }
    }
  }
}

/// The keys of a head as weights that are floats: blocks of kWidest tokens, rows of pairs.
void unfold_keys(const Planes& qkv, int first_pair, int pair_count, int tokens,
                 std::uint32_t* out) {
  for (int j = 0; j < tokens; j += kWidest) {
    const int count = std::min(tokens - j, kWidest);
    for (int p = 0; p < pair_count; ++p, out += 2 * kWidest) {
      const std::uint32_t* from = qkv.at(first_pair + p, 0, j);
      for (int k = 0; k < count; ++k) {
        out[k] = from[k] << 16;
        out[kWidest + k] = from[k] & 0xffff0000U;
      }
    }
  }
}

template <int Size>
HWY_INLINE void mix_values(const std::uint32_t* shares, const std::uint32_t* values, int channels,
                           int count, const Floats* scale, Planes& out, int pair, int x) {
  for (int offset = 0; offset < kSpan; offset += kStep, scale += 2) {
    Sums<Size> sums;
    sum_rows(shares + offset, kSpan, values, std::ptrdiff_t{channels} * kWeightWords, channels,
             count, sums);
    const int at = x + offset;
#pragma GCC unroll 6
    for (int k = 0; k < Size; k += 2) {
      std::uint32_t* to = out.at(pair + k / 2, 0, at);
      store(to, inside(out.width - at),
            pack(mul(sums.low[k], scale[0]), mul(sums.low[k + 1], scale[0])));
      store(to + kLanes, inside(out.width - at - kLanes),
            pack(mul(sums.high[k], scale[1]), mul(sums.high[k + 1], scale[1])));
    }
  }
}

void attend(const Planes& qkv, int heads, Planes& out, std::int64_t first, std::int64_t last) {
  const int tokens = qkv.width, pair_count = out.pair_count / heads, channels = 2 * pair_count;
  const int token_pairs = (tokens + 1) / 2;
  const float scale = 1.0F / std::sqrt(static_cast<float>(channels));
  std::vector<float> scores(static_cast<std::size_t>(tokens) * kSpan);
  std::vector<std::uint32_t> shares(static_cast<std::size_t>(token_pairs) * kSpan);
  std::vector<std::uint32_t> values(static_cast<std::size_t>(token_pairs) *
                                    static_cast<std::size_t>(channels * kWeightWords));
  std::vector<std::uint32_t> keys;
  if (!kPairProducts) {
    keys.resize(static_cast<std::size_t>((tokens + kWidest - 1) / kWidest * kWidest) *
                static_cast<std::size_t>(channels));
  }
  const std::int64_t spans = units_of(tokens, 1);
  std::int64_t turned = -1;
  for (std::int64_t unit = first; unit < last; ++unit) {
    const std::int64_t head = unit / spans;
    const int x = static_cast<int>(unit % spans) * kSpan;
    const int at = static_cast<int>(head) * pair_count;
    if (head != turned) {
      turn(qkv, 2 * out.pair_count + at, pair_count, tokens, values.data());
      if (!kPairProducts) {
        unfold_keys(qkv, out.pair_count + at, pair_count, tokens, keys.data());
      }
      turned = head;
    }
    const std::uint32_t* queries = qkv.at(at, 0, x);
    for (int j = 0; j < tokens; j += kWidest) {
      // Pair planes hold keys just as pair products want weights.
      const std::uint32_t* from = kPairProducts ? qkv.at(out.pair_count + at, 0, j)
                                                : keys.data() + std::ptrdiff_t{j} * channels;
      score_keys(queries, qkv.plane, from, kPairProducts ? qkv.plane : 2 * kWidest, pair_count,
                 tokens - j, scores.data() + std::ptrdiff_t{j} * kSpan);
    }
    Floats divide[kParts];
    for (int part = 0; part < kParts; ++part) {
      divide[part] = div(spread(1), softmax_shares(scores.data() + kLanes * part, tokens, scale,
                                                   shares.data() + kLanes * part));
    }
    for (int c = 0; c < channels;) {
      const auto mix = [&](auto size) HWY_ATTR __attribute__((always_inline)) {
        mix_values<decltype(size)::value>(shares.data(), values.data() + c, channels, token_pairs,
                                          divide, out, at + c / 2, x);
        c += decltype(size)::value;
      };
      // Where two thirds are left, twice these are faster than a whole tile and a small rest.
      constexpr int kThirds = kWidest / 3 * 2;
      const int left = channels - c;
      if (left >= kWidest && left != 2 * kThirds) {
        mix(std::integral_constant<int, kWidest>{});
      } else if (left >= kThirds) {
        mix(std::integral_constant<int, kThirds>{});
      } else {
        mix(std::integral_constant<int, 2>{});
      }
    }
  }
}

}  // namespace
}  // namespace semcodec::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
