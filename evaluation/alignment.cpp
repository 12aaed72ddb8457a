#include "evaluation/alignment.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace semcodec {

Aligner::Aligner(Pull source, Pull output, double frame_seconds, bool hold, double shift)
    : source_(std::move(source)),
      output_(std::move(output)),
      // A little over half: times in different time bases round to different neighbours.
      tolerance_(0.5 * frame_seconds * (1 + 1e-3)),
      shift_(shift),
      hold_(hold) {
  pull_output();
}

void Aligner::pull_output() {
  after_ = output_();
  if (after_) {
    after_->seconds += shift_;
    ++output_frames_;
  }
}

std::optional<FramePair> Aligner::pair_with(TimedFrame source) {
  // before_ becomes the last output frame that is not later than the source frame.
  while (after_ && after_->seconds <= source.seconds) {
    before_ = std::move(after_);
    before_used_ = false;
    pull_output();
  }
  FramePair pair;
  const double behind = before_ && !before_used_ ? source.seconds - before_->seconds : INFINITY;
  const double ahead = after_ ? after_->seconds - source.seconds : INFINITY;
  if (std::min(behind, ahead) <= tolerance_) {
    ++paired_;
    if (ahead < behind) {
      before_ = std::move(after_);
      pull_output();
    }
    before_used_ = true;
  } else if (hold_ && before_) {
    ++held_;
    pair.held = true;
  } else {
    return std::nullopt;
  }
  pair.output = before_->image;
  pair.output_seconds = before_->seconds;
  pair.source = std::move(source);
  return pair;
}

std::optional<FramePair> Aligner::next() {
  while (auto source = source_()) {
    ++source_frames_;
    auto pair = pair_with(std::move(*source));
    const bool follows = std::exchange(last_was_paired_, pair.has_value());
    if (pair) {
      pair->follows = follows;
      return pair;
    }
  }
  while (after_) pull_output();  // count what is left
  return std::nullopt;
}

}  // namespace semcodec
