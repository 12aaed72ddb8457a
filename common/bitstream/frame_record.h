#pragma once
// SemanticFrame <-> wire::Frame: what is inherited from frame to frame around the coded chunk.

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/bitstream/stream_types.h"
#include "common/bitstream/time_model.h"

namespace semcodec {

namespace wire {
class Frame;
}

/// The plane sizes in force. Width 0 = not told yet.
struct PlaneFormats {
  struct Format {
    int width = 0;
    int height = 0;
    int levels = 0;
    bool operator==(const Format&) const = default;
  };
  Format motion;
  Format structure;
  Format labels;
  std::vector<Format> texture;
};

/// The limit on the sum of a frame's plane cells, for any working size.
std::uint64_t max_plane_cells(const StreamInfo& info);

/// The writing side.
class FrameRecordWriter {
 public:
  explicit FrameRecordWriter(const StreamInfo& info);

  /// Throws Error(corrupt) unless the frame may follow; changes nothing.
  void check(const SemanticFrame& frame) const;
  /// Fills the record, the chunk included.
  void write(const SemanticFrame& frame, std::vector<std::uint8_t>&& chunk, wire::Frame& record);

 private:
  void write_formats(const SemanticFrame& frame, wire::Frame& record);
  void write_times(const SemanticFrame& frame, wire::Frame& record);

  StreamInfo info_;
  TimeModel times_;
  PlaneFormats formats_;
  std::size_t between_ = 0;
  std::optional<std::int64_t> last_pts_;
};

/// The reading side.
class FrameRecordReader {
 public:
  explicit FrameRecordReader(const StreamInfo& info);

  static bool is_entry_point(const wire::Frame& record);
  /// The frame's own time and, for an entry point, everything else but the planes' contents, which
  /// are left for FrameDecoder: planes are sized, without values. Throws Error(corrupt).
  SemanticFrame read(const wire::Frame& record);
  /// The next frame must be an entry point and may lie at any time.
  void reset() { last_pts_.reset(); }

 private:
  void read_formats(const wire::Frame& record, SemanticFrame& frame);
  void read_times(const wire::Frame& record, SemanticFrame& frame);
  void check_planes(const SemanticFrame& frame) const;

  StreamInfo info_;
  TimeModel times_;
  PlaneFormats formats_;
  std::size_t between_ = 0;
  std::optional<std::int64_t> last_pts_;
};

}  // namespace semcodec
