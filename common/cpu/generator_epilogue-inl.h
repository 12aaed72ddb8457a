// The epilogue of the generator's convolutions (ConvolutionTarget of generator_kernels.h). Included
// by sources that are compiled for every level.

#if defined(SEMCODEC_CPU_GENERATOR_EPILOGUE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SEMCODEC_CPU_GENERATOR_EPILOGUE_INL_H
#undef SEMCODEC_CPU_GENERATOR_EPILOGUE_INL_H
#else
#define SEMCODEC_CPU_GENERATOR_EPILOGUE_INL_H
#endif

#include <cstddef>

#include "common/cpu/generator_kernels.h"
#include "common/cpu/pair_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace semcodec::cpu::HWY_NAMESPACE {
namespace {

HWY_INLINE Floats leaky(Floats x) { return larger(x, mul(x, spread(0.2F))); }

/// 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))) = x · sigmoid of twice the tanh's argument.
HWY_INLINE Floats gelu(Floats x) {
  const Floats square = mul(x, x);
  const Floats inner = fma(square, spread(0.0713548162726F), spread(1.5957691216057308F));
  return mul(x, sigmoid_of(mul(x, inner)));
}

/// Finishes a register of pixels of a pair.
HWY_INLINE void finish_pair(const ConvolutionTarget& t, int pair, int y, int x, int width,
                            Floats even, Floats odd) {
  const Mask mask = inside(width - x);
  if (t.active_alone) {
    store(t.active->at(pair, y, x), mask, pack(leaky(even), leaky(odd)));
  }
  if (t.residual != nullptr) {
    const Words near = load(t.residual->at(pair, y, x));
    even = add(even, even_of(near));
    odd = add(odd, odd_of(near));
  }
  if (t.noise != nullptr) {
    const Floats noise = load(t.noise + std::ptrdiff_t{y} * width + x, mask);
    even = fma(noise, spread(t.noise_strength[2 * pair]), even);
    odd = fma(noise, spread(t.noise_strength[2 * pair + 1]), odd);
  }
  if (t.raw != nullptr) {
    store(t.raw->at(pair, y, x), mask, pack(even, odd));
  }
  if (t.active == nullptr || t.active_alone) return;
  const Words active = t.gelu ? pack(gelu(even), gelu(odd)) : pack(leaky(even), leaky(odd));
  store(t.active->at(pair, y, x), mask, active);
}

struct Finish {
  const ConvolutionTarget* target;
  int width, y, x;
  template <int Size>
  HWY_INLINE void operator()(int channel, int offset, const Sums<Size>& sums) const {
    const int at = x + offset;
#pragma GCC unroll 6
    for (int k = 0; k < Size; k += 2) {
      const int pair = (channel + k) / 2;
      finish_pair(*target, pair, y, at, width, sums.low[k], sums.low[k + 1]);
      finish_pair(*target, pair, y, at + kLanes, width, sums.high[k], sums.high[k + 1]);
    }
  }
};

struct FinishShuffled {
  const ConvolutionTarget* target;
  int width, y, x;
  template <int Size>
  HWY_INLINE void operator()(int channel, int offset, const Sums<Size>& sums) const {
#pragma GCC unroll 3
    for (int k = 0; k + 3 < Size; k += 4) {
      const int pair = (channel + k) / 8, row = 2 * y + (channel + k) / 4 % 2;
      const auto put = [&](int at, const Floats* from) HWY_ATTR __attribute__((always_inline)) {
        finish_pair(*target, pair, row, at, 2 * width, interleave_low(from[0], from[2]),
                    interleave_low(from[1], from[3]));
        finish_pair(*target, pair, row, at + kLanes, 2 * width, interleave_high(from[0], from[2]),
                    interleave_high(from[1], from[3]));
      };
      put(2 * (x + offset), sums.low + k);
      put(2 * (x + offset + kLanes), sums.high + k);
    }
  }
};

}  // namespace
}  // namespace semcodec::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
