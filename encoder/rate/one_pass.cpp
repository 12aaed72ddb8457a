#include "encoder/rate/one_pass.h"

#include <algorithm>
#include <cmath>

namespace semcodec {
namespace {

// Debt or credit is worked off over this many seconds: longer when the end of the video, where
// the sum has to be right, is known. When it is not, the video may end any time, and what the first
// entry point cost is the more of the whole the younger the video is.
constexpr double kHorizon = 4;
constexpr double kFirstHorizon = 1;
constexpr double kHorizonGrowth = 0.25;  // per second
constexpr double kKnownHorizon = 20;
// What the scene costs is averaged over about this many seconds.
constexpr double kMemory = 2;
// Octaves that the interval alone makes up for before the quality moves.
constexpr double kReach = 0.25;
// This near to the end larger planes would cost more than they show.
constexpr double kEnding = 1.5;
// Most that the aim moves from one coded frame to the next, in octaves.
constexpr double kFall = 0.8;
constexpr double kRise = 0.5;

}  // namespace

OnePassControl::OnePassControl(const Options& options, const RateModel& model)
    : options_(options), model_(model) {
  const double octaves = std::log2(options.target) - model.zero;
  choice_ = model_.choose(octaves, model_.quality(octaves), kReach);
}

double OnePassControl::allowed(const CodedFrameCost& coded_frame) const {
  // Audio and the like goes on as it did so far.
  const double other = coded_frame.spent - coded_frame_bits_ - *first_other_;
  const double other_rate =
      coded_frame.seconds > 0 ? std::max(0.0, other / coded_frame.seconds) : 0.0;
  double horizon = std::clamp(kHorizonGrowth * coded_frame.seconds, kFirstHorizon, kHorizon);
  double tail = 0;
  if (options_.duration) {
    const double left = *options_.duration - coded_frame.seconds;
    horizon = std::clamp(left, 0.05, kKnownHorizon);
    // The last frame is a coded frame of its own, off the grid.
    if (left <= kKnownHorizon) tail = options_.tail_bits + 0.5 * coded_frame.bits;
  }
  const double budget = options_.target * (coded_frame.seconds - since_ + horizon) -
                        (coded_frame.spent - spent_before_) - tail;
  return std::clamp(budget / horizon - other_rate, options_.target * 0.1, options_.target * 8);
}

bool OnePassControl::set_target(double bits_per_second) {
  options_.target = bits_per_second;
  since_ = last_;
  spent_before_ = spent_;
  const double octaves = std::log2(bits_per_second) - model_.zero - scene_;
  choice_ = model_.choose(octaves, model_.quality(octaves), kReach);
  return true;
}

void OnePassControl::update(const CodedFrameCost& coded_frame) {
  coded_frame_bits_ += coded_frame.bits;
  if (!first_other_) first_other_ = coded_frame.spent - coded_frame_bits_;
  const double elapsed = coded_frame.seconds - last_;
  last_ = coded_frame.seconds;
  spent_ = coded_frame.spent;
  // Entry points cost several times what others do and say little about the scene.
  if (!coded_frame.entry_point && elapsed > 0 && coded_frame.bits > 0) {
    const double seen = std::log2(coded_frame.bits / elapsed);
    const double expected = model_.zero + scene_ + model_.octaves(coded_frame.choice);
    ++learnt_;
    const double gain = std::max(1.0 / (1 + learnt_), 1 - std::exp(-elapsed / kMemory));
    scene_ += std::min(gain, 0.6) * (seen - expected);
  }
  double aim = std::log2(allowed(coded_frame)) - model_.zero - scene_;
  if (options_.duration && *options_.duration - coded_frame.seconds < kEnding) {
    aim = std::min(aim, model_.octaves({choice_.quality, 1}) + (model_.intervals ? kReach : 0.0));
  }
  const double now = model_.octaves(choice_);
  choice_ = model_.choose(std::clamp(aim, now - kFall, now + kRise), choice_.quality, kReach);
}

}  // namespace semcodec
