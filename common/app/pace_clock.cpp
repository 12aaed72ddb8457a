#include "common/app/pace_clock.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

namespace semcodec {
namespace {

constexpr double kTolerance = 0.02;  // seconds that a picture may be late without moving the others
constexpr double kWindow = 2;        // seconds over which pictures have to come early
constexpr double kReserve = 0.03;    // seconds that they are let come early, against jitter
constexpr double kNever = std::numeric_limits<double>::infinity();

}  // namespace

double PaceClock::wait(double time, double now) {
  const bool leap = offset_ && std::abs(time - last_time_) > kLongestStill;
  last_time_ = time;
  if (!offset_ || leap) {
    offset_ = now - time;
    least_slack_ = kNever;
    since_ = now;
    return 0;
  }
  const double slack = time + *offset_ - now;
  if (kind_ != Kind::camera && slack < -kTolerance) {
    offset_ = now - time;
    least_slack_ = kNever;
    since_ = now;
    return 0;
  }
  if (kind_ == Kind::live) catch_up(slack, now);
  return std::max(0.0, time + *offset_ - now);
}

void PaceClock::catch_up(double slack, double now) {
  least_slack_ = std::min(least_slack_, slack);
  if (now - since_ < kWindow) return;
  // Half of it: the next two seconds may be worse.
  *offset_ -= std::max(0.0, least_slack_ - kReserve) / 2;
  least_slack_ = kNever;
  since_ = now;
}

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void pause_for(double seconds, const std::function<bool()>& stop) {
  const double until = steady_seconds() + seconds;
  while (!stop || !stop()) {
    const double left = until - steady_seconds();
    if (left <= 0) return;
    std::this_thread::sleep_for(std::chrono::duration<double>(std::min(left, 0.1)));
  }
}

}  // namespace semcodec
