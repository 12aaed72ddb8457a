#include "common/bitstream/shown_times.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace semcodec {
namespace {

/// Deviations beyond this are no rhythm; the time is taken as predicted.
constexpr std::int64_t kMostDeviation = std::int64_t{1} << 40;
constexpr std::size_t kMost = kMaxInterpolatedFrames;

std::int64_t first_time(const SemanticFrame& frame) {
  return frame.interpolated_pts.empty() ? frame.pts : frame.interpolated_pts.front();
}

}  // namespace

/// One frame at the nominal rate, or where there is none as the frames before; at least one unit.
std::int64_t ShownTimes::step() const {
  if (info_.frame_rate_num == 0) return last_step_;
  const double seconds = static_cast<double>(info_.frame_rate_den) / info_.frame_rate_num;
  const double units = seconds * info_.time_base_den / info_.time_base_num;
  return std::max<std::int64_t>(1, std::llround(std::min(units, 1e15)));
}

bool ShownTimes::place(SemanticFrame& frame, bool after_loss, std::uint64_t before) {
  bool goes_back = false;
  if (frame.entry_point && latest_) {
    const std::int64_t first = first_time(frame);
    if (first > *latest_) {
      shift_ = 0;
    } else if (shift_ == 0 || first + shift_ <= *latest_) {
      goes_back = !after_loss;
      shift_ = *latest_ + step() - first;
    }
  }
  if (shift_ != 0) {
    frame.pts += shift_;
    for (std::int64_t& pts : frame.interpolated_pts) pts += shift_;
    validate(frame);
  }
  if (after_loss && fill_ != Fill::none) fill(frame, before);
  const auto& times = frame.interpolated_pts;
  const auto previous = times.empty() ? latest_ : times.back();
  if (previous) last_step_ = std::max<std::int64_t>(1, frame.pts - *previous);
  latest_ = frame.pts;
  missed_.clear();
  return goes_back;
}

/// Times between the latest frame and this one, which comes first after a loss.
void ShownTimes::fill(SemanticFrame& frame, std::uint64_t before) {
  const std::int64_t first = first_time(frame), every = step();
  const auto room = static_cast<std::int64_t>(kMaxInterpolatedFrames) -
                    static_cast<std::int64_t>(frame.interpolated_pts.size());
  // A live picture does not wait for those that were there before it.
  if (!latest_ && fill_ == Fill::at_once) return;
  const std::int64_t known = static_cast<std::int64_t>(
      std::min<std::uint64_t>(before, static_cast<std::uint64_t>(kMaxInterpolatedFrames)));
  const std::int64_t missing = std::min(latest_ ? (first - *latest_ - 1) / every : known, room);
  if (missing < 1) return;
  std::vector<std::int64_t> times;
  for (std::int64_t i = missing; i >= 1; --i) times.push_back(first - i * every);
  times.insert(times.end(), frame.interpolated_pts.begin(), frame.interpolated_pts.end());
  frame.interpolated_pts = std::move(times);
  concealed_ += static_cast<std::uint64_t>(missing);
}

void ShownTimes::miss(std::size_t between, std::span<const std::int64_t> deviations) {
  if (!latest_ || fill_ == Fill::none) return;
  std::int64_t time = missed_.empty() ? *latest_ : missed_.back();
  for (std::size_t i = 0; i <= between && missed_.size() < kMost; ++i) {
    const std::int64_t deviation = i < deviations.size() ? deviations[i] : 0;
    const bool sane = deviation > -step() && deviation < kMostDeviation;
    time += step() + (sane ? deviation : 0);
    missed_.push_back(time);
  }
}

std::optional<SemanticFrame> ShownTimes::conceal(bool at_end) {
  if (!latest_ || fill_ == Fill::none || (!at_end && fill_ != Fill::at_once)) return std::nullopt;
  auto times = std::exchange(missed_, {});
  const auto last = last_pts_ ? std::optional(*last_pts_ + shift_) : std::nullopt;
  if (at_end && last && *last > *latest_) {
    // Where the end is known, so is how many there were.
    const std::int64_t missing =
        std::min<std::int64_t>((*last - *latest_ - 1) / step() + 1, kMaxInterpolatedFrames);
    times.clear();
    for (std::int64_t i = missing - 1; i >= 0; --i) times.push_back(*last - i * step());
  }
  if (times.empty()) return std::nullopt;
  SemanticFrame frame;
  frame.pts = times.back();
  times.pop_back();
  frame.interpolated_pts = std::move(times);
  concealed_ += 1 + frame.interpolated_pts.size();
  latest_ = frame.pts;
  return frame;
}

void ShownTimes::restart() {
  latest_.reset();
  missed_.clear();
  shift_ = 0;
}

}  // namespace semcodec
