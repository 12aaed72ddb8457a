#pragma once
// Where packets go to and come from: a file or pipe, UDP, or a KISS TNC over TCP.
//
//   FILE or -                     each packet behind its length in two bytes, the higher first
//   udp://HOST:PORT?pkt=N         a datagram each; receiving: udp://:PORT
//   kiss://HOST:PORT?call=CALL    AX.25 UI frames from CALL to SEMVID, in KISS over TCP, as Dire
//   Wolf
//                                 speaks it

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "common/packets/packet.h"
#include "semcodec/packets.h"

namespace semcodec {

/// Whether this names a link rather than a file: udp:// or kiss://.
bool is_link(const std::string& address);

/// Throws Error(usage) when a link's address cannot be.
LinkAddress parse_link(const std::string& address);

/// The size of packets that suits the link: 1200 for UDP, 240 for KISS, else 200.
std::size_t usual_packet_size(const LinkAddress& address);
/// Bytes that the link adds to each packet: IPv4 and UDP headers; AX.25 addresses, flags and check;
/// the length in a file.
std::size_t transport_bytes(const LinkAddress& address);

class PacketOutput {
 public:
  virtual ~PacketOutput() = default;
  /// Throws Error(output).
  virtual void send(std::span<const std::uint8_t> packet) = 0;
};

class PacketInput {
 public:
  virtual ~PacketInput() = default;
  enum class State { packet, nothing, end };
  /// Waits up to the timeout for a packet. `nothing`: none came; `end`: none will. Throws
  /// Error(input).
  virtual State receive(PacketBytes& packet, std::chrono::milliseconds timeout) = 0;
};

/// Packets into whatever takes bytes: a file, stdout.
std::unique_ptr<PacketOutput> packets_into(
    std::function<void(std::span<const std::uint8_t>)> bytes);
/// A udp:// or kiss:// link. Throws Error(usage) or Error(output).
std::unique_ptr<PacketOutput> open_packet_output(const LinkAddress& address);
/// Throws Error(usage) or Error(input). "-" is stdin.
std::unique_ptr<PacketInput> open_packet_input(const std::string& path_or_address);

}  // namespace semcodec
