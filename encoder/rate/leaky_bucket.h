#pragma once
// The peak rate as a leaky bucket: a link of `rate` bit/s empties a buffer of rate · window bits,
// and no coded frame may make it overflow. A receiver behind such a link has every coded frame at
// most `window` seconds after it was sent; over any stretch of T seconds the coded frames take at
// most rate · (T + window) bits.

#include <cstdint>

namespace semcodec {

class LeakyBucket {
 public:
  LeakyBucket(double rate, double window) : rate_(rate), size_(rate * window) {}

  double rate() const { return rate_; }
  double size() const { return size_; }
  /// Bits that fit in at that time. Times do not fall.
  double room(double seconds) const;
  /// Adds a coded frame, whether it fits or not.
  void add(double seconds, double bits);

  std::uint64_t overflows() const { return overflows_; }
  /// Fullest so far, as a share of its size.
  double fullest() const { return size_ > 0 ? fullest_ / size_ : 0; }

 private:
  double level_at(double seconds) const;

  double rate_;
  double size_;
  double level_ = 0;
  double last_ = 0;
  double fullest_ = 0;
  std::uint64_t overflows_ = 0;
};

}  // namespace semcodec
