#pragma once
// Codes the label plane: unordered cluster indices.
//
// A label is binarised as decisions "is it the candidate ...?" over the distinct labels of the
// moved previous plane and the neighbours; if it is none of them, its rank among the other labels,
// ordered by how near their colours are to the colours of the first candidates.

#include "common/entropy/context_mixer.h"
#include "common/entropy/reference.h"
#include "common/entropy/skip_model.h"

namespace semcodec::entropy {

class LabelCoder {
 public:
  LabelCoder();

  void limit_adaptation(const AdaptationLimit& adaptation_limit) {
    mixer_.limit_adaptation(adaptation_limit);
    rest_.limit_adaptation(adaptation_limit);
    skip_.limit_adaptation(adaptation_limit.histories);
  }

  /// As PlaneCoder::code(). `structure` is this coded frame's structure plane (any size) or empty.
  PaddedPlane code(BinaryCoder& coder, Plane& plane, const Palette& palette,
                   const PlaneHistory& history, const PaddedPlane& structure, std::uint32_t scene);

 private:
  int code_rest(BinaryCoder& coder, int label, const std::vector<int>& ranked, std::uint32_t scene);

  ContextMixer mixer_;
  ContextMixer rest_;
  SkipModel skip_;
};

}  // namespace semcodec::entropy
