#pragma once
// The kernels of the generator's and the interpolator's engines
// (models/generator/generator_engine.h, interpolator_engine.h) on pair planes.
//
// Work is counted in units: spans of kSpan pixels, row by row. Units do not depend on each other,
// so any number of threads gives the same result.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/cpu/pair_planes.h"

namespace semcodec::cpu {

/// One input of a convolution: word offsets of its taps, one for each input pair of `dot`.
struct ConvolutionInput {
  const Planes* planes = nullptr;
  const std::vector<std::ptrdiff_t>* steps = nullptr;
  const Dot* dot = nullptr;
};

/// What becomes of the sums, each step where it is wanted:
///   value = sum + residual + noise · strength → raw;  leaky ReLU (or GELU) of it → active.
struct ConvolutionTarget {
  Planes* raw = nullptr;
  Planes* active = nullptr;
  const Planes* residual = nullptr;
  const float* noise = nullptr;           ///< width × height of the target
  const float* noise_strength = nullptr;  ///< a channel
  bool gelu = false;                      ///< GELU (by tanh) in place of leaky ReLU
  bool active_alone = false;              ///< active is of the sum, before anything is added
  /// The target has twice the size; outputs 8p + 4·dy + 2·dx + odd of `dot` are channel 2p + odd of
  /// its sub-pixel (dx, dy).
  bool shuffled = false;
};

/// Units of planes of that size.
std::int64_t units_of(int width, int height);

/// What blend_rows() works on.
struct ReferenceBlend {
  const float* colours = nullptr;  ///< 3 × height/2 × width/2
  const float* reference[2] = {};  ///< 3 × height × width
  bool valid[2] = {};
  float* out = nullptr;  ///< 3 × height × width, clamped to 0..1
};

/// The kernels of a level. first .. last are rows, or units where they are 64-bit.
struct GeneratorKernels {
  Level level;

  /// The convolution of one or two inputs whose dots have equal tiles. width, height: of the sums.
  void (*convolve)(const ConvolutionInput* inputs, int input_count, const float* bias,
                   const ConvolutionTarget& target, int width, int height, std::int64_t first,
                   std::int64_t last);

  /// The same for one 3×3 convolution with a third fewer products (Winograd's F(2, 3) along rows):
  /// of two neighbouring pixels in a row with kernel w,
  ///   left  = d₀w₀ + d₁w₁ + d₂w₂ = m₀ + m₁ + m₂   m₀ = (d₀ - d₂) w₀   m₁ = (d₁ + d₂) (w₀ + w₁ +
  ///   w₂) / 2 right = d₁w₀ + d₂w₁ + d₃w₂ = m₁ - m₂ - m₃   m₃ = (d₁ - d₃) w₂   m₂ = (d₂ - d₁) (w₀ -
  ///   w₁ + w₂) / 2
  /// `parts` holds the differences and sums of pair_pixels(), `dots` the four kernels of three rows
  /// (equal tiles), `steps` word offsets within one part. Units are those of the parts.
  void (*convolve_pairs)(const Planes& parts, const std::ptrdiff_t* steps, const Dot* dots,
                         const float* bias, const ConvolutionTarget& target, std::int64_t first,
                         std::int64_t last);
  /// The four parts of x, half as wide: part · pairs + p of them is that of pair p. x has an even
  /// width and a border.
  void (*pair_pixels)(const Planes& x, Planes& parts, int first, int last);

  /// A row of floats as words: word i holds floats 2i and 2i + 1.
  void (*fold_row)(const float* row, int width, std::uint32_t* out);
  /// Two rows as words: word i holds a[i] and b[i].
  void (*pair_rows)(const float* a, const float* b, int width, std::uint32_t* out);

  /// The four phases of pairs first_pair … of x: pixel (2x + dx, 2y + dy) of pair p goes to (x, y)
  /// of pair (2·dy + dx) · pairs + p - first_pair.
  void (*split_rows)(const Planes& x, int first_pair, Planes& out, int first, int last);

  /// The position code of a transformer block: x + depthwise 3×3 of it, as tokens (one row).
  /// weights: two of lane_word() a tap and pair.
  void (*position_rows)(const Planes& x, const std::vector<std::uint32_t>& weights,
                        const float* bias, Planes& tokens, int first, int last);

  /// Layer norm over the channels of tokens.
  void (*normalise)(const Planes& x, const float* gain, const float* bias, Planes& out,
                    std::int64_t first, std::int64_t last);

  /// Tokens back to rows; leaky ReLU of them to `active` when given.
  void (*rows_of_tokens)(const Planes& tokens, Planes* raw, Planes* active, int first, int last);

  /// softmax(q kᵀ / √d) v of tokens. qkv: q, k, v of all heads one after the other; units are
  /// (head, span), units_of(tokens, heads) of them.
  void (*attend)(const Planes& qkv, int heads, Planes& out, std::int64_t first, std::int64_t last);

  /// The last step at full size. Adds the first three outputs of `head` (6 of a 3×3 convolution of
  /// its planes) to the colours, enlarged bilinearly, and blends that with the references by the
  /// softmax of the other three.
  void (*blend_rows)(const ConvolutionInput& head, const float* bias, const ReferenceBlend& blend,
                     int first, int last);
};

/// Those of the level in use. Dots and weights have to be made for the same level. Throws
/// Error(usage) when SEMCODEC_CPU names a level that is not there.
const GeneratorKernels& generator_kernels();

}  // namespace semcodec::cpu
