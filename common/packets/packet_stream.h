#pragma once
// The sender's end as a program uses it: the bytes of a stream in, packets on a link or in a file.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "common/packets/link.h"
#include "common/packets/packet_sender.h"

namespace semcodec {

/// On links packets leave no earlier than the video's time, so that a file is sent at its pace,
/// and no faster than the rate.
class PacketStream {
 public:
  using Sink = std::function<void(std::span<const std::uint8_t>)>;

  /// Opens the link. Throws Error(usage), Error(output).
  PacketStream(const PacketStreamOptions& options, Sink sink);
  ~PacketStream();

  /// Bytes of the stream in pieces of any size.
  void write(std::span<const std::uint8_t> bytes);
  void finish();
  /// From the next packet on; any thread. Throws Error(usage) when no packet fits in a window.
  void set_max_rate(double bits_per_second);

  /// One or two sentences: packets, bytes with everything on the wire, what the forward error
  /// correction adds to the latency.
  std::string summary() const;
  const PacketStats& stats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace semcodec
