#pragma once
// Draws of the samplers, the same on every machine.

#include <cstdint>
#include <initializer_list>

#include "common/core/random.h"

namespace semcodec {

/// In [0, 1).
inline double uniform(Random& random) { return static_cast<double>(random.next() >> 11) * 0x1p-53; }

inline int pick(Random& random, std::initializer_list<int> values) {
  return values.begin()[random.below(values.size())];
}

}  // namespace semcodec
