#pragma once
// Checks put right, without which no change of a fuzzer would ever get past them.

#include <cstdint>
#include <span>

#include "common/bitstream/record_scanner.h"
#include "common/packets/packet.h"

namespace semcodec::fuzz {

/// Writes the check of all bytes before it.
inline void put_check(std::span<std::uint8_t> bytes, std::size_t begin, std::size_t end) {
  const std::uint32_t crc = record_check(bytes.subspan(begin, end - begin));
  for (std::size_t i = 0; i < kCheckBytes; ++i) {
    bytes[end + i] = static_cast<std::uint8_t>(crc >> (8 * i));
  }
}

/// Gives the right check to every record of a run of records.
inline void repair_records(std::span<std::uint8_t> stream) {
  while (true) {
    const RecordExtent extent = record_extent(stream);
    if (extent.state != RecordExtent::State::whole) return;
    put_check(stream, 1, extent.payload_begin + extent.payload_size);
    stream = stream.subspan(extent.total);
  }
}

/// The same of a packet.
inline void repair_packet(std::span<std::uint8_t> packet) {
  if (packet.size() > kPacketCheck) put_check(packet, 0, packet.size() - kPacketCheck);
}

}  // namespace semcodec::fuzz
