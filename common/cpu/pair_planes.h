#pragma once
// Feature maps and weights as vector units like them.
//
// Maps are kept as pair planes: channels 2p and 2p + 1 of a pixel are one 32-bit word, bfloat16
// each, a plane of words a pair, with a border of zeros. Pixels are the lanes of a register. Where
// the CPU has AVX512_BF16, one instruction (VDPBF16PS) multiplies and adds both channels of sixteen
// pixels, with NEON's BF16 (BFDOT) of four; on other CPUs words are taken apart into two floats by
// a shift and a mask, and two FMAs do the same. Sums are in float everywhere.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "common/cpu/level.h"

namespace semcodec::cpu {

inline constexpr int kSpan = 32;  ///< pixels that a kernel handles at a time

/// Channels that a kernel sums at a time: as many as the registers (sixteen or 32) hold.
constexpr int widest_tile(Level level) {
  return level == Level::generic || level == Level::avx2 ? 6 : 12;
}

/// Whether a level has an instruction that multiplies and adds both channels of a pair.
constexpr bool has_pair_products(Level level) {
  return level == Level::avx512bf16 || level == Level::neonbf16;
}

/// Memory that begins at a cache line.
template <typename T>
struct LineAllocator {
  using value_type = T;
  LineAllocator() = default;
  template <typename U>
  LineAllocator(const LineAllocator<U>&) {}  // NOLINT(google-explicit-constructor)
  static constexpr std::align_val_t kLine{64};
  T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new(count * sizeof(T), kLine));
  }
  void deallocate(T* pointer, std::size_t) { ::operator delete(pointer, kLine); }
  friend bool operator==(const LineAllocator&, const LineAllocator&) { return true; }
};

/// Pair planes with `border` zeros on every side.
struct Planes {
  Planes() = default;
  Planes(int pair_count, int width, int height, int border);
  /// Rows begin at cache lines, for kernels that read no other columns than they write. Borders are
  /// above and below only.
  static Planes of_lines(int pair_count, int width, int height, int border);

  std::uint32_t* at(int pair, int y, int x = 0) { return words.data() + offset(pair, y, x); }
  const std::uint32_t* at(int pair, int y, int x = 0) const {
    return words.data() + offset(pair, y, x);
  }
  std::ptrdiff_t offset(int pair, int y, int x) const {
    return pair * plane + (y + border) * stride + lead + x;
  }

  int pair_count = 0, width = 0, height = 0, border = 0;
  std::ptrdiff_t lead = 0, stride = 0, plane = 0;  ///< words; lead: before a row
  std::vector<std::uint32_t, LineAllocator<std::uint32_t>> words;

 private:
  Planes(int pair_count, int width, int height, int border, int lead);
};

/// A bfloat16 pair from two floats, rounded to even.
std::uint32_t pack_pair(float even, float odd);

/// A weight of one channel of a pair (lane 0 or 1), as add_even() and add_odd() of a level take it:
/// a pair with a zero, or the bits of the float.
std::uint32_t lane_word(Level level, float weight, int lane);

/// out[o] = Σ_i weight[o][i] · in[i], weights packed for run_tiles() of a level: tiles of some
/// output channels, in each of them input pairs, then channels. Weights are pairs where
/// has_pair_products(); for the others the bits of floats, unrounded, all even ones of the tile
/// before all odd ones.
struct Dot {
  Dot() = default;
  /// `weight(o, i)` of outputs x inputs; an odd input count gets a zero. Tiles are multiples of
  /// `grain` outputs, 2 or 4.
  template <typename Weight>
  Dot(Level level, int outputs, int inputs, Weight weight, int grain = 2)
      : pair_count((inputs + 1) / 2) {
    const int widest = widest_tile(level) / grain * grain;
    const int tile_count = (outputs + widest - 1) / widest;
    const auto odd = [&](int o, int p) {
      return 2 * p + 1 < inputs ? static_cast<float>(weight(o, 2 * p + 1)) : 0.0F;
    };
    for (int t = 0, first = 0; t < tile_count; ++t) {
      const int left = outputs - first, tiles_left = tile_count - t;
      const int each = (left + tiles_left - 1) / tiles_left;
      const int size = (each + grain - 1) / grain * grain;
      tiles.push_back(std::min(size, left));
      const int last = first + tiles.back();
      for (int p = 0; p < pair_count; ++p) {
        if (has_pair_products(level)) {
          for (int o = first; o < last; ++o)
            words.push_back(pack_pair(weight(o, 2 * p), odd(o, p)));
          continue;
        }
        for (int o = first; o < last; ++o) {
          words.push_back(std::bit_cast<std::uint32_t>(static_cast<float>(weight(o, 2 * p))));
        }
        for (int o = first; o < last; ++o) words.push_back(std::bit_cast<std::uint32_t>(odd(o, p)));
      }
      first = last;
    }
  }
  int pair_count = 0;
  std::vector<int> tiles;  ///< even sizes of at most widest_tile()
  std::vector<std::uint32_t> words;
};

}  // namespace semcodec::cpu
