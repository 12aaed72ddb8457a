#pragma once
// The kernels of PiDiNet's engine (models/pidinet/edge_engine.h) on pair planes.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/cpu/pair_planes.h"

namespace semcodec::cpu {

inline constexpr int kAttended = 4;  ///< channels of the attention

/// A depthwise kernel without its zeros: steps to the neighbours, and for each pair and step two of
/// lane_word().
struct Depthwise {
  std::vector<int> dx, dy;
  std::vector<std::uint32_t> words;
};

/// One plane of floats with a border of one zero.
struct Sheet {
  Sheet() = default;
  Sheet(int width, int height);
  float* at(int y) { return values.data() + (y + 1) * stride + 1; }
  const float* at(int y) const { return values.data() + (y + 1) * stride + 1; }
  std::ptrdiff_t stride = 0;
  std::vector<float> values;
};

struct EdgeAttention {
  const float* attend = nullptr;  ///< kAttended x channels
  const float* bias = nullptr;    ///< kAttended
  const float* reduce = nullptr;  ///< channels
  int channels = 0;
};

/// The kernels of a level. They work on rows first .. last.
struct EdgeKernels {
  Level level;

  /// x' = pointwise(relu(depthwise(x))) + (shortcut ? shortcut(x) + bias : x).
  void (*block_rows)(const Planes& x, const Depthwise& depthwise, const Dot& pointwise,
                     const Dot* shortcut, const float* bias, Planes& out, int first, int last);

  /// A convolution of `x` by taps: `steps` holds a word offset for every input pair of `dot`.
  void (*convolve_rows)(const Planes& x, const std::vector<std::ptrdiff_t>& steps, const Dot& dot,
                        Planes& out, int first, int last);

  /// out = narrow(relu(x)) + bias.
  void (*narrow_rows)(const Planes& x, const Dot& narrow, const float* bias, Planes& out, int first,
                      int last);

  /// The 2x2 maximum.
  void (*pool_rows)(const Planes& x, Planes& out, int first, int last);

  /// y = convolution of `x` as in convolve_rows; attended[k] = Σ_c attend · relu(y) + bias, and
  /// reduced = Σ_c reduce · y. y itself is not kept.
  void (*head_rows)(const Planes& x, const std::vector<std::ptrdiff_t>& steps, const Dot& dot,
                    const EdgeAttention& attention, Sheet* attended, Sheet& reduced, int first,
                    int last);

  /// map = reduced · sigmoid(Σ_k 3x3 convolution of attended[k]); row-major, width values a row.
  void (*attend_rows)(const Sheet* attended, const float* kernel, const Sheet& reduced, int width,
                      float* map, int first, int last);

  /// values[i] = 1 / (1 + e^-values[i]), to 1e-6.
  void (*sigmoid)(float* values, int count);
};

/// Those of the level in use. Dots and weights have to be made for the same level. Throws
/// Error(usage) when SEMCODEC_CPU names a level that is not there.
const EdgeKernels& edge_kernels();

}  // namespace semcodec::cpu
