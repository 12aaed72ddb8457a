#pragma once
// Several frames in one record, so that they share its framing of 7 bytes.
//
//   payload of a frame record = one or more of: size (varint) · frame (size bytes)
//
// where the size 0 stands for all the rest: of the last frame it is left to the record's length.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "semcodec/stream_writer.h"

namespace semcodec {

/// Collects frames for one record.
class FrameGroup {
 public:
  bool empty() const { return frames_.empty(); }
  /// True when `frame` (its bytes) still belongs into this record.
  bool has_room(const std::string& frame, const FrameGrouping& grouping) const;
  void add(std::string frame);
  /// Bytes of the record with its framing, as the group stands; 0 when it is empty.
  std::size_t record_bytes() const;
  /// The payload; the group is empty afterwards.
  std::string take();

 private:
  std::vector<std::string> frames_;
  std::size_t sized_ = 0;  ///< bytes of all frames but the last, with their sizes
};

/// Takes the first frame off the front of a payload. Throws Error(corrupt) when it has none.
std::span<const std::uint8_t> take_frame(std::span<const std::uint8_t>& payload);

/// 7 bits a byte, low ones first, at most 4 bytes.
void append_varint(std::string& out, std::size_t value);
std::size_t varint_bytes(std::size_t value);
/// Takes a varint off the front of `bytes`; throws Error(corrupt) with `message` when there is
/// none.
std::size_t take_varint(std::span<const std::uint8_t>& bytes, const char* message);

}  // namespace semcodec
