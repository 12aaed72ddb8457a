#include "encoder/rate/planned.h"

#include <algorithm>
#include <cmath>

namespace semcodec {
namespace {

// Share of the plan that has to be seen before its error is believed half.
constexpr double kPatience = 0.15;

}  // namespace

double PassRecord::coded_frame_bits() const {
  double sum = 0;
  for (const CodedFrameCost& coded_frame : coded_frames) sum += coded_frame.bits;
  return sum;
}

double PassRecord::other() const { return total - coded_frame_bits(); }

double bits_at(const PassRecord& record, const RateModel& model, const RateChoice& choice) {
  const double octaves = model.octaves(choice);
  double sum = 0;
  for (const CodedFrameCost& coded_frame : record.coded_frames) {
    sum += coded_frame.bits * std::exp2(octaves - model.octaves(coded_frame.choice));
  }
  return sum;
}

double solve_quality(const PassRecord& record, const RateModel& model, double bits) {
  const double at_zero = bits_at(record, model, {0, 1});
  return model.per_octave * std::log2(std::max(bits, 1.0) / std::max(at_zero, 1.0));
}

PlannedControl::PlannedControl(const PassRecord& before, const RateModel& model, double quality,
                               double bits, double reach)
    : model_(model), quality_(quality), bits_(bits), reach_(reach), choice_{quality, 1} {
  const double octaves = model.octaves(choice_);
  double sum = 0;
  for (const CodedFrameCost& coded_frame : before.coded_frames) {
    sum += coded_frame.bits * std::exp2(octaves - model.octaves(coded_frame.choice));
    plan_.push_back({coded_frame.seconds, sum});
  }
  if (reach > kReach && sum > 0 && model_.intervals) {
    const double trim = std::clamp(std::log2(std::max(bits, 1.0) / sum), -reach, reach);
    choice_ = model_.choose(octaves + trim, quality, reach + 1e-9);
  }
}

double PlannedControl::predicted_bits(double seconds) const {
  const auto after = std::upper_bound(plan_.begin(), plan_.end(), seconds,
                                      [](double t, const Step& step) { return t < step.seconds; });
  if (after == plan_.begin()) return 0;
  const Step& before = *(after - 1);
  if (after == plan_.end()) return before.bits;
  // Coded frames pay for the time before them.
  const double share = (seconds - before.seconds) / (after->seconds - before.seconds);
  return before.bits + share * (after->bits - before.bits);
}

void PlannedControl::update(const CodedFrameCost& coded_frame) {
  if (plan_.empty() || !model_.trims) return;
  spent_ += coded_frame.bits;
  const double trimmed = model_.octaves(coded_frame.choice) - quality_ / model_.per_octave;
  plain_ += coded_frame.bits * std::exp2(-trimmed);
  const double whole = plan_.back().bits;
  const double so_far = predicted_bits(coded_frame.seconds);
  const double rest = whole - so_far;
  if (rest <= 0) return;
  const double trust = kPatience * whole;
  const double error = (plain_ + trust) / (so_far + trust);
  const double octaves = std::log2(std::max(bits_ - spent_, 0.02 * rest) / (rest * error));
  const double aim = quality_ / model_.per_octave + std::clamp(octaves, -reach_, reach_);
  if (model_.intervals) {
    choice_ = model_.choose(aim, quality_, reach_ + 1e-9);
  } else {
    choice_ = {std::clamp(aim * model_.per_octave, 0.0, 100.0), 1};
  }
}

}  // namespace semcodec
