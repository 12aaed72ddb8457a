#pragma once
// What the coders know before they see a stream: frames of the training clips, coded by coders that
// know nothing yet, and built into the program (pretrained.bin).
//
// A pretraining file is a list of sequences. Each begins with 16 numbers of 2 bytes, little-endian:
// working width, height; frames; motion width, height; structure width, height, levels; labels
// width, height, levels; texture channels, width, height, levels; bytes of the chunk. Then comes
// the chunk: all its frames, one after the other. All frames have all planes, the first has no
// motion.

#include <cstdint>
#include <span>
#include <vector>

#include "common/entropy/model.h"

namespace semcodec::entropy {

/// Some frames of one clip; the first is an entry point.
struct PretrainingSequence {
  int coded_width = 0;
  int coded_height = 0;
  std::vector<SemanticFrame> frames;
};

struct Pretrained {
  std::vector<PretrainingSequence> sequences;
  Coders coders;  ///< after them, softened
};

/// Throws Error(corrupt) when the bytes do not follow the rules.
Pretrained read_pretraining(std::span<const std::uint8_t> bytes);
/// Throws Error(input) when a sequence is not as described above.
std::vector<std::uint8_t> write_pretraining(std::span<const PretrainingSequence> sequences);

/// pretrained.bin
std::span<const std::uint8_t> built_in_pretraining();

}  // namespace semcodec::entropy
