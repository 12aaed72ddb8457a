#pragma once
// Predicts frame times from the nominal frame rate, so that regular times cost nothing.
//
// Frame number n of the stream is expected at origin + round(n * step); each deviation moves the
// origin, so only changes of the rhythm cost bytes.

#include <cstdint>

#include "semcodec/planes.h"

namespace semcodec {

class TimeModel {
 public:
  /// step = time base units per frame; 0 when the stream has no nominal rate.
  explicit TimeModel(const StreamInfo& info);

  std::uint64_t index() const { return index_; }
  std::int64_t origin() const { return origin_; }
  /// Starts again, at an entry point. Throws Error(corrupt) when the index is absurd.
  void restart(std::uint64_t index, std::int64_t origin);
  /// The origin with which the frame `index()` would be expected at `time`.
  std::int64_t origin_for(std::int64_t time) const;

  /// The deviation of the next frame's time; goes on to the frame after it.
  std::int64_t measure(std::int64_t time);
  /// The next frame's time, given its deviation; goes on. Wraps around on absurd input, which the
  /// frame's validation then finds.
  std::int64_t advance(std::int64_t deviation);

 private:
  std::int64_t offset() const;  // round(index * step)

  std::uint64_t step_num_ = 0;
  std::uint64_t step_den_ = 1;
  std::uint64_t index_ = 0;
  std::int64_t origin_ = 0;
};

}  // namespace semcodec
