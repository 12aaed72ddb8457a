#pragma once
// Planes on their own: semantic frames in a plain file, without any coding, so that coders can be
// compared (and a new one tried) on what an older one sent.
//
// All numbers are 4 bytes little-endian. "SCPF"; working width, height; number of frames; for each:
// flags (1 entry point, 2 cut); motion width, height, all dx, all dy; number of planes (structure,
// labels, then texture); for each width, height, levels, values (a byte each); number of colours,
// R G B of each (a byte each).

#include <string>
#include <vector>

#include "semcodec/planes.h"

namespace semcodec::bench {

struct PlaneSequence {
  std::string name;
  int coded_width = 0;
  int coded_height = 0;
  std::vector<SemanticFrame> frames;  ///< only flags and planes
};

/// Throws Error(output).
void write_planes(const std::string& path, const PlaneSequence& sequence);
/// A dump, or a .sem stream whose planes are decoded. Throws Error(input), or what the stream
/// reader throws.
PlaneSequence read_planes(const std::string& path);

}  // namespace semcodec::bench
