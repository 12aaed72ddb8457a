#include "encoder/stages/rate_governor.h"

#include <algorithm>
#include <utility>

namespace semcodec {

RateGovernor::RateGovernor(std::shared_ptr<RateControl> control, std::optional<LeakyBucket> peak,
                           double quality)
    : control_(std::move(control)), peak_(std::move(peak)) {
  choice_ = control_ ? control_->choice() : RateChoice{quality, 1};
}

bool RateGovernor::set_target(double bits_per_second) {
  if (!control_ || !control_->set_target(bits_per_second)) return false;
  choice_ = control_->choice();
  return true;
}

double RateGovernor::quality() const { return std::min(choice_.quality, ceiling_); }

double RateGovernor::room(double seconds, bool entry_point) const {
  if (!peak_) return std::numeric_limits<double>::infinity();
  return peak_->room(seconds) - (entry_point ? 0.0 : 0.25 * peak_->size());
}

bool RateGovernor::any_fits(double seconds) const { return room(seconds, false) >= least_bits_; }

void RateGovernor::account(const SpentBits& spent) {
  if (peak_) {
    peak_->add(spent.seconds, spent.bits);
    if (!spent.entry_point) {
      const double rest = spent.bits - spent.motion_bits - kRecordBits;
      least_bits_ = spent.motion_bits + kRecordBits + 0.25 * std::max(0.0, rest);
      // Planes that shrink and grow with every coded frame look worse than small ones.
      const bool lowered = spent.quality < quality();
      ceiling_ = lowered ? spent.quality : std::min(100.0, ceiling_ + 1.5);
    }
  }
  if (control_) {
    control_->update({spent.seconds,
                      spent.bits,
                      spent.counted_bits,
                      spent.entry_point,
                      {spent.quality, choice_.interval_scale}});
    choice_ = control_->choice();
  }
}

}  // namespace semcodec
