// convolve_pairs() and pair_pixels() of generator_kernels.h. Included by a source that is compiled
// for every level.

#if defined(SEMCODEC_CPU_GENERATOR_WINOGRAD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SEMCODEC_CPU_GENERATOR_WINOGRAD_INL_H
#undef SEMCODEC_CPU_GENERATOR_WINOGRAD_INL_H
#else
#define SEMCODEC_CPU_GENERATOR_WINOGRAD_INL_H
#endif

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "common/cpu/generator_epilogue-inl.h"

HWY_BEFORE_NAMESPACE();
namespace semcodec::cpu::HWY_NAMESPACE {
namespace {

/// The sums of a part, all channels of a span: kSpan floats a channel.
HWY_INLINE void sum_part(const Source& source, const float* bias, float* out) {
  run_tiles(
      &source, 1,
      bias, [&](int channel, int offset, const auto& sums) HWY_ATTR __attribute__((always_inline)) {
        constexpr int kSize = static_cast<int>(std::extent_v<decltype(sums.low)>);
        float* to = out + std::ptrdiff_t{channel} * kSpan + offset;
#pragma GCC unroll 12
        for (int k = 0; k < kSize; ++k) {
          store(to + k * kSpan, sums.low[k]);
          store(to + k * kSpan + kLanes, sums.high[k]);
        }
      });
}

void convolve_pairs(const Planes& parts, const std::ptrdiff_t* steps, const Dot* dots,
                    const float* bias, const ConvolutionTarget& target, std::int64_t first,
                    std::int64_t last) {
  const std::int64_t spans = units_of(parts.width, 1);
  const int count = parts.pair_count / 4, width = 2 * parts.width;
  int channels = 0;
  for (const int size : dots[0].tiles) channels += size;
  // One part after the other: its words then stay in the nearest cache for all tiles.
  const std::ptrdiff_t next = std::ptrdiff_t{channels} * kSpan;
  std::vector<float> found(static_cast<std::size_t>(4 * next));
  for (std::int64_t unit = first; unit < last; ++unit) {
    const int y = static_cast<int>(unit / spans), x = static_cast<int>(unit % spans) * kSpan;
    for (int part = 0; part < 4; ++part) {
      // The second one is in both pixels.
      sum_part({parts.at(part * count, y, x), steps, dots + part}, part == 1 ? bias : nullptr,
               found.data() + part * next);
    }
    for (int c = 0; c < channels; c += 2) {
      for (int offset = 0; offset < kSpan && x + offset < parts.width; offset += kLanes) {
        Floats left[2], right[2];
#pragma GCC unroll 2
        for (int lane = 0; lane < 2; ++lane) {
          const float* m = found.data() + std::ptrdiff_t{c + lane} * kSpan + offset;
          const Floats second = load(m + next), third = load(m + 2 * next);
          left[lane] = add(load(m), add(second, third));
          right[lane] = sub(second, add(third, load(m + 3 * next)));
        }
        const int column = 2 * (x + offset);
        finish_pair(target, c / 2, y, column, width, interleave_low(left[0], right[0]),
                    interleave_low(left[1], right[1]));
        finish_pair(target, c / 2, y, column + kLanes, width, interleave_high(left[0], right[0]),
                    interleave_high(left[1], right[1]));
      }
    }
  }
}

void pair_pixels(const Planes& x, Planes& parts, int first, int last) {
  const int count = parts.pair_count / 4;
  const std::ptrdiff_t next = count * parts.plane;
  for (int p = 0; p < count; ++p) {
    for (int y = first; y < last; ++y) {
      const std::uint32_t* from = x.at(p, y);
      std::uint32_t* to = parts.at(p, y);
      for (int column = 0; column < parts.width; column += kLanes) {
        const std::uint32_t* here = from + 2 * column;
        const Words near = load(here), far = load(here + kLanes);
        const Words d[4] = {even_places(load(here - 1), load(here + kLanes - 1)),
                            even_places(near, far), odd_places(near, far),
                            even_places(load(here + 2), load(here + kLanes + 2))};
        const Mask mask = inside(parts.width - column);
        store(to + column, mask,
              pack(sub(even_of(d[0]), even_of(d[2])), sub(odd_of(d[0]), odd_of(d[2]))));
        store(to + column + next, mask,
              pack(add(even_of(d[1]), even_of(d[2])), add(odd_of(d[1]), odd_of(d[2]))));
        store(to + column + 2 * next, mask,
              pack(sub(even_of(d[2]), even_of(d[1])), sub(odd_of(d[2]), odd_of(d[1]))));
        store(to + column + 3 * next, mask,
              pack(sub(even_of(d[1]), even_of(d[3])), sub(odd_of(d[1]), odd_of(d[3]))));
      }
    }
  }
}

}  // namespace
}  // namespace semcodec::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
