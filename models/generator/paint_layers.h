#pragma once
// Layers of paint_engine.h: weights in the order in which paint_kernels.h takes them.

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "models/generator/paint_engine.h"
#include "models/pairs/pair_planes.h"

namespace semcodec::paint {

using Steps = std::vector<std::ptrdiff_t>;
using Floats = std::vector<float>;

inline std::size_t index(int i) { return static_cast<std::size_t>(i); }

/// A convolution ready for Kernels::convolve, or for convolve_pairs.
struct Layer {
  pairs::Dot dot;
  std::array<pairs::Dot, 4> parts;  ///< of pairs_layer(), in place of `dot`
  Floats bias;
  int inputs = 0;
};

/// Where a layer's weights come from.
struct LayerSource {
  pairs::Level level;
  const PaintEngine::Weight& weight;
};

/// 3×3; inputs are (pair, tap, lane), as steps_of_taps() and steps_of_phases() order them.
Layer taps_layer(const LayerSource& source, const std::string& name, int outputs, int inputs,
                 bool shuffled = false);

/// 3×3 for convolve_pairs; inputs are (pair, row, lane), as steps_of_rows() orders them.
Layer pairs_layer(const LayerSource& source, const std::string& name, int outputs, int inputs);

/// The output of torch that is output `o` of a shuffled convolution (Target::shuffled).
inline int shuffled_output(int o) { return (o / 8 * 2 + o % 2) * 4 + o / 2 % 4; }

/// 1×1; input i of the planes is input `from(i)` of the weights.
template <typename From>
Layer point_layer(const LayerSource& source, const std::string& name, int outputs, int inputs,
                  bool shuffled, From from) {
  const Floats values = source.weight(name + ".weight"), bias = source.weight(name + ".bias");
  Layer layer;
  layer.inputs = inputs;
  layer.dot = pairs::Dot(
      source.level, outputs, inputs,
      [&](int o, int i) {
        return values[index((shuffled ? shuffled_output(o) : o) * inputs + from(i))];
      },
      shuffled ? 4 : 2);
  for (int o = 0; o < outputs; ++o) {
    layer.bias.push_back(bias[index(shuffled ? shuffled_output(o) : o)]);
  }
  return layer;
}

Layer point_layer(const LayerSource& source, const std::string& name, int outputs, int inputs,
                  bool shuffled = false);

Steps steps_of_points(const pairs::Planes& x);
Steps steps_of_taps(const pairs::Planes& x);
/// The taps of a 3×3 convolution with stride 2 in the phases of split_rows().
Steps steps_of_phases(const pairs::Planes& x);
/// The rows of a part of Kernels::pair_pixels.
Steps steps_of_rows(const pairs::Planes& parts);

}  // namespace semcodec::paint
