#pragma once
/// @file
/// Reads a .sem stream from a file, a pipe or any source of bytes, whole or damaged.
///
/// - A stream that stops early reads up to its last complete record and then says `truncated`.
/// - A damaged record is dropped; the reader goes on at the next record whose CRC holds. Because
///   the coder's state is adaptive, the frames up to the next entry point are dropped as well and
///   counted. With Options::strict the first damage throws Error(corrupt) instead.
/// - With Options::fill_gaps the frames that were lost are there all the same, as times without
///   content, up to the end of the stream.
/// - Times rise from frame to frame. Where an entry point goes back, as after a sender's restart,
///   it and what follows, with the audio, is shifted behind what was there, until times have caught
///   up; this counts as damage.
/// - Time and memory stay bounded whatever the bytes are: a record is at most kMaxRecordBytes,
///   looking for the next record is linear in the bytes skipped, planes have cells in proportion to
///   their bytes, audio expands by a limited ratio, and what waits to be taken has a budget.

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "semcodec/export.h"
#include "semcodec/memory_budget.h"
#include "semcodec/stream_types.h"

namespace semcodec {

enum class StreamStatus {
  reading,    ///< not at the end yet
  complete,   ///< the end record was reached and nothing was lost
  truncated,  ///< the bytes stop before the end record; what came before was whole
  damaged     ///< at least one record was lost
};
SEMCODEC_API const char* to_string(StreamStatus status);

/// One record as next() returns it.
struct StreamItem {
  std::variant<SemanticFrame, AudioInfo, AudioBatch> content;
  std::uint64_t offset = 0;      ///< of the record in the stream
  std::uint32_t bytes = 0;       ///< of the record with its framing
  EncodeStats planes;            ///< frames only: cost by modality, 1/256 bit
  std::uint32_t base_bytes = 0;  ///< frames only: what of `bytes` is the base picture
  /// Options::fill_gaps: a frame that holds nothing but the times of frames that were lost.
  bool concealed = false;
  /// Audio only: its part of Options::max_waiting. Keep it as long as the packets.
  MemoryShare waiting;

  const SemanticFrame* frame() const { return std::get_if<SemanticFrame>(&content); }
  SemanticFrame* frame() { return std::get_if<SemanticFrame>(&content); }
  const AudioInfo* audio_info() const { return std::get_if<AudioInfo>(&content); }
  const AudioBatch* audio() const { return std::get_if<AudioBatch>(&content); }
};

/// Totals from the index; what a piped stream lacks.
struct StreamTotals {
  std::uint64_t coded_frames = 0;
  std::uint64_t frames = 0;    ///< coded frames + frames between
  std::int64_t first_pts = 0;  ///< of the first frame shown
  std::int64_t last_pts = 0;
};

class SEMCODEC_API StreamReader {
 public:
  struct Options {
    bool strict = false;   ///< throw Error(corrupt) at the first damage
    int max_width = 2048;  ///< refuse larger coded sizes (Error(unsupported))
    int max_height = 2048;
    /// Gives the entry point behind a loss the times of the frames that are missing before it, at
    /// the nominal rate, so that they are interpolated instead of a picture that stands still.
    /// Where the stream ends before an entry point comes, they come as a frame of their own,
    /// StreamItem::concealed.
    bool fill_gaps = false;
    /// With it, for live pictures: records that came but build on what was lost give their times
    /// as they come, StreamItem::concealed, instead of waiting for an entry point.
    bool fill_at_once = false;
    /// Bytes of audio that may be handed out and not be let go of yet. What comes beyond is left
    /// out and counted in audio_left_out().
    std::uint64_t max_waiting = std::uint64_t{32} << 20;
  };
  /// Fills the span with up to its size of bytes, returns how many; 0 = the end. May block.
  using Source = std::function<std::size_t(std::span<std::uint8_t>)>;

  /// Opens a file, or stdin for "-", and reads the header. Throws Error(input) when it cannot be
  /// opened or is no .sem stream, Error(corrupt) when the header is missing, or damaged and not
  /// repeated (where it is repeated, reading starts there and the stream counts as damaged),
  /// Error(unsupported) when a newer major version of the format wrote it.
  explicit StreamReader(const std::string& path);
  StreamReader(const std::string& path, const Options& options);
  /// The same from any source; `name` is used in messages. Not seekable.
  StreamReader(Source source, const std::string& name);
  StreamReader(Source source, const std::string& name, const Options& options);
  ~StreamReader();
  StreamReader(const StreamReader&) = delete;
  StreamReader& operator=(const StreamReader&) = delete;

  const StreamInfo& info() const;
  /// "major.minor" of the format that the stream was written in.
  const std::string& format_version() const;

  /// The next frame or audio record, nothing at the end (then status() tells how it ended).
  /// Throws only in strict mode, or Error(input) when the source itself fails.
  std::optional<StreamItem> next();

  /// True for regular files.
  bool seekable() const;
  /// Goes to the last entry point whose pts is <= `pts` (the first one if there is none), through
  /// the index or, without one, by scanning. The next frame from next() is that entry point.
  /// Throws Error(input) when the source is not seekable or has no entry point.
  void seek(std::int64_t pts);
  /// From the index of a seekable file; nothing when the stream has no (whole) index.
  std::optional<StreamTotals> totals();

  StreamStatus status() const;
  std::uint64_t lost_records() const;    ///< gaps in the stream: damaged records, at least
  std::uint64_t skipped_frames() const;  ///< whole frame records dropped for want of an entry point
  std::uint64_t concealed_frames() const;  ///< frames that were lost and got a time all the same
  /// Audio packets left out for want of Options::max_waiting.
  std::uint64_t audio_left_out() const;
  /// One sentence about the first thing that went wrong, empty when nothing did.
  const std::string& problem() const;
  /// Bytes by kind so far.
  const StreamStats& stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace semcodec
