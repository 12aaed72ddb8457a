#pragma once
// When packets may leave, so that a link's rate is never exceeded.

#include <functional>

namespace semcodec {

/// Over any stretch of `window` seconds, however placed, what leaves takes at most rate x window
/// bits: a packet leaves when what left before it has run through a link of a slightly lower rate,
/// which makes room for the one packet that a window may cut.
class Pacer {
 public:
  using Clock = std::function<double()>;
  using Sleep = std::function<void(double seconds)>;

  /// `largest`: bytes of a packet at most. Throws Error(usage) when not even one packet fits in a
  /// window. Clock and sleep are the machine's unless given.
  Pacer(double bits_per_second, double window, std::size_t largest, Clock clock = {},
        Sleep sleep = {});

  /// Waits until a packet of so many bytes may leave, and counts it.
  void wait(std::size_t bytes);
  /// The longest that a packet waited, seconds.
  double longest_wait() const { return longest_; }

 private:
  double rate_;
  Clock clock_;
  Sleep sleep_;
  double free_ = 0;  ///< when the link is free again
  bool any_ = false;
  double longest_ = 0;
};

}  // namespace semcodec
