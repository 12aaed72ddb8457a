#pragma once
// The packets of a stream, byte by byte (docs/packets.md).
//
//   source packet   0xD0 (+2: an entry point begins in it, +4: parity will follow), stream id,
//                   number (2 bytes), position, payload, check
//   parity packet   0xD1, stream id, number of the block's first packet (2 bytes), packets in the
//                   block, index, depth, parity symbol, check
//
// Numbers of more than one byte begin with the highest; the check is that of records: the low 24
// bits of a CRC-32C over all bytes before it, lowest byte first.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace semcodec {

using PacketBytes = std::vector<std::uint8_t>;

inline constexpr std::size_t kSourceHeader = 5, kParityHeader = 7, kPacketCheck = 3;
/// A parity packet's symbol is the position and the payload of a source packet.
inline constexpr std::size_t kPacketOverhead = kParityHeader + 1 + kPacketCheck;
inline constexpr std::size_t kMinPacket = 32, kMaxPacket = 65507;
inline constexpr std::uint8_t kNoPosition = 255;
inline constexpr std::size_t kMaxDepth = 8;

struct SourcePacket {
  std::uint8_t stream = 0;
  std::uint16_t number = 0;
  bool entry_point = false;
  bool is_protected = false;  ///< part of a block of which parity packets will come
  /// Offset in the payload of the first unit that begins in it; kNoPosition: none in the first 255
  /// bytes.
  std::uint8_t position = 0;
  std::span<const std::uint8_t> payload;
};

struct ParityPacket {
  std::uint8_t stream = 0;
  std::uint16_t first = 0;  ///< number of the block's first source packet
  std::uint8_t count = 0;   ///< source packets in the block, 1 ...
  std::uint8_t index = 0;   ///< of the parity packet; count + index <= 254
  std::uint8_t depth = 1;   ///< the block's packets are first, first + depth, first + 2 depth ...,
                            ///< 1 ... kMaxDepth
  std::span<const std::uint8_t> symbol;
};

PacketBytes write_packet(const SourcePacket& packet);
PacketBytes write_packet(const ParityPacket& packet);

/// A packet taken apart; the spans point into the bytes. Neither when its check fails, or it is
/// none of this format.
struct AnyPacket {
  std::optional<SourcePacket> source;
  std::optional<ParityPacket> parity;
};
AnyPacket read_packet(std::span<const std::uint8_t> bytes);

/// What a unit calls a record of frames; others go by RecordKind, 1 ... 15.
inline constexpr int kFramesUnit = 2;

/// The head of a unit, a record without its framing: 16 x the payload's length + its kind, as a
/// varint. Zero is no unit but filling.
void append_unit_head(PacketBytes& out, std::size_t length, int kind);

struct UnitHead {
  std::size_t size = 0;  ///< of the head itself
  std::size_t length = 0;
  int kind = 0;
};
/// Nothing when `bytes` do not hold all of it. A head that cannot be has kind 0 and length 1.
std::optional<UnitHead> read_unit_head(std::span<const std::uint8_t> bytes);

}  // namespace semcodec
