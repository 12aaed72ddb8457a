#pragma once
// Textures for synthetic motion, from the frame stores that the other stages train on.

#include <string>

#include "training/flow/synthetic_motion.h"

namespace semcodec {

/// Which frames of a folder a source gives. Held out is every eighth store, or, of fewer than
/// eight stores, the last eighth of each one's frames (all of a store of less than eight: both).
enum class TexturePart { train, held_out };

/// A source of single frames of the *.frames stores in `folder`, reduced by `reduction` (1 or 2,
/// box average): a store is drawn first, then one of its frames, so that a long video does not
/// outweigh many stills. Throws Error(input) when there is no store or one cannot be read.
ImageSource open_textures(const std::string& folder, int reduction, TexturePart part);

}  // namespace semcodec
