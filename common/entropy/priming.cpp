#include "common/entropy/priming.h"

namespace semcodec::entropy {

Coders learn(std::span<const PrimingSequence> sequences, const Softness& softness) {
  Coders coders;
  for (const PrimingSequence& sequence : sequences) {
    Model model(sequence.work_width, sequence.work_height, nullptr);
    model.coders() = std::move(coders);
    BinaryCoder coder(BinaryCoder::Mode::measure);
    for (SemanticFrame frame : sequence.frames) model.code(coder, frame);
    coders = std::move(model.coders());
  }
  coders.soften(softness);
  return coders;
}

const Coders& primed_coders() {
  static const Coders coders;
  return coders;
}

}  // namespace semcodec::entropy
