#include "common/cpu/edge_kernels.h"

#include <algorithm>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/cpu/edge_kernels.cpp"
#include <hwy/foreach_target.h>
// Behind it.
#include "common/cpu/pair_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace semcodec::cpu::HWY_NAMESPACE {
namespace {

/// What is done with the finished sums of a tile.
struct Store {
  Planes* out;
  const Planes* residual;
  int y, x;
  template <int Size>
  HWY_INLINE void operator()(int channel, int offset, const Sums<Size>& sums) const {
    const int at = x + offset;
    const Mask low = inside(out->width - at), high = inside(out->width - at - kLanes);
#pragma GCC unroll 6
    for (int k = 0; k < Size; k += 2) {
      const int pair = (channel + k) / 2;
      Floats a = sums.low[k], b = sums.low[k + 1], c = sums.high[k], d = sums.high[k + 1];
      if (residual != nullptr) {
        const Words near = load(residual->at(pair, y, at)),
                    far = load(residual->at(pair, y, at) + kLanes);
        a = add(a, even_of(near));
        b = add(b, odd_of(near));
        c = add(c, even_of(far));
        d = add(d, odd_of(far));
      }
      std::uint32_t* to = out->at(pair, y, at);
      if (offset == 0) fetch(to + out->stride);
      store(to, low, pack(a, b));
      store(to + kLanes, high, pack(c, d));
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

/// relu(depthwise(x)) of a span, all pairs, into `to`.
HWY_INLINE void depthwise_span(const Planes& x, const Depthwise& kernel,
                               const std::ptrdiff_t* steps, std::ptrdiff_t ahead, int y, int column,
                               std::uint32_t* to) {
  const auto taps = static_cast<int>(kernel.dx.size());
  const std::uint32_t* weights = kernel.words.data();
  const Floats zero = zeros();
  for (int p = 0; p < x.pair_count; ++p, to += kSpan) {
    const std::uint32_t* from = x.at(p, y, column);
    fetch(from + ahead);
    Floats even[kParts], odd[kParts];
#pragma GCC unroll 4
    for (int i = 0; i < kParts; ++i) even[i] = odd[i] = zero;
    for (int t = 0; t < taps; ++t, weights += 2) {
#pragma GCC unroll 4
      for (int i = 0; i < kParts; ++i) {
        const Factors v = factors_of(load(from + steps[t] + i * kLanes));
        even[i] = add_even(even[i], v, weights[0]);
        odd[i] = add_odd(odd[i], v, weights[1]);
      }
    }
#pragma GCC unroll 4
    for (int i = 0; i < kParts; ++i) {
      store(to + i * kLanes, pack(larger(even[i], zero), larger(odd[i], zero)));
    }
  }
}

HWY_INLINE Floats largest(Floats a, Floats b, Floats c, Floats d) {
  return larger(larger(a, b), larger(c, d));
}

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
  for (int y = first; y < last; ++y) {
    for (int column = 0; column < x.width; column += kSpan) {
      for (int p = 0; p < x.pair_count; ++p) {
        const std::uint32_t* from = x.at(p, y, column);
        std::uint32_t* to = buffer.data() + static_cast<std::ptrdiff_t>(p) * kSpan;
        fetch(from + x.stride);
        for (int i = 0; i < kSpan; i += kLanes) store(to + i, positive(load(from + i)));
      }
      const Source source{buffer.data(), steps.data(), &narrow};
      run_tiles(&source, 1, bias, Store{&out, nullptr, y, column});
    }
  }
}

void pool_rows(const Planes& x, Planes& out, int first, int last) {
  for (int p = 0; p < x.pair_count; ++p) {
    for (int y = first; y < last; ++y) {
      for (int column = 0; column < out.width; column += kLanes) {
        Words v[4];
        for (int i = 0; i < 2; ++i) {
          const std::uint32_t* from = x.at(p, 2 * y + i, 2 * column);
          const Words near = load(from), far = load(from + kLanes);
          v[2 * i] = even_places(near, far);
          v[2 * i + 1] = odd_places(near, far);
        }
        const Floats a = largest(even_of(v[0]), even_of(v[1]), even_of(v[2]), even_of(v[3]));
        const Floats b = largest(odd_of(v[0]), odd_of(v[1]), odd_of(v[2]), odd_of(v[3]));
        store(out.at(p, y, column), inside(out.width - column), pack(a, b));
      }
    }
  }
}

void head_rows(const Planes& x, const std::vector<std::ptrdiff_t>& steps, const Dot& dot,
               const EdgeAttention& attention, Sheet* attended, Sheet& reduced, int first,
               int last) {
  const auto channels = static_cast<std::size_t>(attention.channels);
  for (int y = first; y < last; ++y) {
    for (int column = 0; column < x.width; column += kSpan) {
      // The sums of the attention's channels and of the output, a register of pixels each.
      Floats totals[kParts][kAttended + 1];
      for (auto& part : totals) {
        for (int k = 0; k < kAttended; ++k) part[k] = spread(attention.bias[k]);
        part[kAttended] = zeros();
      }
      const Source source{x.at(0, y, column), steps.data(), &dot};
      run_tiles(
          &source, 1,
          nullptr, [&](int channel, int offset, auto sums) HWY_ATTR __attribute__((always_inline)) {
            constexpr int kSize = static_cast<int>(std::extent_v<decltype(sums.low)>);
            const Floats zero = zeros();
            Floats *low = totals[offset / kLanes], *high = totals[offset / kLanes + 1];
            for (int c = 0; c < kSize; ++c) {
              const Floats a = larger(sums.low[c], zero), b = larger(sums.high[c], zero);
              const std::size_t at = static_cast<std::size_t>(channel + c);
              for (std::size_t k = 0; k < kAttended; ++k) {
                const Floats w = spread(attention.attend[k * channels + at]);
                low[k] = fma(w, a, low[k]);
                high[k] = fma(w, b, high[k]);
              }
              const Floats w = spread(attention.reduce[at]);
              low[kAttended] = fma(w, sums.low[c], low[kAttended]);
              high[kAttended] = fma(w, sums.high[c], high[kAttended]);
            }
          });
      for (int i = 0; i < kParts; ++i) {
        const Mask mask = inside(x.width - column - i * kLanes);
        for (int k = 0; k <= kAttended; ++k) {
          store((k < kAttended ? attended[k] : reduced).at(y) + column + i * kLanes, mask,
                totals[i][k]);
        }
      }
    }
  }
}

void attend_rows(const Sheet* attended, const float* kernel, const Sheet& reduced, int width,
                 float* map, int first, int last) {
  for (int y = first; y < last; ++y) {
    for (int column = 0; column < width; column += kLanes) {
      Floats sum = zeros();
      const float* weight = kernel;
      for (int k = 0; k < kAttended; ++k) {
        for (int dy = -1; dy <= 1; ++dy) {
          const float* row = attended[k].at(y + dy) + column;
          for (int dx = -1; dx <= 1; ++dx) {
            sum = fma(spread(*weight++), load(row + dx), sum);
          }
        }
      }
      const Floats value = mul(sigmoid_of(sum), load(reduced.at(y) + column));
      store(map + std::ptrdiff_t{y} * width + column, inside(width - column), value);
    }
  }
}

void sigmoid(float* values, int count) {
  for (int i = 0; i < count; i += kLanes) {
    const Mask mask = inside(count - i);
    store(values + i, mask, sigmoid_of(load(values + i, mask)));
  }
}

const EdgeKernels* table() {
  static constexpr EdgeKernels kTable{kLevel,    block_rows, convolve_rows, narrow_rows,
                                      pool_rows, head_rows,  attend_rows,   sigmoid};
  return &kTable;
}

}  // namespace
}  // namespace semcodec::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace semcodec::cpu {

HWY_EXPORT(table);

Sheet::Sheet(int width, int height)
    : stride((width + kSpan - 1) / kSpan * kSpan + 2),
      values(static_cast<std::size_t>(stride * (height + 2) + 2 * kSpan)) {}

const EdgeKernels& edge_kernels() {
  level_in_use();
  return *HWY_DYNAMIC_DISPATCH(table)();
}

}  // namespace semcodec::cpu
#endif
