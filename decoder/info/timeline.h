#pragma once
// Bits over time by modality, and a chart of them for the terminal.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "semcodec/stream_reader.h"

namespace semcodec {

/// Bits by modality in columns of equal length. A coded frame's bits are spread over the time since
/// the coded frame before it, which they stand for; the first one's fall on its moment.
struct Timeline {
  double seconds_per_column = 0;
  /// Name and bits a column: motion, palette, structure, labels, texture, intra picture, base,
  /// records and all of these together; parts without a bit are left out. Audio is not in it.
  std::vector<std::pair<std::string, std::vector<double>>> parts;
};

/// One coded frame's share, kept while a stream is read.
struct TimelineFrame {
  double seconds = 0;  ///< since the first frame
  EncodeStats planes;
  std::uint64_t intra_picture_bytes = 0;
  std::uint64_t base_bytes = 0;
  std::uint64_t record_bytes = 0;  ///< with the framing
};

/// At most `columns` columns over `seconds`, each of a round length (0.1, 0.2, 0.5, 1, 2, 5 … s).
Timeline make_timeline(const std::vector<TimelineFrame>& coded_frames, double seconds, int columns);

/// A line for each part, scaled to its own peak, which stands behind it in kbit/s. With blocks
/// (U+2581 … U+2588) or, plain, in ASCII.
std::string draw_timeline(const Timeline& timeline, bool unicode);

/// Columns of the terminal on stdout (80 when unknown), 0 when stdout is none.
int terminal_columns();
/// Whether the environment's locale says UTF-8.
bool utf8_locale();

}  // namespace semcodec
