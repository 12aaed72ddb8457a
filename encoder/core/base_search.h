#pragma once
// Chooses the size of the base pictures and the time between them by trial: a stretch of the video
// behind an entry point is coded at several points, fast, and the one is taken whose
//
//   D + lambda · R / (W · H)
//
// is least. D is the mean squared error (of 8-bit samples, over all frames) that a receiver without
// networks would show: of coded frames that of the raised base picture, of the interpolated frames
// that of the coded ones plus what interpolation along dense flow leaves of the source. R is in
// bit/s, W·H the coded size. lambda comes from the quality (hybrid_point.h), the quantiser from
// lambda.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "common/core/base_coder.h"
#include "common/core/image.h"
#include "encoder/core/hybrid_point.h"

namespace semcodec {

/// Frames at the coded size, the first of them an entry point.
struct BaseSegment {
  std::vector<const RgbImage*> frames;
  std::vector<double> seconds;  ///< of each, rising
  double frame_seconds = 0.04;  ///< between two frames, about
  double group_seconds = 20;    ///< until the next entry point, over which a key frame is paid off
};

struct BaseSearchOptions {
  MakeBaseCoder coder;
  MakeBaseDecoder decoder;
  int look_ahead = 25;
  int effort = 6;
  /// Where set, not chosen.
  std::optional<double> scale, interval;
};

/// What a trial found: distortion, bit/s.
struct BaseScore {
  double distortion = 0, rate = 0;
};

/// What was tried in one stretch, so that a later pass need not try it again: by scale, rate of
/// coded frames (both as places in their lists) and quantiser.
using BaseTrials = std::map<std::tuple<int, int, int>, BaseScore>;

/// ... and what was chosen last, at which quality, and how often it has been chosen.
struct BaseChoice {
  BaseTrials tried;
  int choices = 0;
  double quality = 0;
  HybridPoint point;
};
/// ... in a whole video, by the entry point's time in milliseconds.
using BaseTrialMemory = std::map<std::int64_t, BaseChoice>;

class BaseSearch {
 public:
  /// `segment`'s frames and `known` outlive it.
  BaseSearch(const BaseSegment& segment, const BaseSearchOptions& options, BaseTrials& known);

  /// The best point for a quality, looked for from the ladder's point on, step by step.
  HybridPoint best(double quality);

 private:
  struct Place {
    int scale = 0, rate = 0;  // indices into the lists of both
  };
  double cost(const Place& place, double lambda);
  BaseScore attempt(const Place& place, int quantiser);
  std::vector<std::size_t> coded_frames(double interval) const;
  double interpolation_error(int rate);

  BaseSegment segment_;
  BaseSearchOptions options_;
  BaseTrials& known_;
  std::map<int, double> interpolation_;  // by rate
};

}  // namespace semcodec
