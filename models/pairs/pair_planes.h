#pragma once
// Feature maps and weights as CPUs with AVX512_BF16 like them (pair_simd.h).
//
// Maps are kept as pair planes: channels 2p and 2p + 1 of a pixel are one 32-bit word, a plane of
// words a pair, with a border of zeros. Sixteen pixels then fill a register, and one instruction
// (VDPBF16PS) multiplies and adds both channels of all of them. Sums are in float.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace semcodec::pairs {

inline constexpr int kSpan = 32;    ///< pixels that a kernel handles at a time
inline constexpr int kWidest = 12;  ///< channels that it sums at a time

/// Pair planes with `border` zeros on every side.
struct Planes {
  Planes() = default;
  Planes(int pair_count, int width, int height, int border);

  std::uint32_t* at(int pair, int y, int x = 0) { return words.data() + offset(pair, y, x); }
  const std::uint32_t* at(int pair, int y, int x = 0) const {
    return words.data() + offset(pair, y, x);
  }
  std::ptrdiff_t offset(int pair, int y, int x) const {
    return pair * plane + (y + border) * stride + border + x;
  }

  int pair_count = 0, width = 0, height = 0, border = 0;
  std::ptrdiff_t stride = 0, plane = 0;  ///< words
  std::vector<std::uint32_t> words;
};

/// A bfloat16 pair from two floats, rounded to even.
std::uint32_t pack_pair(float even, float odd);

/// out[o] = Σ_i weight[o][i] · in[i], weights packed for run_tiles(): tiles of some output
/// channels, in each of them input pairs, then channels.
struct Dot {
  Dot() = default;
  /// `weight(o, i)` of outputs x inputs; an odd input count gets a zero. Tiles are multiples of
  /// `grain` outputs, which divides kWidest.
  template <typename Weight>
  Dot(int outputs, int inputs, Weight weight, int grain = 2) : pair_count((inputs + 1) / 2) {
    const int tile_count = (outputs + kWidest - 1) / kWidest;
    for (int t = 0, first = 0; t < tile_count; ++t) {
      const int left = outputs - first, tiles_left = tile_count - t;
      const int each = (left + tiles_left - 1) / tiles_left;
      const int size = (each + grain - 1) / grain * grain;
      tiles.push_back(size < left ? size : left);
      for (int p = 0; p < pair_count; ++p) {
        for (int o = first; o < first + tiles.back(); ++o) {
          words.push_back(
              pack_pair(weight(o, 2 * p), 2 * p + 1 < inputs ? weight(o, 2 * p + 1) : 0.0F));
        }
      }
      first += tiles.back();
    }
  }
  int pair_count = 0;
  std::vector<int> tiles;  ///< even sizes of at most kWidest
  std::vector<std::uint32_t> words;
};

/// Whether this CPU (and build) has the instructions.
bool supported();

}  // namespace semcodec::pairs
