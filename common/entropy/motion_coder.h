#pragma once
// Codes motion fields.
//
// Fields are patches of equal vectors. A vector is therefore spelled as "is it the candidate ...?"
// over the median of the neighbours, the neighbours and the previous field's vectors; if it is none
// of them, by its difference from the median.

#include "common/entropy/context_mixer.h"
#include "common/entropy/number_coder.h"
#include "common/semantic/semantic_frame.h"

namespace semcodec::entropy {

class MotionCoder {
 public:
  MotionCoder();

  void forget_previous() { previous_ = {}; }
  void soften(const Softness& softness) {
    vectors_.soften(softness);
    numbers_.soften(softness);
  }
  /// When reading, fills motion.dx and dy (sized already).
  void code(BinaryCoder& coder, MotionField& motion);

 private:
  struct Surroundings;
  struct Vector {
    int dx = 0;
    int dy = 0;
    bool operator==(const Vector&) const = default;
  };
  Vector code_vector(BinaryCoder& coder, Vector v, const Surroundings& near);
  int code_part(BinaryCoder& coder, int v, int part, int residual_x, const Surroundings& near);

  ContextMixer vectors_;
  NumberCoder numbers_;
  MotionField previous_;
};

}  // namespace semcodec::entropy
