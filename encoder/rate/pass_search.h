#pragma once
// Two-pass rate control: which passes to make until the target is met.
//
// The first pass runs under one-pass control, which ends near the target and so samples the video
// at about the right quality. From its record the one quality is computed at which the whole
// video takes the target. The second pass codes with that, trimmed on the way. When it misses all
// the same (steps of the operating points, a video unlike the model), another one follows with
// what was learnt, and the best is taken.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "encoder/rate/planned.h"

namespace semcodec {

class PassSearch {
 public:
  struct Options {
    double target = 0;         ///< bits over all that counts
    double duration = 0;       ///< seconds of video; an estimate does for the first pass
    double tolerance = 0.015;  ///< of the target, good enough to stop
    int most = 4;              ///< passes
    /// So many more while even the best misses by more than `enough`.
    int more = 3;
    double enough = 0.04;
  };
  enum class End { searching, reached, floor, ceiling, tried };

  PassSearch(const Options& options, const RateModel& model);

  /// A better figure for the target, known once the first pass has seen the video's length.
  void set_target(double bits) { options_.target = bits; }

  /// The control of the next pass; null when no more are needed.
  std::unique_ptr<RateControl> next();
  /// Whether the next pass may be the last: its stream should be kept.
  bool counts() const { return !passes_.empty() || !model_.trims; }
  /// Takes what the pass left. Returns whether it is the best so far.
  bool finish(PassRecord record);

  End end() const { return end_; }
  int passes() const { return static_cast<int>(passes_.size()); }
  /// Planned qualities and totals of the passes made, for statistics. One-pass control has none.
  struct Pass {
    std::optional<double> quality;
    double total = 0;
  };
  const std::vector<Pass>& made() const { return passes_; }
  /// Index of the pass whose stream is the best, -1 before there is one.
  int best() const { return best_; }

 private:
  double next_quality() const;
  void forget_what_contradicts();
  bool interpolated_steps(double bits) const;
  double error(double total) const { return total / options_.target - 1; }

  Options options_;
  RateModel model_;
  PassRecord last_;
  std::vector<Pass> passes_;
  struct Point {
    double quality;
    double bits;  ///< of the coded frames at that quality, untrimmed
  };
  std::vector<Point> points_;
  double planned_ = 0;
  bool at_floor_ = false;  ///< quality 0 takes too much
  int floor_passes_ = 0;
  int best_ = -1;
  End end_ = End::searching;
};

}  // namespace semcodec
