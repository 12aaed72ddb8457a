#pragma once
// The framing of records, and finding them in bytes of any kind.
//
// A record: 0xA7; 0x50 + its kind, or for frames 0x60 + their records' number modulo 16, which
// tells when one is missing; the payload's length as a varint (7 bits a byte, low ones first); the
// payload; the low 3 bytes of a CRC-32C over all but the first byte, little-endian.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "semcodec/stream_types.h"

namespace semcodec {

inline constexpr std::uint8_t kMarker = 0xA7;
inline constexpr std::uint8_t kKinds = 0x50;   ///< the high digit of the byte that names a kind
inline constexpr std::uint8_t kFrames = 0x60;  ///< ... of the one that numbers a frame record

/// What a record says: a message of this name in proto/semcodec.proto, but for frames. Others, up
/// to 15, are skipped; 14 began the records of format 1.
enum class RecordKind : std::uint8_t {
  header = 1,
  audio_info = 3,
  audio = 4,
  index = 5,
  end = 6,
  old = 14,
  frame = 16  ///< frames, see frame_group.h
};

/// Puts a payload into its framing; `number` counts the records of frames.
std::vector<std::uint8_t> frame_record(RecordKind kind, const std::string& payload,
                                       unsigned number = 0);
/// The check of a record: of its bytes from the one that names the kind to the payload's last.
std::uint32_t record_check(std::span<const std::uint8_t> bytes);
inline constexpr std::size_t kCheckBytes = 3;

/// A framed record in a longer run of bytes.
struct RecordExtent {
  enum class State { whole, incomplete, invalid };
  State state = State::invalid;
  RecordKind kind = RecordKind::header;
  unsigned number = 0;  ///< of a frame record, 0..15
  std::size_t payload_begin = 0;
  std::size_t payload_size = 0;
  std::size_t total = 0;  ///< marker to CRC; also set when incomplete, if it can be told
};
/// Looks at the start of `bytes` without checking the CRC; `incomplete` when more bytes are needed.
RecordExtent record_extent(std::span<const std::uint8_t> bytes);
/// True when the CRC of a whole record holds.
bool crc_holds(std::span<const std::uint8_t> bytes, const RecordExtent& extent);

/// Pulls bytes from a source and hands out records. Holds one record (and a little more) at a time.
class RecordScanner {
 public:
  using Source = std::function<std::size_t(std::span<std::uint8_t>)>;
  explicit RecordScanner(Source source) : source_(std::move(source)) {}

  struct Record {
    std::uint64_t offset = 0;
    std::uint32_t total = 0;
    RecordKind kind = RecordKind::header;
    unsigned number = 0;                    ///< of a frame record, 0..15
    std::span<const std::uint8_t> payload;  ///< valid until the next call
    std::uint64_t gap = 0;                  ///< damaged bytes skipped before it
  };
  /// The next record whose CRC holds, or nothing at the end of the bytes.
  std::optional<Record> next();

  /// How the end was met: bytes of a last record that is not whole (it was cut), and damaged bytes.
  std::uint64_t cut_bytes() const { return cut_bytes_; }
  std::uint64_t damaged_bytes_at_end() const { return damaged_at_end_; }

  /// Starts again at another place of the stream; the source must continue there.
  void restart(std::uint64_t offset);

  /// The first bytes to come, as many as there are up to `size`, without consuming them.
  std::span<const std::uint8_t> peek(std::size_t size);

 private:
  std::span<const std::uint8_t> window() const {
    return std::span<const std::uint8_t>(buffer_).subspan(begin_);
  }
  bool fill(std::size_t size);
  void drop(std::size_t size);
  RecordExtent look();
  std::optional<Record> resynchronise();
  Record take(const RecordExtent& extent, std::uint64_t gap);

  Source source_;
  std::vector<std::uint8_t> buffer_;
  std::size_t begin_ = 0;
  std::uint64_t offset_ = 0;  // of the window in the stream
  bool ended_ = false;
  std::uint64_t cut_bytes_ = 0;
  std::uint64_t damaged_at_end_ = 0;
};

}  // namespace semcodec
