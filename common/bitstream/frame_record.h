#pragma once
// SemanticFrame <-> a frame's bytes in a record: what is inherited from frame to frame around the
// coded chunk.
//
// The bytes: a varint, 8 x the number of interpolated frames, 4 more when there is a chunk, 2 when
// there is a base picture and 1 when fields follow; then the fields, their length as a varint and a
// wire::Frame; then the base picture (with a chunk behind it, its length as a varint before it);
// the rest is the chunk. A frame without planes has none.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/bitstream/time_model.h"
#include "common/entropy/base_unit_coder.h"
#include "semcodec/stream_types.h"

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
  Format base;  ///< levels: its quantiser
};

/// The limit on the sum of a frame's plane cells, for any coded size.
std::uint64_t max_plane_cells(const StreamInfo& info);
/// The same where the coded chunk has so many bytes: few bytes may not ask for many cells.
std::uint64_t max_plane_cells(const StreamInfo& info, std::size_t chunk_bytes);

/// Whether a writer codes the headers of base pictures: in the hybrid profile.
bool packs_base(const StreamInfo& info);

/// The writing side.
class FrameRecordWriter {
 public:
  explicit FrameRecordWriter(const StreamInfo& info);

  /// Throws Error(corrupt) unless the frame may follow; changes nothing.
  void check(const SemanticFrame& frame) const;
  /// The frame's bytes; `chunk` is empty for a frame without planes.
  std::string write(const SemanticFrame& frame, std::span<const std::uint8_t> chunk);
  /// Bytes of the base picture that was written last; 0 where that frame had none.
  std::size_t last_base_bytes() const { return last_base_bytes_; }

 private:
  std::vector<std::uint8_t> base_bytes(const SemanticFrame& frame);
  void write_formats(const SemanticFrame& frame, wire::Frame& record);
  void write_times(const SemanticFrame& frame, wire::Frame& record);

  StreamInfo info_;
  TimeModel times_;
  PlaneFormats formats_;
  std::optional<entropy::BaseUnitCoder> units_;  ///< made for the first base picture
  std::size_t last_base_bytes_ = 0;
  std::optional<std::int64_t> last_pts_;
};

/// A frame's bytes taken apart.
struct FrameRecord {
  /// Throws Error(corrupt). The payload must outlive it.
  explicit FrameRecord(std::span<const std::uint8_t> payload);
  ~FrameRecord();
  FrameRecord(const FrameRecord&) = delete;
  FrameRecord& operator=(const FrameRecord&) = delete;

  bool is_entry_point() const;

  std::size_t between = 0;
  std::unique_ptr<wire::Frame> fields;
  std::span<const std::uint8_t> base;  ///< empty: none
  std::span<const std::uint8_t> chunk;
};

/// The reading side.
class FrameRecordReader {
 public:
  /// `packed`: the headers of base pictures are coded.
  FrameRecordReader(const StreamInfo& info, bool packed);

  /// The frame's own time and, for an entry point, everything else but the planes' contents, which
  /// are left for FrameDecoder: planes are sized, without values. Times increase, but that an entry
  /// point's may lie anywhere. Throws Error(corrupt).
  SemanticFrame read(const FrameRecord& record);

 private:
  void read_base(const FrameRecord& record, SemanticFrame& frame);
  void read_formats(const wire::Frame& record, SemanticFrame& frame, std::size_t chunk_bytes);
  void read_times(const FrameRecord& record, SemanticFrame& frame);
  void check_planes(const SemanticFrame& frame, std::size_t chunk_bytes) const;

  StreamInfo info_;
  bool packed_;
  TimeModel times_;
  PlaneFormats formats_;
  std::optional<entropy::BaseUnitCoder> units_;  ///< made for the first base picture
  std::optional<std::int64_t> last_pts_;
};

}  // namespace semcodec
