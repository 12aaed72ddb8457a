#pragma once
// What the coders know before they see a stream: planes of the training clips, coded by the coder
// itself as it is before it knows anything, and built into the program.

#include <cstdint>
#include <span>
#include <vector>

#include "common/entropy/model.h"

namespace semcodec::entropy {

/// Some frames of one clip; the first is an entry point, and all have planes of the same sizes.
struct PrimingSequence {
  int work_width = 0;
  int work_height = 0;
  std::vector<SemanticFrame> frames;
};

/// Lets coders that know nothing code the sequences, then softens what they have learnt.
Coders learn(std::span<const PrimingSequence> sequences, const Softness& softness);

}  // namespace semcodec::entropy
