#include "encoder/rate/frame_schedule.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace semcodec {

FrameSchedule::FrameSchedule(double frame, double most, std::vector<double> keys)
    : frame_(frame), most_(most), keys_(std::move(keys)) {
  std::sort(keys_.begin(), keys_.end());
}

bool FrameSchedule::due(double seconds, double interval) const {
  return !any_ || seconds + slack() >= grid_ + interval || overdue(seconds);
}

bool FrameSchedule::overdue(double seconds) const {
  return any_ && most_ > 0 && seconds + slack() >= last_ + most_;
}

bool FrameSchedule::key_due(double seconds) const {
  if (requested_) return true;
  return next_key_ < keys_.size() && seconds + slack() >= keys_[next_key_];
}

void FrameSchedule::sent(double seconds, double interval, bool forced) {
  const double wanted = grid_ + interval;
  // Far off the grid: postponed, cut off by `most`, or the interval has just changed.
  const bool near = any_ && frame_ > 0 && std::abs(seconds - wanted) <= frame_;
  grid_ = forced || !near ? seconds : wanted;
  last_ = seconds;
  any_ = true;
  requested_ = false;
  while (key_due(seconds)) ++next_key_;
}

}  // namespace semcodec
