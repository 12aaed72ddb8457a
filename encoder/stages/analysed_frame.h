#pragma once
// What the frame coder is handed: everything about a coded frame that does not depend on its
// quality. A value: nothing in it is shared with the caller's thread.

#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "encoder/analysis/edge_map.h"
#include "encoder/stages/frame_decider.h"
#include "semcodec/planes.h"

namespace semcodec {

struct AnalysedFrame {
  CodedFramePlan plan;
  std::unique_ptr<EdgeMap> edges;  ///< of plan.frame.picture
  MotionField motion;              ///< from the coded frame before; empty at entry points
  /// Mean absolute luma difference of motion cell (x, y) with the vector (dx, dy), quarter pixels.
  std::function<float(int x, int y, int dx, int dy)> distortion;
  std::vector<SourceFrame> later;  ///< of an entry point: what follows, as far as it is known
  double horizon = 0;              ///< of an entry point: seconds to the next, as far as is known
  double room = std::numeric_limits<double>::infinity();  ///< bits that its record may take
  double interval_scale = 1;                              ///< RateChoice::interval_scale
};

}  // namespace semcodec
