#include "common/cpu/generator_kernels.h"

#include <algorithm>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/cpu/generator_kernels.cpp"
#include <hwy/foreach_target.h>
// Behind it.
#include "common/cpu/generator_attention-inl.h"
#include "common/cpu/generator_epilogue-inl.h"
#include "common/cpu/generator_winograd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace semcodec::cpu::HWY_NAMESPACE {
namespace {

void convolve(const ConvolutionInput* inputs, int input_count, const float* bias,
              const ConvolutionTarget& target, int width, int height, std::int64_t first,
              std::int64_t last) {
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
  for (int x = 0; x < width; x += 2 * kLanes) {
    const Floats low = load(row + x, inside(width - x));
    const Floats high = load(row + x + kLanes, inside(width - x - kLanes));
    store(out + x / 2, inside((width - x) / 2), pack_neighbours(low, high));
  }
}

void pair_rows(const float* a, const float* b, int width, std::uint32_t* out) {
  for (int x = 0; x < width; x += kLanes) {
    const Mask mask = inside(width - x);
    store(out + x, mask, pack(load(a + x, mask), load(b + x, mask)));
  }
}

void split_rows(const Planes& x, int first_pair, Planes& out, int first, int last) {
  const int count = out.pair_count / 4;
  for (int p = 0; p < count; ++p) {
    for (int y = first; y < last; ++y) {
      for (int row = 0; row < 2; ++row) {
        const std::uint32_t* from = x.at(first_pair + p, 2 * y + row);
        std::uint32_t* to = out.at(2 * row * count + p, y);
        for (int column = 0; column < out.width; column += kLanes) {
          const Words near = load(from + 2 * column), far = load(from + 2 * column + kLanes);
          const Mask mask = inside(out.width - column);
          store(to + column, mask, even_places(near, far));
          store(to + count * out.plane + column, mask, odd_places(near, far));
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
      for (int column = 0; column < x.width; column += kLanes) {
        const std::uint32_t* from = x.at(p, y, column);
        const Words here = load(from);
        Floats even = add(even_of(here), spread(bias[2 * p]));
        Floats odd = add(odd_of(here), spread(bias[2 * p + 1]));
        for (int tap = 0; tap < 9; ++tap) {
          const Factors near = factors_of(load(from + (tap / 3 - 1) * x.stride + tap % 3 - 1));
          even = add_even(even, near, words[2 * tap]);
          odd = add_odd(odd, near, words[2 * tap + 1]);
        }
        store(tokens.at(p, 0, y * x.width + column), inside(x.width - column), pack(even, odd));
      }
    }
  }
}

void normalise(const Planes& x, const float* gain, const float* bias, Planes& out,
               std::int64_t first, std::int64_t last) {
  const int count = x.pair_count;
  const Floats share = spread(0.5F / static_cast<float>(count));
  for (std::int64_t at = first * kSpan; at < std::min<std::int64_t>(last * kSpan, x.width);
       at += kLanes) {
    const int column = static_cast<int>(at);
    Floats mean = zeros(), variance = mean;
    for (int p = 0; p < count; ++p) {
      const Words v = load(x.at(p, 0, column));
      mean = add(mean, add(even_of(v), odd_of(v)));
    }
    mean = mul(mean, share);
    for (int p = 0; p < count; ++p) {
      const Words v = load(x.at(p, 0, column));
      const Floats a = sub(even_of(v), mean), b = sub(odd_of(v), mean);
      variance = fma(a, a, fma(b, b, variance));
    }
    variance = fma(variance, share, spread(1e-5F));
    const Floats scale = div(spread(1), root(variance));
    const Mask mask = inside(x.width - column);
    for (int p = 0; p < count; ++p) {
      const Words v = load(x.at(p, 0, column));
      const auto normed = [&](Floats value, int c) HWY_ATTR __attribute__((always_inline)) {
        value = mul(sub(value, mean), scale);
        return fma(value, spread(gain[c]), spread(bias[c]));
      };
      store(out.at(p, 0, column), mask,
            pack(normed(even_of(v), 2 * p), normed(odd_of(v), 2 * p + 1)));
    }
  }
}

void rows_of_tokens(const Planes& tokens, Planes* raw, Planes* active, int first, int last) {
  const Planes& like = raw != nullptr ? *raw : *active;
  for (int p = 0; p < tokens.pair_count; ++p) {
    for (int y = first; y < last; ++y) {
      for (int column = 0; column < like.width; column += kLanes) {
        const Words v = load(tokens.at(p, 0, y * like.width + column));
        const Mask mask = inside(like.width - column);
        if (raw != nullptr) store(raw->at(p, y, column), mask, v);
        if (active != nullptr) {
          store(active->at(p, y, column), mask, pack(leaky(even_of(v)), leaky(odd_of(v))));
        }
      }
    }
  }
}

void blend_rows(const ConvolutionInput& head, const float* bias, const ReferenceBlend& blend,
                int first, int last) {
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
          &source, 1,
          bias, [&](int, int offset, auto sums) HWY_ATTR __attribute__((always_inline)) {
            if constexpr (std::extent_v<decltype(sums.low)> == 6) {
              for (int part = 0; part < 2; ++part) {
                const Floats* s = part == 0 ? sums.low : sums.high;
                const int column = x + offset + kLanes * part;
                const Mask mask = inside(width - column);
                const Floats lowest = spread(-1e4F);
                const Floats la = blend.valid[0] ? s[4] : lowest,
                             lb = blend.valid[1] ? s[5] : lowest;
                const Floats top = larger(s[3], larger(la, lb)), none = zeros();
                const Floats r = exponential(sub(s[3], top));
                const Floats a = blend.valid[0] ? exponential(sub(la, top)) : none;
                const Floats b = blend.valid[1] ? exponential(sub(lb, top)) : none;
                const Floats scale = div(spread(1), add(r, add(a, b)));
                for (int c = 0; c < 3; ++c) {
                  // Half a register of places of half the size makes a whole one.
                  const float* row = mixed.data() + c * stride + 1 + column / 2;
                  const auto half_of = [&](int shift) HWY_ATTR __attribute__((always_inline)) {
                    return load_half(row + shift);
                  };
                  const Floats own = mul(half_of(0), spread(0.75F));
                  const Floats quarter = spread(0.25F);
                  const Floats base =
                      interleave_low(fma(half_of(-1), quarter, own), fma(half_of(1), quarter, own));
                  const std::ptrdiff_t at = c * area + std::ptrdiff_t{y} * width + column;
                  Floats sum = mul(add(base, s[c]), r);
                  sum = fma(load(blend.reference[0] + at, mask), a, sum);
                  sum = fma(load(blend.reference[1] + at, mask), b, sum);
                  sum = smaller(larger(mul(sum, scale), none), spread(1));
                  store(blend.out + at, mask, sum);
                }
              }
            }
          });
    }
  }
}

const GeneratorKernels* table() {
  static constexpr GeneratorKernels kTable{kLevel,    convolve,       convolve_pairs, pair_pixels,
                                           fold_row,  pair_rows,      split_rows,     position_rows,
                                           normalise, rows_of_tokens, attend,         blend_rows};
  return &kTable;
}

}  // namespace
}  // namespace semcodec::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace semcodec::cpu {

HWY_EXPORT(table);

std::int64_t units_of(int width, int height) {
  return std::int64_t{(width + kSpan - 1) / kSpan} * height;
}

const GeneratorKernels& generator_kernels() {
  level_in_use();
  return *HWY_DYNAMIC_DISPATCH(table)();
}

}  // namespace semcodec::cpu
#endif
