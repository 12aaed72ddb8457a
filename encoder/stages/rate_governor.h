#pragma once
// Between the frame decider and the frame coder: what quality the next coded frame may have, and
// whether there is room for one, by the rate control and the peak limit.

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>

#include "encoder/rate/leaky_bucket.h"
#include "encoder/rate/rate_control.h"

namespace semcodec {

/// What a coded frame took.
struct SpentBits {
  double seconds = 0;       ///< of the frame since the first one
  double bits = 0;          ///< of its record
  double motion_bits = 0;   ///< of these, vectors, which hardly shrink with the quality
  double counted_bits = 0;  ///< of the stream so far, as far as it counts towards the target
  double quality = 0;       ///< that it was made at in the end
  bool entry_point = false;
};

class RateGovernor {
 public:
  /// Bits of a coded frame's record beside its planes and pictures, about; entry points tell
  /// formats.
  static constexpr double kRecordBits = 80, kEntryBits = 350;

  /// Without `control` the quality is `quality` throughout; without `peak` there is always room.
  RateGovernor(std::shared_ptr<RateControl> control, std::optional<LeakyBucket> peak,
               double quality);

  /// Whether what a coded frame took decides about the next ones.
  bool active() const { return control_ || peak_; }
  bool has_control() const { return control_ != nullptr; }
  bool has_peak() const { return peak_.has_value(); }
  const std::optional<LeakyBucket>& peak() const { return peak_; }
  /// False when there is no control, or none that takes another target.
  bool set_target(double bits_per_second);

  /// For the next coded frame.
  double quality() const;
  double interval_scale() const { return choice_.interval_scale; }
  /// Bits that a coded frame may take now. A quarter of the bucket is kept for entry points, which
  /// come when a scene cut wants them and cannot wait.
  double room(double seconds, bool entry_point) const;
  /// Whether a coded frame at the lowest quality would fit.
  bool any_fits(double seconds) const;

  void account(const SpentBits& spent);

 private:
  std::shared_ptr<RateControl> control_;
  std::optional<LeakyBucket> peak_;
  RateChoice choice_;
  double least_bits_ = 0;  ///< what a coded frame at quality 0 takes, about
  double ceiling_ = 100;   ///< quality that the peak limit let through lately
};

}  // namespace semcodec
