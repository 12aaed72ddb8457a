#pragma once
// When the frames of a stream are shown: at times that rise whatever its entry points say, and,
// where that is wanted, without gaps where records were lost.
//
// Planes and base pictures build on those before them, so a loss takes all frames up to the next
// entry point with it. That one tells its own time and how many frames came before it, so what is
// missing before it is known at the nominal rate. Where no entry point follows, the records that
// came but could not be decoded tell how many frames they stood for, and the index when the last
// one was.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "semcodec/planes.h"

namespace semcodec {

class ShownTimes {
 public:
  enum class Fill {
    none,    ///< a loss leaves a gap
    later,   ///< the entry point behind a loss gets the times before it
    at_once  ///< records that cannot be decoded give their times as they come
  };
  ShownTimes(const StreamInfo& info, Fill fill) : info_(info), fill_(fill) {}

  /// Sets the times of a frame that was decoded. `after_loss`: records before it are missing.
  /// `before`: frames of the stream before it, where an entry point is the first one shown and
  /// those were lost; else 0. True: it was an entry point that goes back though nothing was lost;
  /// it is shown later.
  bool place(SemanticFrame& frame, bool after_loss, std::uint64_t before);

  /// A record whose frame cannot be decoded for want of an entry point: `between` interpolated
  /// frames and the coded one, with the deviations of their times (fewer: zeros).
  void miss(std::size_t between, std::span<const std::int64_t> deviations);
  /// When the last frame of the stream is shown, by its index.
  void set_last(std::int64_t pts) { last_pts_ = pts; }
  /// A frame without planes whose times are those of the frames lost behind the latest one: with
  /// Fill::at_once after miss(), else at the end of the stream. Nothing where none is known.
  std::optional<SemanticFrame> conceal(bool at_end);

  /// Starts again elsewhere in the stream.
  void restart();
  /// Units that were added to the latest times; the audio goes with them.
  std::int64_t shift() const { return shift_; }
  /// Frames shown that were lost.
  std::uint64_t concealed() const { return concealed_; }

 private:
  std::int64_t step() const;
  void fill(SemanticFrame& frame, std::uint64_t before);

  StreamInfo info_;
  Fill fill_;
  std::int64_t shift_ = 0;
  std::optional<std::int64_t> latest_;    ///< shown
  std::int64_t last_step_ = 1;            ///< between the two latest
  std::vector<std::int64_t> missed_;      ///< times behind the latest, by miss()
  std::optional<std::int64_t> last_pts_;  ///< by set_last()
  std::uint64_t concealed_ = 0;
};

}  // namespace semcodec
