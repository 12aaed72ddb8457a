#include "encoder/core/rate_control.h"

#include <algorithm>
#include <cmath>

namespace semcodec {

namespace {

// On driving video the rate roughly doubles every 14 steps of quality, from 1.2 kbit/s at 0.
constexpr double kRateAtZero = 1200;
constexpr double kStepsPerDoubling = 14;
// Debt or credit is worked off over this many seconds.
constexpr double kHorizon = 3;

}  // namespace

RateControl::RateControl(double target)
    : target_(target),
      quality_(std::clamp(kStepsPerDoubling * std::log2(target / kRateAtZero), 0.0, 100.0)) {}

void RateControl::update(double seconds, double bits) {
  const double elapsed = seconds - last_seconds_;
  if (elapsed <= 0) return;
  // The rate that the next seconds may have so that the total is right at the horizon, against the
  // rate of the anchor just written.
  const double allowed =
      std::max(target_ * 0.1, (target_ * (seconds + kHorizon) - bits) / kHorizon);
  const double recent = std::max(1.0, (bits - last_bits_) / elapsed);
  const double change = kStepsPerDoubling * std::log2(allowed / recent);
  quality_ = std::clamp(quality_ + std::clamp(0.35 * change, -12.0, 8.0), 0.0, 100.0);
  last_seconds_ = seconds;
  last_bits_ = bits;
}

}  // namespace semcodec
