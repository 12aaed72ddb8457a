#pragma once
// One-pass rate control: steers the quality so that the stream's bits follow a bitrate.

#include <cstdint>

namespace semcodec {

class RateControl {
 public:
  /// target: bit/s. The first quality is a guess from the target alone.
  explicit RateControl(double target);

  double quality() const { return quality_; }

  /// After each anchor: seconds of video covered so far, bits spent so far.
  void update(double seconds, double bits);

 private:
  double target_;
  double quality_;
  double last_seconds_ = 0;
  double last_bits_ = 0;
};

}  // namespace semcodec
