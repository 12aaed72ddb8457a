#pragma once
// Convolutions of a network, laid out for generate::convolve, and how they run over maps.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/cpu/generator_kernels.h"

namespace semcodec::generate {

using cpu::Level;
using cpu::Planes;
using cpu::units_of;
using Blend = cpu::ReferenceBlend;
using Input = cpu::ConvolutionInput;
using Kernels = cpu::GeneratorKernels;
using Target = cpu::ConvolutionTarget;

/// Runs body(first, last) over parts of 0 .. count, in threads or not.
using Parallel = std::function<void(std::int64_t count,
                                    const std::function<void(std::int64_t, std::int64_t)>& body)>;
/// A parameter's values by its name in the network, in torch's order.
using Weight = std::function<std::vector<float>(const std::string& name)>;

using Steps = std::vector<std::ptrdiff_t>;

/// A convolution ready for convolve(), or for convolve_pairs().
struct Layer {
  cpu::Dot dot;
  std::array<cpu::Dot, 4> parts;  ///< of Layout::stage(), in place of `dot`
  std::vector<float> bias;
};

/// Which inputs of a convolution a layer has: `count` from `first` on, of `all`.
struct Inputs {
  Inputs(int n) : count(n), all(n) {}  // NOLINT(google-explicit-constructor): all of them
  Inputs(int from, int n, int of) : first(from), count(n), all(of) {}
  int first = 0, count = 0, all = 0;
};

/// Residual blocks: two layers a block.
using Stage = std::vector<Layer>;

/// Whether stages take convolve_pairs() at a level. Products of bfloat16 pairs cost half as much,
/// and there rounded weights would lose more than the speed is worth.
inline bool fewer_products(Level level) { return !cpu::has_pair_products(level); }

/// Lays out the convolutions of a network for the kernels of a level, by their names.
struct Layout {
  Level level;
  Weight weight;

  /// 3×3; inputs are (pair, tap, lane), as steps_of_taps() and steps_of_phases() order them.
  /// `shuffled`: outputs as Target::shuffled wants them.
  Layer taps(const std::string& name, int outputs, Inputs inputs, bool shuffled = false) const;

  /// 1×1; input i of the planes is input `from(i)` of the weights.
  Layer points(const std::string& name, int outputs, int inputs, bool shuffled,
               const std::function<int(int)>& from) const;
  Layer points(const std::string& name, int outputs, int inputs, bool shuffled = false) const;

  /// NAME.0.conv1, NAME.0.conv2, NAME.1.conv1, ..., for convolve_pairs() where fewer_products().
  Stage stage(const std::string& name, int channels, int blocks) const;

  /// A 3×3 layer for convolve_pairs(); inputs are (pair, row, lane), as steps_of_rows() orders
  /// them.
  Layer in_parts(const std::string& name, int outputs, int inputs) const;
};

/// The taps of a 1×1, of a 3×3, and of a 3×3 convolution with stride 2 in the phases of
/// split_rows().
Steps steps_of_points(const Planes& x);
Steps steps_of_taps(const Planes& x);
Steps steps_of_phases(const Planes& x);
/// The rows of a part of Kernels::pair_pixels().
Steps steps_of_rows(const Planes& parts);

/// Maps of one size that a stage works on.
struct StageMaps {
  StageMaps() = default;
  StageMaps(int channels, int width, int height);
  Planes raw, active, inner, other;
  Planes parts;  ///< of what is convolved; made when a stage with parts first runs
};

/// Runs layers in threads.
struct Runner {
  const Kernels& kernels;
  Parallel parallel;

  void rows(int count, const std::function<void(int, int)>& body) const;

  /// One or two inputs; with two, their biases are already one.
  void convolve(const std::vector<Input>& inputs, const std::vector<float>& bias,
                const Target& target, int width, int height) const;
  void taps(const Planes& x, const Layer& layer, const Target& target) const;
  void points(const Planes& x, const Layer& layer, const Target& target) const;
  void split(const Planes& x, int first_pair, Planes& out) const;

  /// The blocks of a stage on maps.raw, whose activation is in maps.active; both are updated.
  void residual_blocks(const Stage& stage, StageMaps& maps) const;

 private:
  /// One layer of them, of maps.active or maps.inner.
  void stage_layer(const Planes& x, const Layer& layer, const Target& target,
                   StageMaps& maps) const;
};

}  // namespace semcodec::generate
