#pragma once
// Frames from an .npy file of uint8 N×H×W×3, mapped into memory.

#include <cstdint>
#include <memory>
#include <string>

#include "training/flow/synthetic_motion.h"

namespace semcodec {

/// A source of single frames, each as likely as the others, reduced by `reduction` (1 or 2, box
/// average). Throws Error(input) when the file cannot be read, Error(corrupt) when it is not such
/// an array.
ImageSource open_raw_frames(const std::string& path, int reduction);

}  // namespace semcodec
