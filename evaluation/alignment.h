#pragma once
// Which frame of the output belongs to which frame of the source, by presentation time.
//
// A source frame at time t is paired with the output frame whose time is nearest to t, if that is
// at most half a source frame away; each output frame serves once. Nothing is cut off silently:
// frames of either side that found no partner are counted.
// With `hold`, a source frame without a partner is compared with what a player shows at that time:
// the latest output frame before it (for outputs at a lower frame rate).
//
// Works on streams: both sides are pulled frame by frame and at most two output frames are kept.

#include <cstdint>
#include <functional>
#include <optional>

#include "common/core/image.h"

namespace semcodec {

struct TimedFrame {
  double seconds = 0;
  RgbImage image;
};

struct FramePair {
  TimedFrame source;
  RgbImage output;
  double output_seconds = 0;
  bool held = false;     ///< `output` is an earlier frame, shown on
  bool follows = false;  ///< the pair before this one is the source frame right before
};

class Aligner {
 public:
  /// Returns frames in increasing time, nothing at the end.
  using Pull = std::function<std::optional<TimedFrame>()>;

  /// `frame_seconds` is the source's frame interval, > 0. `shift` is added to output times.
  Aligner(Pull source, Pull output, double frame_seconds, bool hold, double shift = 0);

  /// The next pair, nothing at the end of the source.
  std::optional<FramePair> next();

  // Counts so far; output_unpaired() is complete once next() has returned nothing.
  std::int64_t source_frames() const { return source_frames_; }
  std::int64_t output_frames() const { return output_frames_; }
  std::int64_t paired() const { return paired_; }
  std::int64_t held() const { return held_; }
  std::int64_t source_unpaired() const { return source_frames_ - paired_ - held_; }
  std::int64_t output_unpaired() const { return output_frames_ - paired_; }

 private:
  void pull_output();
  std::optional<FramePair> pair_with(TimedFrame source);

  Pull source_, output_;
  double tolerance_, shift_;
  bool hold_;
  std::optional<TimedFrame> before_, after_;  ///< output frames around the time asked for
  bool before_used_ = false;
  bool last_was_paired_ = false;
  std::int64_t source_frames_ = 0, output_frames_ = 0, paired_ = 0, held_ = 0;
};

}  // namespace semcodec
