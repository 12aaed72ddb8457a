// See edge_kernels.h; how it is compiled says pair_simd.h.

#include "models/pidinet/edge_kernels.h"

#include <algorithm>

#include "models/pairs/pair_simd.h"

namespace semcodec::pairs {

Sheet::Sheet(int width, int height)
    : stride((width + kSpan - 1) / kSpan * kSpan + 2),
      values(static_cast<std::size_t>(stride * (height + 2) + 2 * kSpan)) {}

}  // namespace semcodec::pairs

#ifdef SEMCODEC_HAVE_PAIRS
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")

namespace semcodec::pairs {
namespace {

/// What is done with the finished sums of a tile.
struct Store {
  Planes* out;
  const Planes* residual;
  int y, x;
  template <int Size>
  SEMCODEC_INLINE void operator()(int channel, const Sums<Size>& sums) const {
    const __mmask16 low = inside(out->width - x), high = inside(out->width - x - 16);
#pragma GCC unroll 6
    for (int k = 0; k < Size; k += 2) {
      const int pair = (channel + k) / 2;
      Floats a = sums.low[k], b = sums.low[k + 1], c = sums.high[k], d = sums.high[k + 1];
      if (residual != nullptr) {
        const Words near = load(residual->at(pair, y, x)),
                    far = load(residual->at(pair, y, x) + 16);
        a = _mm512_add_ps(a, even_of(near));
        b = _mm512_add_ps(b, odd_of(near));
        c = _mm512_add_ps(c, even_of(far));
        d = _mm512_add_ps(d, odd_of(far));
      }
      std::uint32_t* to = out->at(pair, y, x);
      fetch(to + out->stride);
      _mm512_mask_storeu_epi32(to, low, pack(a, b));
      _mm512_mask_storeu_epi32(to + 16, high, pack(c, d));
    }
  }
};

std::vector<std::ptrdiff_t> steps_in_buffer(int pair_count) {
  std::vector<std::ptrdiff_t> steps;
  for (int p = 0; p < pair_count; ++p) steps.push_back(std::ptrdiff_t{kSpan} * p);
  return steps;
}

std::vector<std::ptrdiff_t> steps_between_planes(const Planes& x) {
  std::vector<std::ptrdiff_t> steps;
  for (int p = 0; p < x.pair_count; ++p) steps.push_back(x.plane * p);
  return steps;
}

/// relu(depthwise(x)) of 32 pixels, all pairs, into `to`.
SEMCODEC_INLINE void depthwise_span(const Planes& x, const Depthwise& kernel,
                                    const std::ptrdiff_t* steps, std::ptrdiff_t ahead, int y,
                                    int column, std::uint32_t* to) {
  const auto taps = static_cast<int>(kernel.dx.size());
  const std::uint32_t* weights = kernel.words.data();
  const Floats zero = _mm512_setzero_ps();
  for (int p = 0; p < x.pair_count; ++p, to += kSpan) {
    const std::uint32_t* from = x.at(p, y, column);
    fetch(from + ahead);
    Floats even_low = zero, odd_low = zero, even_high = zero, odd_high = zero;
    for (int t = 0; t < taps; ++t, weights += 2) {
      const Words a = load(from + steps[t]), b = load(from + steps[t] + 16);
      const Words even = spread(weights[0]), odd = spread(weights[1]);
      even_low = add_products(even_low, a, even);
      odd_low = add_products(odd_low, a, odd);
      even_high = add_products(even_high, b, even);
      odd_high = add_products(odd_high, b, odd);
    }
    _mm512_storeu_si512(to, pack(_mm512_max_ps(even_low, zero), _mm512_max_ps(odd_low, zero)));
    _mm512_storeu_si512(to + 16,
                        pack(_mm512_max_ps(even_high, zero), _mm512_max_ps(odd_high, zero)));
  }
}

SEMCODEC_INLINE Floats largest(Floats a, Floats b, Floats c, Floats d) {
  return _mm512_max_ps(_mm512_max_ps(a, b), _mm512_max_ps(c, d));
}

}  // namespace

void block_rows(const Planes& x, const Depthwise& depthwise, const Dot& pointwise,
                const Dot* shortcut, const float* bias, Planes& out, int first, int last) {
  const auto in_buffer = steps_in_buffer(x.pair_count), in_planes = steps_between_planes(x);
  std::vector<std::ptrdiff_t> steps;
  for (std::size_t t = 0; t < depthwise.dx.size(); ++t) {
    steps.push_back(depthwise.dy[t] * x.stride + depthwise.dx[t]);
  }
  std::vector<std::uint32_t> buffer(static_cast<std::size_t>(x.pair_count) * kSpan);
  for (int y = first; y < last; ++y) {
    const int reach = depthwise.dy.empty() ? 0 : depthwise.dy.back();
    const std::ptrdiff_t ahead = std::min(reach + 1, x.height + x.border - 1 - y) * x.stride;
    for (int column = 0; column < x.width; column += kSpan) {
      depthwise_span(x, depthwise, steps.data(), ahead, y, column, buffer.data());
      const Source sources[2] = {{buffer.data(), in_buffer.data(), &pointwise},
                                 {x.at(0, y, column), in_planes.data(), shortcut}};
      run_tiles(sources, shortcut != nullptr ? 2 : 1, bias,
                Store{&out, shortcut != nullptr ? nullptr : &x, y, column});
    }
  }
}

void convolve_rows(const Planes& x, const std::vector<std::ptrdiff_t>& steps, const Dot& dot,
                   Planes& out, int first, int last) {
  for (int y = first; y < last; ++y) {
    for (int column = 0; column < x.width; column += kSpan) {
      const Source source{x.at(0, y, column), steps.data(), &dot};
      run_tiles(&source, 1, nullptr, Store{&out, nullptr, y, column});
    }
  }
}

void narrow_rows(const Planes& x, const Dot& narrow, const float* bias, Planes& out, int first,
                 int last) {
  const auto steps = steps_in_buffer(x.pair_count);
  std::vector<std::uint32_t> buffer(static_cast<std::size_t>(x.pair_count) * kSpan);
  const Words zero = _mm512_setzero_si512();
  for (int y = first; y < last; ++y) {
    for (int column = 0; column < x.width; column += kSpan) {
      for (int p = 0; p < x.pair_count; ++p) {
        // A negative bfloat16 is a negative 16-bit integer.
        const std::uint32_t* from = x.at(p, y, column);
        std::uint32_t* to = buffer.data() + static_cast<std::ptrdiff_t>(p) * kSpan;
        fetch(from + x.stride);
        _mm512_storeu_si512(to, _mm512_max_epi16(load(from), zero));
        _mm512_storeu_si512(to + 16, _mm512_max_epi16(load(from + 16), zero));
      }
      const Source source{buffer.data(), steps.data(), &narrow};
      run_tiles(&source, 1, bias, Store{&out, nullptr, y, column});
    }
  }
}

void pool_rows(const Planes& x, Planes& out, int first, int last) {
  // Words at even places of 32, then those at odd ones.
  const Words even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const Words odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  for (int p = 0; p < x.pair_count; ++p) {
    for (int y = first; y < last; ++y) {
      for (int column = 0; column < out.width; column += 16) {
        Words v[4];
        for (int i = 0; i < 2; ++i) {
          const std::uint32_t* from = x.at(p, 2 * y + i, 2 * column);
          const Words near = load(from), far = load(from + 16);
          v[2 * i] = _mm512_permutex2var_epi32(near, even, far);
          v[2 * i + 1] = _mm512_permutex2var_epi32(near, odd, far);
        }
        const Floats a = largest(even_of(v[0]), even_of(v[1]), even_of(v[2]), even_of(v[3]));
        const Floats b = largest(odd_of(v[0]), odd_of(v[1]), odd_of(v[2]), odd_of(v[3]));
        _mm512_mask_storeu_epi32(out.at(p, y, column), inside(out.width - column), pack(a, b));
      }
    }
  }
}

void head_rows(const Planes& x, const std::vector<std::ptrdiff_t>& steps, const Dot& dot,
               const Attention& attention, Sheet* attended, Sheet& reduced, int first, int last) {
  const auto channels = static_cast<std::size_t>(attention.channels);
  for (int y = first; y < last; ++y) {
    for (int column = 0; column < x.width; column += kSpan) {
      Floats low[kAttended + 1], high[kAttended + 1];
      for (int k = 0; k < kAttended; ++k) low[k] = high[k] = _mm512_set1_ps(attention.bias[k]);
      low[kAttended] = high[kAttended] = _mm512_setzero_ps();
      const Source source{x.at(0, y, column), steps.data(), &dot};
      run_tiles(&source, 1, nullptr, [&](int channel, const auto& sums) {
        constexpr int kSize = static_cast<int>(std::size(decltype(sums.low){}));
        const Floats zero = _mm512_setzero_ps();
        for (int c = 0; c < kSize; ++c) {
          const Floats a = _mm512_max_ps(sums.low[c], zero), b = _mm512_max_ps(sums.high[c], zero);
          const std::size_t at = static_cast<std::size_t>(channel + c);
          for (std::size_t k = 0; k < kAttended; ++k) {
            const Floats w = _mm512_set1_ps(attention.attend[k * channels + at]);
            low[k] = _mm512_fmadd_ps(w, a, low[k]);
            high[k] = _mm512_fmadd_ps(w, b, high[k]);
          }
          const Floats w = _mm512_set1_ps(attention.reduce[at]);
          low[kAttended] = _mm512_fmadd_ps(w, sums.low[c], low[kAttended]);
          high[kAttended] = _mm512_fmadd_ps(w, sums.high[c], high[kAttended]);
        }
      });
      const __mmask16 near = inside(x.width - column), far = inside(x.width - column - 16);
      for (int k = 0; k <= kAttended; ++k) {
        float* to = (k < kAttended ? attended[k] : reduced).at(y) + column;
        _mm512_mask_storeu_ps(to, near, low[k]);
        _mm512_mask_storeu_ps(to + 16, far, high[k]);
      }
    }
  }
}

void attend_rows(const Sheet* attended, const float* kernel, const Sheet& reduced, int width,
                 float* map, int first, int last) {
  for (int y = first; y < last; ++y) {
    for (int column = 0; column < width; column += 16) {
      Floats sum = _mm512_setzero_ps();
      const float* weight = kernel;
      for (int k = 0; k < kAttended; ++k) {
        for (int dy = -1; dy <= 1; ++dy) {
          const float* row = attended[k].at(y + dy) + column;
          for (int dx = -1; dx <= 1; ++dx) {
            sum = _mm512_fmadd_ps(_mm512_set1_ps(*weight++), _mm512_loadu_ps(row + dx), sum);
          }
        }
      }
      const Floats value = _mm512_mul_ps(sigmoid_of(sum), _mm512_loadu_ps(reduced.at(y) + column));
      _mm512_mask_storeu_ps(map + std::ptrdiff_t{y} * width + column, inside(width - column),
                            value);
    }
  }
}

void sigmoid(float* values, int count) {
  for (int i = 0; i < count; i += 16) {
    const __mmask16 mask = inside(count - i);
    _mm512_mask_storeu_ps(values + i, mask, sigmoid_of(_mm512_maskz_loadu_ps(mask, values + i)));
  }
}

}  // namespace semcodec::pairs

#pragma GCC pop_options
#else

namespace semcodec::pairs {

// EdgeEngine::supported() says no in such builds, and nothing of this is called.
void block_rows(const Planes&, const Depthwise&, const Dot&, const Dot*, const float*, Planes&, int,
                int) {}
void convolve_rows(const Planes&, const std::vector<std::ptrdiff_t>&, const Dot&, Planes&, int,
                   int) {}
void narrow_rows(const Planes&, const Dot&, const float*, Planes&, int, int) {}
void pool_rows(const Planes&, Planes&, int, int) {}
void head_rows(const Planes&, const std::vector<std::ptrdiff_t>&, const Dot&, const Attention&,
               Sheet*, Sheet&, int, int) {}
void attend_rows(const Sheet*, const float*, const Sheet&, int, float*, int, int) {}
void sigmoid(float*, int) {}

}  // namespace semcodec::pairs
#endif
