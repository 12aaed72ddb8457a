#pragma once
// The map coder of common/entropy on a sequence of planes: what it spends on what, how fast it is.

#include <cstdint>
#include <vector>

#include "benchmarks/plane_file.h"
#include "common/entropy/frame_coder.h"

namespace semcodec::bench {

struct OurResult {
  EncodeStats cost;             ///< of the whole sequence, in 1/256 bit
  std::uint64_t bytes = 0;      ///< of the chunks
  std::uint64_t symbols = 0;    ///< cells of all planes; a motion cell counts as two
  double encode_seconds = 0.0;  ///< processor time
  double decode_seconds = 0.0;
};

/// Codes and decodes the sequence `repeats` times (the fastest counts) and throws
/// Error(internal) when a frame does not come back as it was.
OurResult run_our_coder(const PlaneSequence& sequence, int repeats);

}  // namespace semcodec::bench
