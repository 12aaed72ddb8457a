#pragma once
// When a coded frame is due.
//
// Coded frames are due at multiples of the interval since the last one that was forced (first
// frame, cut, key), not that long after the last one that came: an interval of 8.6 frames gives 8
// and 9 in turn, so the rate follows the interval without steps.

#include <cstddef>
#include <vector>

namespace semcodec {

class FrameSchedule {
 public:
  /// `frame`: seconds a frame, 0 when unknown. `most`: seconds between coded frames at most, 0 =
  /// any. `keys`: times, in seconds since the first frame, at which entry points are wanted.
  FrameSchedule(double frame, double most, std::vector<double> keys);

  /// Whether the frame at `seconds` should be a coded frame when they are `interval` apart.
  bool due(double seconds, double interval) const;
  /// Whether `most` leaves no choice.
  bool overdue(double seconds) const;
  /// Whether a wanted key falls on this frame or was passed by it.
  bool key_due(double seconds) const;
  /// Makes a key due now.
  void request_key() { requested_ = true; }

  /// The frame became a coded frame; `forced`: for another reason than the interval.
  void sent(double seconds, double interval, bool forced);

 private:
  double slack() const { return frame_ / 2; }

  double frame_;
  double most_;
  std::vector<double> keys_;
  std::size_t next_key_ = 0;
  bool any_ = false;
  bool requested_ = false;
  double last_ = 0;  ///< time of the last coded frame
  double grid_ = 0;  ///< where it should have been
};

}  // namespace semcodec
