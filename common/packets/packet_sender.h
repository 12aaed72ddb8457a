#pragma once
// Cuts the records of a stream into packets, with forward error correction.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "common/packets/packet.h"
#include "semcodec/packets.h"

namespace semcodec {

struct PacketStats {
  std::uint64_t packets = 0;  ///< parity included
  std::uint64_t parities = 0;
  std::uint64_t bytes = 0;         ///< of all packets
  std::uint64_t record_bytes = 0;  ///< of the records that went in
  double longest_block = 0;        ///< seconds
};

/// A factor: bytes on the wire for each byte of records, with full packets of these options, each
/// taking `transport` bytes more.
double wire_expansion(const PacketOptions& options, std::size_t transport = 0);

/// Header and audio description are repeated before each entry point, which begins a packet, so
/// that receivers can join there. The index is left out.
class PacketSender {
 public:
  /// Takes a packet; `seconds` is the video's time of what it carries.
  using Emit = std::function<void(std::span<const std::uint8_t> packet, double seconds)>;

  /// `stream` tells this stream from others on the link, as from an earlier one of the same sender.
  /// Throws Error(usage) for options out of range.
  PacketSender(const PacketOptions& options, std::uint8_t stream, Emit emit);
  ~PacketSender();

  /// One whole record, as StreamWriter hands it to its sink.
  void write(std::span<const std::uint8_t> record);
  /// Sends what waits.
  void finish();

  const PacketStats& stats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace semcodec
