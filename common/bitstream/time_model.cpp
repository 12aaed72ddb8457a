#include "common/bitstream/time_model.h"

#include <numeric>

#include "common/core/error.h"

namespace semcodec {
namespace {

constexpr std::uint64_t kMaxIndex = std::uint64_t{1} << 40;

__extension__ typedef unsigned __int128 Wide;

// Sums wrap around instead of being undefined: the bytes may say anything.
std::int64_t add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
std::int64_t subtract(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

}  // namespace

TimeModel::TimeModel(const StreamInfo& info) {
  if (info.frame_rate_num == 0) return;
  step_num_ = static_cast<std::uint64_t>(info.time_base_den) *
              static_cast<std::uint64_t>(info.frame_rate_den);
  step_den_ = static_cast<std::uint64_t>(info.time_base_num) *
              static_cast<std::uint64_t>(info.frame_rate_num);
}

void TimeModel::restart(std::uint64_t index, std::int64_t origin) {
  require(index <= kMaxIndex, ErrorKind::corrupt, "A frame record's frame_index is too large.");
  index_ = index;
  origin_ = origin;
}

std::int64_t TimeModel::offset() const {
  const Wide twice = Wide{2} * index_ * step_num_ + step_den_;
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(twice / (Wide{2} * step_den_)));
}

std::int64_t TimeModel::origin_for(std::int64_t time) const { return subtract(time, offset()); }

std::int64_t TimeModel::measure(std::int64_t time) {
  const std::int64_t deviation = subtract(time, add(origin_, offset()));
  origin_ = add(origin_, deviation);
  ++index_;
  return deviation;
}

std::int64_t TimeModel::advance(std::int64_t deviation) {
  origin_ = add(origin_, deviation);
  const std::int64_t time = add(origin_, offset());
  ++index_;
  return time;
}

}  // namespace semcodec
