#include "encoder/rate/pass_search.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "encoder/rate/one_pass.h"

namespace semcodec {
namespace {

// Octaves that the intervals alone make up for where no quality gives the target.
constexpr double kWideReach = 0.9;
// Qualities this near on both sides of the target that both miss it were coded otherwise (another
// size of the base pictures): the older one says nothing any more.
constexpr double kContradiction = 1;
// Steps of quality an octave, at most, as a multiple of the model's.
constexpr double kSteepest = 3;

}  // namespace

PassSearch::PassSearch(const Options& options, const RateModel& model)
    : options_(options), model_(model) {}

std::unique_ptr<RateControl> PassSearch::next() {
  if (end_ != End::searching) return nullptr;
  if (passes_.empty() && !model_.trims) {
    planned_ =
        model_.quality(std::log2(options_.target / std::max(options_.duration, 0.1)) - model_.zero);
    return std::make_unique<PlannedControl>(PassRecord{}, model_, planned_, options_.target);
  }
  if (passes_.empty()) {
    OnePassControl::Options one;
    one.target = options_.target / std::max(options_.duration, 0.1);
    one.duration = options_.duration;
    return std::make_unique<OnePassControl>(one, model_);
  }
  const double bits = std::max(options_.target - last_.other(), 1.0);
  if (at_floor_) {
    RateModel rarer = model_;
    rarer.below_zero = true;
    return std::make_unique<PlannedControl>(last_, rarer, planned_, bits, kWideReach);
  }
  if (interpolated_steps(bits)) {
    return std::make_unique<PlannedControl>(last_, model_, planned_, bits, kWideReach);
  }
  planned_ = next_quality();
  return std::make_unique<PlannedControl>(last_, model_, planned_, bits);
}

/// Whether two qualities were tried and missed: the target then lies on a step of the operating
/// points, where the last quality stays and the interval moves by as much as it takes.
bool PassSearch::interpolated_steps(double bits) const {
  if (!model_.intervals || !model_.trims || points_.size() < 2) return false;
  return std::abs(std::log2(bits / std::max(points_.back().bits, 1.0))) < kWideReach;
}

/// Where log rate meets the target on the line through the nearest points on both sides, else by
/// the slope between the last two, or the model's. Half-way between them after two misses on one
/// side: rate moves in steps, and the line then creeps.
double PassSearch::next_quality() const {
  const double bits = std::max(options_.target - last_.other(), 1.0);
  const Point* below = nullptr;
  const Point* above = nullptr;
  for (const Point& point : points_) {
    // Of qualities that take as much, the one nearer to the other side.
    if (point.bits <= bits && (below == nullptr || std::tie(point.bits, point.quality) >
                                                       std::tie(below->bits, below->quality))) {
      below = &point;
    }
    if (point.bits > bits && (above == nullptr || std::tie(point.bits, point.quality) <
                                                      std::tie(above->bits, above->quality))) {
      above = &point;
    }
  }
  double quality = solve_quality(last_, model_, bits);
  if (points_.size() > 1 && (below == nullptr || above == nullptr)) {
    const Point &before = points_[points_.size() - 2], &now = points_.back();
    const double octaves = std::log2(now.bits / before.bits);
    const double measured = octaves == 0 ? 0 : (now.quality - before.quality) / octaves;
    const double slope =
        measured <= 0 ? kSteepest * model_.per_octave
                      : std::clamp(measured, model_.per_octave / 2, kSteepest * model_.per_octave);
    quality = now.quality + slope * std::log2(bits / now.bits);
  }
  if (below != nullptr && above != nullptr && above->quality > below->quality) {
    const auto under = [bits](const Point& point) { return point.bits <= bits; };
    const bool creeps =
        points_.size() > 2 && under(points_.back()) == under(points_[points_.size() - 2]);
    const double share =
        creeps ? 0.5 : std::log2(bits / below->bits) / std::log2(above->bits / below->bits);
    quality = below->quality + share * (above->quality - below->quality);
  }
  return std::clamp(quality, 0.0, 100.0);
}

void PassSearch::forget_what_contradicts() {
  const double bits = std::max(options_.target - last_.other(), 1.0);
  const Point latest = points_.back();
  std::erase_if(points_, [&](const Point& point) {
    const bool same_side = (point.bits > bits) == (latest.bits > bits);
    return !same_side && std::abs(point.quality - latest.quality) < kContradiction;
  });
}

bool PassSearch::finish(PassRecord record) {
  const bool first = passes_.empty() && model_.trims;
  passes_.push_back({first ? std::nullopt : std::optional(planned_), record.total});
  last_ = std::move(record);
  if (first) return false;

  points_.push_back({planned_, bits_at(last_, model_, {planned_, 1})});
  if (!model_.trims) forget_what_contradicts();
  const auto latest = static_cast<int>(passes_.size()) - 1;
  const double miss = std::abs(error(last_.total));
  const bool better =
      best_ < 0 || miss < std::abs(error(passes_[static_cast<std::size_t>(best_)].total));
  if (better) best_ = latest;
  const double best_miss = std::abs(error(passes_[static_cast<std::size_t>(best_)].total));
  if (miss <= options_.tolerance) {
    end_ = End::reached;
  } else if (planned_ <= 0 && error(last_.total) > 0) {
    // Longer intervals are left, where they may be trimmed; two passes of them say what can be had.
    const bool rarer = model_.intervals && model_.trims && floor_passes_ < 2 && best_miss < 0.9;
    if (rarer) ++floor_passes_;
    at_floor_ = rarer;
    if (!rarer) end_ = End::floor;
  } else if (planned_ >= 100 && error(last_.total) < 0) {
    end_ = End::ceiling;
  } else if (passes() >= options_.most + options_.more ||
             (passes() >= options_.most && best_miss <= options_.enough)) {
    end_ = End::tried;
  }
  return better;
}

}  // namespace semcodec
