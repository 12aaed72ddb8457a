#pragma once
// What semcodec-info tells about a stream.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "decoder/info/timeline.h"
#include "semcodec/stream_reader.h"

namespace semcodec {

/// One line of the record list.
struct RecordLine {
  std::string kind;  ///< "frame", "audio info", "audio"
  std::uint64_t offset = 0;
  std::uint32_t bytes = 0;
  // Frames:
  std::int64_t pts = 0;
  std::size_t between = 0;
  bool entry_point = false;
  bool cut = false;
  bool intra_picture = false;
  std::size_t base_bytes = 0;
  EncodeStats planes;
  std::string digest;  ///< md5 of the planes, when asked for
  // Audio:
  std::size_t packets = 0;
};

/// The distinct sizes of the planes, as in "128x64x4".
struct PlaneSizes {
  std::vector<std::string> motion, structure, labels, texture, base;
};

struct StreamReport {
  StreamInfo info;
  std::string format_version;
  StreamStats stats;
  StreamStatus status = StreamStatus::reading;
  std::uint64_t lost_records = 0;
  std::uint64_t skipped_frames = 0;
  std::string problem;
  std::optional<AudioInfo> audio;
  bool has_index = false;
  std::int64_t first_pts = 0;
  std::int64_t last_pts = 0;
  PlaneSizes sizes;
  std::vector<TimelineFrame> coded_frames;
  std::vector<RecordLine> records;  ///< when records or digests are wanted

  /// From the first frame to the end of the last one (the nominal frame's length, or the mean
  /// distance, added). 0 when there is no frame.
  double seconds() const;
};

/// Reads the whole stream.
StreamReport make_report(StreamReader& reader, bool records, bool digests);

/// How the chart over time is drawn.
struct ChartStyle {
  int columns = 0;  ///< of the terminal; 0 = none, plain and as wide as in the JSON
  bool unicode = false;
};

std::string report_text(const StreamReport& report, bool records, bool digests,
                        const ChartStyle& style = {});
std::string report_json(const StreamReport& report, bool records, bool digests);

}  // namespace semcodec
