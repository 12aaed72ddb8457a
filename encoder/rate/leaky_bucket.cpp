#include "encoder/rate/leaky_bucket.h"

#include <algorithm>

namespace semcodec {

double LeakyBucket::level_at(double seconds) const {
  return std::max(0.0, level_ - rate_ * std::max(0.0, seconds - last_));
}

double LeakyBucket::room(double seconds) const { return size_ - level_at(seconds); }

void LeakyBucket::add(double seconds, double bits) {
  level_ = level_at(seconds) + bits;
  last_ = std::max(last_, seconds);
  fullest_ = std::max(fullest_, level_);
  if (level_ > size_) ++overflows_;
}

}  // namespace semcodec
