#pragma once
// Codes motion fields.
//
// Fields are patches of equal vectors. A vector is therefore binarised as "is it the candidate
// ...?" over the median of the neighbours, the neighbours and the previous field's vectors; if it
// is none of them, by its difference from the median.

#include <cstdint>
#include <functional>

#include "common/entropy/context_mixer.h"
#include "common/entropy/number_coder.h"
#include "semcodec/planes.h"

namespace semcodec::entropy {

class MotionCoder {
 public:
  MotionCoder();

  void forget_previous() { previous_ = {}; }
  void limit_adaptation(const AdaptationLimit& adaptation_limit) {
    vectors_.limit_adaptation(adaptation_limit);
    numbers_.limit_adaptation(adaptation_limit);
  }
  /// What a vector in a cell costs in quality, see PlaneCosts.
  using MotionBitCost = std::function<std::uint32_t(int x, int y, int dx, int dy)>;

  /// When reading, fills motion.dx and dy (sized already). With `cost` a cell may take a candidate
  /// instead of its vector: whatever costs least, with its bits.
  void code(BinaryCoder& coder, MotionField& motion, const MotionBitCost* cost = nullptr);

 private:
  struct Surroundings;
  struct Vector {
    int dx = 0;
    int dy = 0;
    bool operator==(const Vector&) const = default;
  };
  using VectorBitCost = std::function<std::uint32_t(const Vector&)>;
  /// Returns the vector coded.
  Vector code_vector(BinaryCoder& coder, Vector v, const Surroundings& near,
                     const VectorBitCost& cost);
  int code_part(BinaryCoder& coder, int v, int part, int residual_x, const Surroundings& near);

  ContextMixer vectors_;
  NumberCoder numbers_;
  MotionField previous_;
};

}  // namespace semcodec::entropy
