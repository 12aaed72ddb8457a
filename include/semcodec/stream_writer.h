#pragma once
/// @file
/// Writes a .sem stream: header, frames, audio, then (optionally) an index, then the end record.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "semcodec/export.h"
#include "semcodec/stream_types.h"

namespace semcodec {

class FrameEncoder;
class OutputFile;

/// How many frames a writer puts into one record: until one of these is reached. A record is lost
/// as a whole, and leaves when its last frame is there.
struct FrameGrouping {
  std::size_t frames = 1;
  std::size_t bytes = 400;
};

/// Every record leaves in one call of the sink as soon as it is complete, so that a pipe or a
/// socket sees it at once. Not thread-safe.
class SEMCODEC_API StreamWriter {
 public:
  using Sink = std::function<void(std::span<const std::uint8_t>)>;

  /// Writes the header at once. Throws Error(corrupt) when `info` breaks validate(), and whatever
  /// the sink throws.
  StreamWriter(Sink sink, const StreamInfo& info);
  /// The same into a file (or stdout); the caller commits the file after finish(). When the output
  /// is stdout every record is flushed.
  StreamWriter(OutputFile& file, const StreamInfo& info);
  ~StreamWriter();
  StreamWriter(const StreamWriter&) = delete;
  StreamWriter& operator=(const StreamWriter&) = delete;

  /// Codes and writes one coded frame. Rules: validate(frame); the first frame is an entry point;
  /// pts and interpolated_pts lie after the previous coded frame's pts; planes are not larger than
  /// the coded size. Throws Error(corrupt) naming the field otherwise, and nothing is written
  /// then. The header is repeated before entry points as long as that costs less than 1 % of the
  /// stream.
  void write(const SemanticFrame& frame);
  /// From now on several frames share a record (by default each has its own): smaller, but a record
  /// leaves when the next one begins, with audio, or at the end.
  void group(const FrameGrouping& grouping);

  /// The audio track's description: once, before the first write_audio().
  void write_audio_info(const AudioInfo& info);
  /// One record with these packets (none is fine: nothing is written).
  void write_audio(const AudioBatch& batch);

  /// Writes the index (of use in files; leave it out in pipes) and the end record. Without this
  /// call a reader reports the stream as truncated.
  void finish(bool with_index = true);

  /// What encode would cost now, for rate-distortion choices; see FrameEncoder.
  const FrameEncoder& encoder() const;
  /// Frames that wait for their record to be full are counted as if it ended with them.
  const StreamStats& stats() const;
  /// By how much the latest frame lengthened the stream, and its cost, for per-frame statistics.
  std::uint64_t last_frame_bytes() const;
  /// What of it is its base picture.
  std::uint64_t last_base_bytes() const;
  const EncodeStats& last_frame_cost() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace semcodec
