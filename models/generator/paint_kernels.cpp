// See paint_kernels.h; how it is compiled says pair_simd.h.

#include "models/generator/paint_kernels.h"

#include <algorithm>

#include "models/pairs/pair_simd.h"

namespace semcodec::paint {

std::int64_t units_of(int width, int height) {
  return std::int64_t{(width + pairs::kSpan - 1) / pairs::kSpan} * height;
}

}  // namespace semcodec::paint

#ifdef SEMCODEC_HAVE_PAIRS
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")

namespace semcodec::paint {

using namespace pairs;

namespace {

SEMCODEC_INLINE Floats leaky(Floats x) {
  return _mm512_max_ps(x, _mm512_mul_ps(x, _mm512_set1_ps(0.2F)));
}

/// 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))) = x · sigmoid of twice the tanh's argument.
SEMCODEC_INLINE Floats gelu(Floats x) {
  const Floats square = _mm512_mul_ps(x, x);
  const Floats inner = _mm512_fmadd_ps(square, _mm512_set1_ps(0.0713548162726F),
                                       _mm512_set1_ps(1.5957691216057308F));
  return _mm512_mul_ps(x, sigmoid_of(_mm512_mul_ps(x, inner)));
}

/// Finishes 16 pixels of a pair.
SEMCODEC_INLINE void finish_pair(const Target& t, int pair, int y, int x, int width, Floats even,
                                 Floats odd) {
  const __mmask16 mask = inside(width - x);
  if (t.active_alone) {
    _mm512_mask_storeu_epi32(t.active->at(pair, y, x), mask, pack(leaky(even), leaky(odd)));
  }
  if (t.residual != nullptr) {
    const Words near = load(t.residual->at(pair, y, x));
    even = _mm512_add_ps(even, even_of(near));
    odd = _mm512_add_ps(odd, odd_of(near));
  }
  if (t.noise != nullptr) {
    const Floats noise = _mm512_maskz_loadu_ps(mask, t.noise + std::ptrdiff_t{y} * width + x);
    even = _mm512_fmadd_ps(noise, _mm512_set1_ps(t.loudness[2 * pair]), even);
    odd = _mm512_fmadd_ps(noise, _mm512_set1_ps(t.loudness[2 * pair + 1]), odd);
  }
  if (t.raw != nullptr) {
    _mm512_mask_storeu_epi32(t.raw->at(pair, y, x), mask, pack(even, odd));
  }
  if (t.active == nullptr || t.active_alone) return;
  const Words active = t.gelu ? pack(gelu(even), gelu(odd)) : pack(leaky(even), leaky(odd));
  _mm512_mask_storeu_epi32(t.active->at(pair, y, x), mask, active);
}

/// a0 b0 a1 b1 … of the lower and of the upper eight.
SEMCODEC_INLINE Floats mingled_low(Floats a, Floats b) {
  const Words order = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  return _mm512_permutex2var_ps(a, order, b);
}
SEMCODEC_INLINE Floats mingled_high(Floats a, Floats b) {
  const Words order =
      _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  return _mm512_permutex2var_ps(a, order, b);
}

struct Finish {
  const Target* target;
  int width, y, x;
  template <int Size>
  SEMCODEC_INLINE void operator()(int channel, const Sums<Size>& sums) const {
#pragma GCC unroll 6
    for (int k = 0; k < Size; k += 2) {
      const int pair = (channel + k) / 2;
      finish_pair(*target, pair, y, x, width, sums.low[k], sums.low[k + 1]);
      finish_pair(*target, pair, y, x + 16, width, sums.high[k], sums.high[k + 1]);
    }
  }
};

struct FinishShuffled {
  const Target* target;
  int width, y, x;
  template <int Size>
  SEMCODEC_INLINE void operator()(int channel, const Sums<Size>& sums) const {
#pragma GCC unroll 3
    for (int k = 0; k + 3 < Size; k += 4) {
      const int pair = (channel + k) / 8, row = 2 * y + (channel + k) / 4 % 2;
      const auto put = [&](int at, const Floats* from) __attribute__((always_inline)) {
        finish_pair(*target, pair, row, at, 2 * width, mingled_low(from[0], from[2]),
                    mingled_low(from[1], from[3]));
        finish_pair(*target, pair, row, at + 16, 2 * width, mingled_high(from[0], from[2]),
                    mingled_high(from[1], from[3]));
      };
      put(2 * x, sums.low + k);
      put(2 * x + 32, sums.high + k);
    }
  }
};

}  // namespace

void convolve(const Input* inputs, int input_count, const float* bias, const Target& target,
              int width, int height, std::int64_t first, std::int64_t last) {
  const std::int64_t spans = units_of(width, 1);
  for (std::int64_t unit = first; unit < last; ++unit) {
    const int y = static_cast<int>(unit / spans), x = static_cast<int>(unit % spans) * kSpan;
    if (y >= height) return;
    Source sources[2] = {};
    for (int i = 0; i < input_count; ++i) {
      sources[i] = {inputs[i].planes->at(0, y, x), inputs[i].steps->data(), inputs[i].dot};
    }
    if (target.shuffled) {
      run_tiles(sources, input_count, bias, FinishShuffled{&target, width, y, x});
    } else {
      run_tiles(sources, input_count, bias, Finish{&target, width, y, x});
    }
  }
}

void fold_row(const float* row, int width, std::uint32_t* out) {
  for (int x = 0; x < width; x += 32) {
    const __mmask16 low = inside(width - x), high = inside(width - x - 16);
    const auto words = reinterpret_cast<Words>(_mm512_cvtne2ps_pbh(
        _mm512_maskz_loadu_ps(high, row + x + 16), _mm512_maskz_loadu_ps(low, row + x)));
    _mm512_mask_storeu_epi32(out + x / 2, inside((width - x) / 2), words);
  }
}

void pair_rows(const float* a, const float* b, int width, std::uint32_t* out) {
  for (int x = 0; x < width; x += 16) {
    const __mmask16 mask = inside(width - x);
    _mm512_mask_storeu_epi32(
        out + x, mask,
        pack(_mm512_maskz_loadu_ps(mask, a + x), _mm512_maskz_loadu_ps(mask, b + x)));
  }
}

void split_rows(const Planes& x, int first_pair, Planes& out, int first, int last) {
  const Words even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const Words odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  const int count = out.pair_count / 4;
  for (int p = 0; p < count; ++p) {
    for (int y = first; y < last; ++y) {
      for (int row = 0; row < 2; ++row) {
        const std::uint32_t* from = x.at(first_pair + p, 2 * y + row);
        std::uint32_t* to = out.at(2 * row * count + p, y);
        for (int column = 0; column < out.width; column += 16) {
          const Words near = load(from + 2 * column), far = load(from + 2 * column + 16);
          const __mmask16 mask = inside(out.width - column);
          _mm512_mask_storeu_epi32(to + column, mask, _mm512_permutex2var_epi32(near, even, far));
          _mm512_mask_storeu_epi32(to + count * out.plane + column, mask,
                                   _mm512_permutex2var_epi32(near, odd, far));
        }
      }
    }
  }
}

void position_rows(const Planes& x, const std::vector<std::uint32_t>& weights, const float* bias,
                   Planes& tokens, int first, int last) {
  for (int p = 0; p < x.pair_count; ++p) {
    const std::uint32_t* words = weights.data() + std::ptrdiff_t{18} * p;
    for (int y = first; y < last; ++y) {
      for (int column = 0; column < x.width; column += 16) {
        const std::uint32_t* from = x.at(p, y, column);
        const Words here = load(from);
        Floats even = _mm512_add_ps(even_of(here), _mm512_set1_ps(bias[2 * p]));
        Floats odd = _mm512_add_ps(odd_of(here), _mm512_set1_ps(bias[2 * p + 1]));
        for (int tap = 0; tap < 9; ++tap) {
          const Words near = load(from + (tap / 3 - 1) * x.stride + tap % 3 - 1);
          even = add_products(even, near, spread(words[2 * tap]));
          odd = add_products(odd, near, spread(words[2 * tap + 1]));
        }
        _mm512_mask_storeu_epi32(tokens.at(p, 0, y * x.width + column), inside(x.width - column),
                                 pack(even, odd));
      }
    }
  }
}

void normalise(const Planes& x, const float* gain, const float* bias, Planes& out,
               std::int64_t first, std::int64_t last) {
  const int count = x.pair_count;
  const Floats share = _mm512_set1_ps(0.5F / static_cast<float>(count));
  for (std::int64_t at = first * kSpan; at < std::min<std::int64_t>(last * kSpan, x.width);
       at += 16) {
    const int column = static_cast<int>(at);
    Floats mean = _mm512_setzero_ps(), variance = mean;
    for (int p = 0; p < count; ++p) {
      const Words v = load(x.at(p, 0, column));
      mean = _mm512_add_ps(mean, _mm512_add_ps(even_of(v), odd_of(v)));
    }
    mean = _mm512_mul_ps(mean, share);
    for (int p = 0; p < count; ++p) {
      const Words v = load(x.at(p, 0, column));
      const Floats a = _mm512_sub_ps(even_of(v), mean), b = _mm512_sub_ps(odd_of(v), mean);
      variance = _mm512_fmadd_ps(a, a, _mm512_fmadd_ps(b, b, variance));
    }
    variance = _mm512_fmadd_ps(variance, share, _mm512_set1_ps(1e-5F));
    const Floats scale = _mm512_div_ps(_mm512_set1_ps(1), _mm512_sqrt_ps(variance));
    const __mmask16 mask = inside(x.width - column);
    for (int p = 0; p < count; ++p) {
      const Words v = load(x.at(p, 0, column));
      const auto normed = [&](Floats value, int c) __attribute__((always_inline)) {
        value = _mm512_mul_ps(_mm512_sub_ps(value, mean), scale);
        return _mm512_fmadd_ps(value, _mm512_set1_ps(gain[c]), _mm512_set1_ps(bias[c]));
      };
      _mm512_mask_storeu_epi32(out.at(p, 0, column), mask,
                               pack(normed(even_of(v), 2 * p), normed(odd_of(v), 2 * p + 1)));
    }
  }
}

void rows_of_tokens(const Planes& tokens, Planes* raw, Planes* active, int first, int last) {
  const Planes& like = raw != nullptr ? *raw : *active;
  for (int p = 0; p < tokens.pair_count; ++p) {
    for (int y = first; y < last; ++y) {
      for (int column = 0; column < like.width; column += 16) {
        const Words v = load(tokens.at(p, 0, y * like.width + column));
        const __mmask16 mask = inside(like.width - column);
        if (raw != nullptr) _mm512_mask_storeu_epi32(raw->at(p, y, column), mask, v);
        if (active != nullptr) {
          _mm512_mask_storeu_epi32(active->at(p, y, column), mask,
                                   pack(leaky(even_of(v)), leaky(odd_of(v))));
        }
      }
    }
  }
}

void blend_rows(const Input& head, const float* bias, const Blend& blend, int first, int last) {
  const int width = head.planes->width, height = head.planes->height, half = width / 2;
  const std::ptrdiff_t area = std::ptrdiff_t{width} * height;
  // A row of colours between the two nearest ones, with its border repeated.
  const std::ptrdiff_t stride = half + 2 + kSpan;
  std::vector<float> mixed(static_cast<std::size_t>(3 * stride));
  for (int y = first; y < last; ++y) {
    const int near = y / 2, far = std::clamp(y % 2 == 0 ? near - 1 : near + 1, 0, height / 2 - 1);
    for (int c = 0; c < 3; ++c) {
      const float* plane = blend.colours + std::ptrdiff_t{c} * (area / 4);
      const float *a = plane + std::ptrdiff_t{near} * half, *b = plane + std::ptrdiff_t{far} * half;
      float* row = mixed.data() + c * stride + 1;
      for (int x = 0; x < half; ++x) row[x] = 0.75F * a[x] + 0.25F * b[x];
      row[-1] = row[0];
      row[half] = row[half - 1];
    }
    for (int x = 0; x < width; x += kSpan) {
      const Source source{head.planes->at(0, y, x), head.steps->data(), head.dot};
      run_tiles(
          &source, 1, bias, [&](int, const auto& sums) __attribute__((always_inline)) {
            if constexpr (std::size(decltype(sums.low){}) == 6) {
              for (int part = 0; part < 2; ++part) {
                const Floats* s = part == 0 ? sums.low : sums.high;
                const int column = x + 16 * part;
                const __mmask16 mask = inside(width - column);
                const Floats lowest = _mm512_set1_ps(-1e4F);
                const Floats la = blend.valid[0] ? s[4] : lowest,
                             lb = blend.valid[1] ? s[5] : lowest;
                const Floats top = _mm512_max_ps(s[3], _mm512_max_ps(la, lb)),
                             none = _mm512_setzero_ps();
                const Floats r = exponential(_mm512_sub_ps(s[3], top));
                const Floats a = blend.valid[0] ? exponential(_mm512_sub_ps(la, top)) : none;
                const Floats b = blend.valid[1] ? exponential(_mm512_sub_ps(lb, top)) : none;
                const Floats scale =
                    _mm512_div_ps(_mm512_set1_ps(1), _mm512_add_ps(r, _mm512_add_ps(a, b)));
                for (int c = 0; c < 3; ++c) {
                  // Eight places of half the size make sixteen.
                  const float* row = mixed.data() + c * stride + 1 + column / 2;
                  const auto eight = [&](int shift) __attribute__((always_inline)) {
                    return _mm512_castps256_ps512(_mm256_loadu_ps(row + shift));
                  };
                  const Floats own = _mm512_mul_ps(eight(0), _mm512_set1_ps(0.75F));
                  const Floats quarter = _mm512_set1_ps(0.25F);
                  const Floats base = mingled_low(_mm512_fmadd_ps(eight(-1), quarter, own),
                                                  _mm512_fmadd_ps(eight(1), quarter, own));
                  const std::ptrdiff_t at = c * area + std::ptrdiff_t{y} * width + column;
                  Floats sum = _mm512_mul_ps(_mm512_add_ps(base, s[c]), r);
                  sum =
                      _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, blend.reference[0] + at), a, sum);
                  sum =
                      _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, blend.reference[1] + at), b, sum);
                  sum = _mm512_min_ps(_mm512_max_ps(_mm512_mul_ps(sum, scale), none),
                                      _mm512_set1_ps(1));
                  _mm512_mask_storeu_ps(blend.out + at, mask, sum);
                }
              }
            }
          });
    }
  }
}

}  // namespace semcodec::paint

#pragma GCC pop_options
#else

namespace semcodec::paint {

// pairs::supported() says no in such builds, and nothing of this is called.
void convolve(const Input*, int, const float*, const Target&, int, int, std::int64_t,
              std::int64_t) {}
void fold_row(const float*, int, std::uint32_t*) {}
void pair_rows(const float*, const float*, int, std::uint32_t*) {}
void split_rows(const Planes&, int, Planes&, int, int) {}
void position_rows(const Planes&, const std::vector<std::uint32_t>&, const float*, Planes&, int,
                   int) {}
void normalise(const Planes&, const float*, const float*, Planes&, std::int64_t, std::int64_t) {}
void rows_of_tokens(const Planes&, Planes*, Planes*, int, int) {}
void blend_rows(const Input&, const float*, const Blend&, int, int) {}

}  // namespace semcodec::paint
#endif
