#include "common/packets/pacer.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "common/core/error.h"

namespace semcodec {
namespace {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Pacer::Pacer(double bits_per_second, double window, std::size_t largest, Clock clock, Sleep sleep)
    : rate_(bits_per_second - 8.0 * static_cast<double>(largest) / window),
      clock_(clock ? std::move(clock) : steady_seconds),
      sleep_(sleep ? std::move(sleep) : [](double seconds) {
        std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
      }) {
  require(rate_ > 0, ErrorKind::usage,
          "A packet of " + std::to_string(largest) +
              " bytes takes longer than --rate-window at --max-rate; use smaller packets or a "
              "longer window.");
}

void Pacer::wait(std::size_t bytes) {
  const double now = clock_();
  if (!std::exchange(any_, true)) free_ = now;
  if (free_ > now) {
    longest_ = std::max(longest_, free_ - now);
    sleep_(free_ - now);
  }
  free_ = std::max(free_, clock_()) + 8.0 * static_cast<double>(bytes) / rate_;
}

}  // namespace semcodec
