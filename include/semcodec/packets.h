#pragma once
/// @file
/// How a stream is sent as packets (docs/packets.md), for EncodeFileOptions::packets.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace semcodec {

/// Where packets go: read from udp://HOST:PORT?pkt=N or kiss://HOST:PORT?call=CALL.
struct LinkAddress {
  std::string scheme;  ///< "udp", "kiss", or "file" for everything else
  std::string host, port;
  std::string call;                        ///< kiss: the sender's call sign
  std::optional<std::size_t> packet_size;  ///< pkt=N
};

struct PacketOptions {
  std::size_t size = 200;  ///< bytes of a packet at most, header and check included
  double fec = 0;          ///< parity packets for each source packet, 0 ... 1
  /// The same for the packets of each entry point, in a block of their own, where `fec` is 0:
  /// without an entry point nothing is shown until the next.
  double entry_fec = 0;
  /// Seconds of video that a block of forward error correction spans at most: the time that it adds
  /// to the way of a packet that is lost.
  double block_seconds = 10;
  /// Seconds of video that bytes wait for a packet to become full; 0: every record leaves at once.
  double fill_seconds = 0.5;
};

struct PacketStreamOptions {
  LinkAddress link;  ///< scheme "file": packets go to the sink, behind their lengths
  PacketOptions packets;
  /// Bit/s of everything on the wire and seconds of any window in which it holds; links only.
  std::optional<double> max_rate;
  double window = 2;
  std::function<bool()> cancelled{};  ///< true: packets no longer wait for their time
};

}  // namespace semcodec
