#pragma once
// Codes signed numbers around a prediction, and with them motion fields and palettes.

#include <cstdint>
#include <initializer_list>

#include "common/entropy/context_mixer.h"
#include "common/semantic/semantic_frame.h"

namespace semcodec::entropy {

/// A number is spelled as: zero? sign; the count of its magnitude's binary digits in unary; the
/// digits below the highest one. Contexts are the caller's.
class NumberCoder {
 public:
  NumberCoder();

  void reset() { mixer_.reset(); }
  /// Up to 3 contexts for the following numbers; `kind` (0...7) separates the uses.
  void set_contexts(int kind, std::uint32_t a, std::uint32_t b, std::uint32_t c);
  /// |value| < 2^12.
  int code(BinaryCoder& coder, int value);

 private:
  ContextMixer mixer_;
  int kind_ = 0;
};

/// Vectors are predicted by the median of west, north and north-east.
class MotionCoder {
 public:
  void reset() {
    numbers_.reset();
    previous_ = {};
  }
  void forget_previous() { previous_ = {}; }
  /// When reading, fills motion.dx and dy (sized already).
  void code(BinaryCoder& coder, MotionField& motion);

 private:
  NumberCoder numbers_;
  MotionField previous_;
};

/// Colours are predicted by the previous palette's colour of the same index, or, without one, by
/// the colour before.
class PaletteCoder {
 public:
  void reset() {
    numbers_.reset();
    previous_.clear();
  }
  void forget_previous() { previous_.clear(); }
  /// When reading, fills the palette (sized already).
  void code(BinaryCoder& coder, Palette& palette);

 private:
  NumberCoder numbers_;
  Palette previous_;
};

}  // namespace semcodec::entropy
