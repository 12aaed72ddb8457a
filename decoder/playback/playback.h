#pragma once
// The part of a stream that is to be shown: seeks to the entry point before it, and leaves out what
// nothing in it needs.
//
// Coded frames are generated one from another, so everything from the entry point on is handed out;
// the times of interpolated frames that lie outside are taken out, and so nobody generates
// those.

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>

#include "semcodec/stream_reader.h"

namespace semcodec {

struct PlaybackRange {
  std::optional<double> start;  ///< seconds since the stream's first frame; frames from here on …
  std::optional<double> end;    ///< … to before here
  /// Bytes of coded frames that may be kept until it is known from which entry point on they are
  /// needed. Beyond that they are handed out from the last one known.
  std::uint64_t max_waiting = std::uint64_t{32} << 20;
};

class Playback {
 public:
  /// Reads as far as the first frame, then goes to the entry point. A reader that cannot seek is
  /// read through, without generation. Throws Error(input) when the start lies behind the stream's
  /// known end, Error(usage) when the range is empty.
  Playback(StreamReader& reader, const PlaybackRange& range);

  /// The next record, as StreamReader::next(), audio outside the range taken out. Ends with the
  /// range.
  std::optional<StreamItem> next();

  bool shows(std::int64_t pts) const { return pts >= start_ && pts < end_; }
  bool limited() const { return limited_; }

 private:
  std::optional<StreamItem> read();
  void trim(SemanticFrame& frame) const;
  void trim(AudioBatch& batch) const;

  StreamReader& reader_;
  std::int64_t start_ = std::numeric_limits<std::int64_t>::min();
  std::int64_t end_ = std::numeric_limits<std::int64_t>::max();
  bool limited_ = false;
  bool running_ = true;                ///< the start was reached
  bool ended_ = false;                 ///< the last frame that shows something was handed out
  bool look_ahead_due_ = false;        ///< one more frame is wanted for its base picture
  std::int64_t lead_ = 0;              ///< how far audio may lie from its pictures in the stream
  double audio_units_ = 0;             ///< audio time units in the stream's, 0 without audio
  std::deque<StreamItem> read_ahead_;  ///< read before anyone asked
  std::deque<StreamItem> ready_;       ///< frames from the entry point to the start
  std::uint64_t max_waiting_ = 0, ready_bytes_ = 0;
};

}  // namespace semcodec
