#pragma once
// The kernels of edge_engine.h on pair planes. Only called where EdgeEngine::supported().

#include <cstddef>
#include <cstdint>
#include <vector>

namespace semcodec::pairs {

inline constexpr int kSpan = 32;     ///< pixels that a kernel handles at a time
inline constexpr int kWidest = 12;   ///< channels that it sums at a time
inline constexpr int kAttended = 4;  ///< channels of the attention

/// Pair planes (edge_engine.h) with `border` zeros on every side.
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

/// out[o] = Σ_i weight[o][i] · in[i], weights packed for `dot`: tiles of some output channels, in
/// each of them input pairs, then channels.
struct Dot {
  Dot() = default;
  /// `weight(o, i)` of outputs x inputs; an odd input count gets a zero.
  template <typename Weight>
  Dot(int outputs, int inputs, Weight weight) : pair_count((inputs + 1) / 2) {
    const int tile_count = (outputs + kWidest - 1) / kWidest;
    for (int t = 0, first = 0; t < tile_count; ++t) {
      const int left = outputs - first, tiles_left = tile_count - t;
      const int size = ((left + tiles_left - 1) / tiles_left + 1) / 2 * 2;
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

/// A depthwise kernel without its zeros: steps to the neighbours, and for each pair and step two
/// words, (even, 0) and (0, odd).
struct Depthwise {
  std::vector<int> dx, dy;
  std::vector<std::uint32_t> words;
};

/// x' = pointwise(relu(depthwise(x))) + (shortcut ? shortcut(x) + bias : x), rows first .. last.
void block_rows(const Planes& x, const Depthwise& depthwise, const Dot& pointwise,
                const Dot* shortcut, const float* bias, Planes& out, int first, int last);

/// A convolution of `x` by taps: `steps` holds a word offset for every input pair of `dot`.
void convolve_rows(const Planes& x, const std::vector<std::ptrdiff_t>& steps, const Dot& dot,
                   Planes& out, int first, int last);

/// out = narrow(relu(x)) + bias.
void narrow_rows(const Planes& x, const Dot& narrow, const float* bias, Planes& out, int first,
                 int last);

/// The 2x2 maximum.
void pool_rows(const Planes& x, Planes& out, int first, int last);

/// One plane of floats with a border of one zero.
struct Sheet {
  Sheet() = default;
  Sheet(int width, int height);
  float* at(int y) { return values.data() + (y + 1) * stride + 1; }
  const float* at(int y) const { return values.data() + (y + 1) * stride + 1; }
  std::ptrdiff_t stride = 0;
  std::vector<float> values;
};

struct Attention {
  const float* attend = nullptr;  ///< kAttended x channels
  const float* bias = nullptr;    ///< kAttended
  const float* reduce = nullptr;  ///< channels
  int channels = 0;
};

/// y = convolution of `x` as in convolve_rows; attended[k] = Σ_c attend · relu(y) + bias, and
/// reduced = Σ_c reduce · y. y itself is not kept.
void head_rows(const Planes& x, const std::vector<std::ptrdiff_t>& steps, const Dot& dot,
               const Attention& attention, Sheet* attended, Sheet& reduced, int first, int last);

/// map = reduced · sigmoid(Σ_k 3x3 convolution of attended[k]); row-major, width values a row.
void attend_rows(const Sheet* attended, const float* kernel, const Sheet& reduced, int width,
                 float* map, int first, int last);

/// values[i] = 1 / (1 + e^-values[i]), to 1e-6.
void sigmoid(float* values, int count);

}  // namespace semcodec::pairs
