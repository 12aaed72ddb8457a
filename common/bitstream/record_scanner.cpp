#include "common/bitstream/record_scanner.h"

#include <algorithm>

#include "common/core/crc32c.h"
#include "common/core/error.h"
#include "common/core/little_endian.h"

namespace semcodec {
namespace {

constexpr int kMaxLengthBytes = 4;
// Checking a candidate costs time in proportion to its length, and damaged bytes may hold any
// number of false markers with large lengths. While looking for the next record, the lengths
// checked may sum up to this much, plus so many times the bytes skipped.
constexpr std::uint64_t kSearchAllowance = 64u << 20;
constexpr std::uint64_t kSearchFactor = 32;

bool names_record(std::uint8_t tag) { return (tag & 0xf0) == kKinds || (tag & 0xf0) == kFrames; }

}  // namespace

std::uint32_t record_check(std::span<const std::uint8_t> bytes) { return crc32c(bytes) & 0xffffff; }

std::vector<std::uint8_t> frame_record(RecordKind kind, const std::string& payload,
                                       unsigned number) {
  require(payload.size() <= kMaxRecordBytes, ErrorKind::corrupt,
          "A record of " + std::to_string(payload.size()) + " bytes exceeds the limit of 16 MiB.");
  const unsigned tag =
      kind == RecordKind::frame ? kFrames | (number & 15) : kKinds | static_cast<unsigned>(kind);
  std::vector<std::uint8_t> out{kMarker, static_cast<std::uint8_t>(tag)};
  std::size_t length = payload.size();
  while (length >= 128) {
    out.push_back(static_cast<std::uint8_t>(length | 128));
    length >>= 7;
  }
  out.push_back(static_cast<std::uint8_t>(length));
  out.insert(out.end(), payload.begin(), payload.end());
  append_little(out, record_check(std::span<const std::uint8_t>(out).subspan(1)), kCheckBytes);
  return out;
}

RecordExtent record_extent(std::span<const std::uint8_t> bytes) {
  RecordExtent extent;
  for (std::size_t i = 0; i < 2; ++i) {
    if (i == bytes.size()) {
      extent.state = RecordExtent::State::incomplete;
      return extent;
    }
    if (i == 0 ? bytes[0] != kMarker : !names_record(bytes[1])) return extent;
  }
  if ((bytes[1] & 0xf0) == kFrames) {
    extent.kind = RecordKind::frame;
    extent.number = bytes[1] & 15;
  } else {
    extent.kind = static_cast<RecordKind>(bytes[1] & 15);
  }
  std::size_t length = 0;
  std::size_t position = 2;
  for (int i = 0;; ++i, ++position) {
    if (i == kMaxLengthBytes) return extent;
    if (position == bytes.size()) {
      extent.state = RecordExtent::State::incomplete;
      return extent;
    }
    length |= static_cast<std::size_t>(bytes[position] & 127) << (7 * i);
    if (bytes[position] < 128) break;
  }
  if (length > kMaxRecordBytes) return extent;
  extent.payload_begin = position + 1;
  extent.payload_size = length;
  extent.total = extent.payload_begin + length + kCheckBytes;
  extent.state =
      extent.total <= bytes.size() ? RecordExtent::State::whole : RecordExtent::State::incomplete;
  return extent;
}

bool crc_holds(std::span<const std::uint8_t> bytes, const RecordExtent& extent) {
  const std::size_t end = extent.payload_begin + extent.payload_size;
  return record_check(bytes.subspan(1, end - 1)) == get_little(&bytes[end], kCheckBytes);
}

bool RecordScanner::fill(std::size_t size) {
  while (buffer_.size() - begin_ < size && !ended_) {
    if (begin_ > 0) {
      buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_));
      begin_ = 0;
    }
    // Grows with what arrives, not with what a damaged length announces.
    const std::size_t old = buffer_.size();
    const std::size_t want = std::clamp<std::size_t>(size - old, 4096, std::size_t{1} << 18);
    buffer_.resize(old + want);
    const std::size_t got = source_({buffer_.data() + old, want});
    buffer_.resize(old + std::min(got, want));
    ended_ = got == 0;
  }
  return buffer_.size() - begin_ >= size;
}

void RecordScanner::drop(std::size_t size) {
  begin_ += size;
  offset_ += size;
}

void RecordScanner::restart(std::uint64_t offset) {
  buffer_.clear();
  begin_ = 0;
  offset_ = offset;
  ended_ = false;
  cut_bytes_ = 0;
  damaged_at_end_ = 0;
}

std::span<const std::uint8_t> RecordScanner::peek(std::size_t size) {
  fill(size);
  return window().first(std::min(size, window().size()));
}

// The record at the window's start, after reading as much of it as there is.
RecordExtent RecordScanner::look() {
  RecordExtent extent = record_extent(window());
  while (extent.state == RecordExtent::State::incomplete) {
    const std::size_t need = std::max(extent.total, window().size() + 1);
    if (!fill(need)) break;
    extent = record_extent(window());
  }
  return extent;
}

RecordScanner::Record RecordScanner::take(const RecordExtent& extent, std::uint64_t gap) {
  Record record;
  record.offset = offset_;
  record.total = static_cast<std::uint32_t>(extent.total);
  record.kind = extent.kind;
  record.number = extent.number;
  record.payload = window().subspan(extent.payload_begin, extent.payload_size);
  record.gap = gap;
  drop(extent.total);  // the bytes stay in the buffer until the next fill()
  return record;
}

std::optional<RecordScanner::Record> RecordScanner::next() {
  if (!fill(1)) return std::nullopt;
  const RecordExtent extent = look();
  if (extent.state == RecordExtent::State::whole && crc_holds(window(), extent)) {
    return take(extent, 0);
  }
  return resynchronise();
}

std::optional<RecordScanner::Record> RecordScanner::resynchronise() {
  const std::uint64_t start = offset_;
  const bool cut = record_extent(window()).state == RecordExtent::State::incomplete;
  std::uint64_t checked = 0;
  while (true) {
    drop(1);
    // To the next marker.
    while (true) {
      if (!fill(2)) {
        drop(window().size());
        (cut ? cut_bytes_ : damaged_at_end_) = offset_ - start;
        return std::nullopt;
      }
      const auto bytes = window();
      const auto found = std::adjacent_find(
          bytes.begin(), bytes.end(),
          [](std::uint8_t a, std::uint8_t b) { return a == kMarker && names_record(b); });
      if (found != bytes.end()) {
        drop(static_cast<std::size_t>(found - bytes.begin()));
        break;
      }
      drop(bytes.size() - 1);  // the last byte may begin a marker
    }
    if (!fill(2 + kMaxLengthBytes) && window().size() < 2) continue;
    RecordExtent extent = record_extent(window());
    if (extent.state == RecordExtent::State::invalid) continue;
    if (checked + extent.total > kSearchAllowance + kSearchFactor * (offset_ - start)) continue;
    extent = look();
    if (extent.state != RecordExtent::State::whole) continue;
    checked += extent.total;
    if (crc_holds(window(), extent)) return take(extent, offset_ - start);
  }
}

}  // namespace semcodec
