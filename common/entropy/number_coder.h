#pragma once
// Codes signed numbers around a prediction, and with them palettes.

#include <cstdint>
#include <initializer_list>

#include "common/entropy/context_mixer.h"
#include "semcodec/planes.h"

namespace semcodec::entropy {

/// 0, then sign and number of binary digits.
std::uint32_t size_class(int value);

/// A number is binarised as: zero? sign; the count of its magnitude's binary digits in unary; the
/// digits below the highest one. Contexts are the caller's.
class NumberCoder {
 public:
  /// `contexts`: how many the uses set, at most kMaxContexts.
  explicit NumberCoder(int contexts);

  void limit_adaptation(const AdaptationLimit& adaptation_limit) {
    mixer_.limit_adaptation(adaptation_limit);
  }

  /// Contexts for the following numbers; `kind` (0...7) separates the uses.
  void set_contexts(int kind, std::initializer_list<std::uint32_t> values);
  /// |value| < 2^12.
  int code(BinaryCoder& coder, int value);

 private:
  ContextMixer mixer_;
  int kind_ = 0;
};

/// Colours are predicted by the previous palette's colour of the same index, or, without one, by
/// the colour before.
class PaletteCoder {
 public:
  void forget_previous() { previous_.clear(); }
  void limit_adaptation(const AdaptationLimit& adaptation_limit) {
    numbers_.limit_adaptation(adaptation_limit);
  }
  /// When reading, fills the palette (sized already).
  void code(BinaryCoder& coder, Palette& palette);

 private:
  NumberCoder numbers_{5};
  Palette previous_;
};

}  // namespace semcodec::entropy
