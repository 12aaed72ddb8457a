// The inner loops on pair planes: sums of products for a tile of output channels. Included by
// sources that are compiled for every level.

#if defined(SEMCODEC_CPU_PAIR_LOOPS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SEMCODEC_CPU_PAIR_LOOPS_INL_H
#undef SEMCODEC_CPU_PAIR_LOOPS_INL_H
#else
#define SEMCODEC_CPU_PAIR_LOOPS_INL_H
#endif

#include <cstddef>
#include <cstdint>

#include "common/cpu/pair_vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace semcodec::cpu::HWY_NAMESPACE {
namespace {

inline constexpr int kParts = kSpan / kLanes;  ///< registers of a span
inline constexpr int kStep = 2 * kLanes;       ///< pixels that are summed at a time

/// Two registers of pixels for each channel of a tile.
template <int Size>
struct Sums {
  // NOLINTNEXTLINE(modernize-use-equals-default): an implicit one lacks the instruction set.
  HWY_INLINE Sums() {}
  Floats low[Size], high[Size];
};

template <int Size>
HWY_INLINE void dot_tile(const std::uint32_t* base, const std::ptrdiff_t* steps, int count,
                         const std::uint32_t* weights, Sums<Size>& sums) {
  for (int i = 0; i < count; ++i, weights += kWeightWords * Size) {
    add_step<Size>(base + steps[i], weights, Size, sums.low, sums.high);
  }
}

/// The same as a function of its own, never inlined, so that nothing around it wants registers.
template <int Size>
HWY_NOINLINE void dot_tile_apart(const std::uint32_t* base, const std::ptrdiff_t* steps, int count,
                                 const std::uint32_t* weights, Sums<Size>& sums) {
  Sums<Size> own = sums;
  dot_tile<Size>(base, steps, count, weights, own);
  sums = own;
}

/// One source of a sum: words at base + steps[i], and their weights.
struct Source {
  const std::uint32_t* base;
  const std::ptrdiff_t* steps;
  const Dot* dot;
};

template <int Size, typename Finish>
HWY_INLINE void run_tile(const Source* sources, int source_count, std::size_t* at,
                         const float* bias, int channel, const Finish& finish) {
  for (int offset = 0; offset < kSpan; offset += kStep) {
    Sums<Size> sums;
#pragma GCC unroll 12
    for (int k = 0; k < Size; ++k) {
      sums.low[k] = bias != nullptr ? spread(bias[channel + k]) : zeros();
      sums.high[k] = sums.low[k];
    }
    for (int s = 0; s < source_count; ++s) {
      const Source& source = sources[s];
      const std::uint32_t* weights = source.dot->words.data() + at[s];
      if constexpr (kFewRegisters) {
        dot_tile_apart<Size>(source.base + offset, source.steps, source.dot->pair_count, weights,
                             sums);
      } else {
        dot_tile<Size>(source.base + offset, source.steps, source.dot->pair_count, weights, sums);
      }
    }
    finish(channel, offset, sums);
  }
  for (int s = 0; s < source_count; ++s) {
    at[s] += static_cast<std::size_t>(sources[s].dot->pair_count) * Size * kWeightWords;
  }
}

template <int Size, typename Finish>
HWY_INLINE void run_sized(int size, const Source* sources, int source_count, std::size_t* at,
                          const float* bias, int channel, const Finish& finish) {
  if (size == Size) {
    run_tile<Size>(sources, source_count, at, bias, channel, finish);
  } else if constexpr (Size > 2) {
    run_sized<Size - 2>(size, sources, source_count, at, bias, channel, finish);
  }
}

/// All output channels of kSpan pixels. The sources have equal tiles. Some channels of kStep pixels
/// at a time are given to finish(first channel, first pixel, sums).
template <typename Finish>
HWY_INLINE void run_tiles(const Source* sources, int source_count, const float* bias,
                          const Finish& finish) {
  std::size_t at[2] = {0, 0};
  int channel = 0;
  for (const int size : sources[0].dot->tiles) {
    run_sized<kWidest>(size, sources, source_count, at, bias, channel, finish);
    channel += size;
  }
}

}  // namespace
}  // namespace semcodec::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
