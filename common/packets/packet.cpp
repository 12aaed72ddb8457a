#include "common/packets/packet.h"

#include "common/bitstream/record_scanner.h"
#include "common/core/error.h"
#include "common/core/little_endian.h"

namespace semcodec {
namespace {

constexpr std::uint8_t kMark = 0xD0, kMarkMask = 0xF8, kParity = 1, kEntry = 2, kProtected = 4;
constexpr int kMaxHeadBytes = 5;
constexpr std::size_t kMaxBlock = 255;  // of GF(256)

void append_number(PacketBytes& out, std::uint16_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value & 255));
}

std::uint16_t number_at(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

void append_check(PacketBytes& out) { append_little(out, record_check(out), kPacketCheck); }

bool check_holds(std::span<const std::uint8_t> bytes) {
  const std::size_t body = bytes.size() - kPacketCheck;
  return record_check(bytes.first(body)) == get_little(&bytes[body], kPacketCheck);
}

}  // namespace

PacketBytes write_packet(const SourcePacket& packet) {
  PacketBytes out{static_cast<std::uint8_t>(kMark | (packet.entry_point ? kEntry : 0) |
                                            (packet.is_protected ? kProtected : 0)),
                  packet.stream};
  append_number(out, packet.number);
  out.push_back(packet.position);
  out.insert(out.end(), packet.payload.begin(), packet.payload.end());
  append_check(out);
  return out;
}

PacketBytes write_packet(const ParityPacket& packet) {
  PacketBytes out{kMark | kParity, packet.stream};
  append_number(out, packet.first);
  for (const std::uint8_t byte : {packet.count, packet.index, packet.depth}) out.push_back(byte);
  out.insert(out.end(), packet.symbol.begin(), packet.symbol.end());
  append_check(out);
  return out;
}

AnyPacket read_packet(std::span<const std::uint8_t> bytes) {
  AnyPacket any;
  if (bytes.size() < kSourceHeader + kPacketCheck || bytes.size() > kMaxPacket ||
      (bytes[0] & kMarkMask) != kMark || !check_holds(bytes)) {
    return any;
  }
  const auto body = bytes.first(bytes.size() - kPacketCheck);
  if ((bytes[0] & kParity) == 0) {
    any.source = SourcePacket{bytes[1],
                              number_at(bytes, 2),
                              (bytes[0] & kEntry) != 0,
                              (bytes[0] & kProtected) != 0,
                              bytes[4],
                              body.subspan(kSourceHeader)};
    return any;
  }
  if (body.size() <= kParityHeader) return any;
  const ParityPacket parity{bytes[1], number_at(bytes, 2),        bytes[4], bytes[5],
                            bytes[6], body.subspan(kParityHeader)};
  if (parity.count >= 1 && parity.depth >= 1 && parity.depth <= kMaxDepth &&
      std::size_t{parity.count} + parity.index < kMaxBlock) {
    any.parity = parity;
  }
  return any;
}

void append_unit_head(PacketBytes& out, std::size_t length, int kind) {
  require(kind >= 1 && kind <= 15 && length <= kMaxRecordBytes, ErrorKind::internal,
          "A record does not fit in packets.");
  std::size_t value = length << 4 | static_cast<std::size_t>(kind);
  for (; value >= 128; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 128));
  out.push_back(static_cast<std::uint8_t>(value));
}

std::optional<UnitHead> read_unit_head(std::span<const std::uint8_t> bytes) {
  constexpr UnitHead kInvalid{1, 1, 0};
  std::size_t value = 0;
  for (int i = 0; i < kMaxHeadBytes; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (at == bytes.size()) return std::nullopt;
    value |= static_cast<std::size_t>(bytes[at] & 127) << (7 * i);
    if (bytes[at] < 128) {
      UnitHead head{at + 1, value >> 4, static_cast<int>(value & 15)};
      const bool filling = value == 0 && at == 0;
      if (!filling && (head.kind == 0 || head.length > kMaxRecordBytes)) return kInvalid;
      return head;
    }
  }
  return kInvalid;
}

}  // namespace semcodec
