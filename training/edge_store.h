#pragma once
// The edge maps beside a frame store.

#include <string>

#include "models/pidinet/edge_detector.h"

namespace semcodec {

/// Writes NAME.edges for NAME.frames: the edge probability of every frame, 0..255.
void write_edge_store(const std::string& frames_path, const EdgeDetector& detector);

}  // namespace semcodec
