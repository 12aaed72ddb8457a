#pragma once
// Puts packets together to a stream again: in any order, with losses, duplicates and damage.
//
// What comes out is a .sem stream that begins at an entry point: whole records and, for each gap
// that could not be repaired, a byte that is no record, which StreamReader reports as damage.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/packets/packet.h"

namespace semcodec {

struct ReceiverOptions {
  /// A missing packet is given up when so many later ones have come: later than itself or, with
  /// forward error correction, than its block ...
  int reorder = 8;
  /// ... or, without error correction, on links in real time, when so many seconds went by since it
  /// was missed. 0: never.
  double patience = 0;
  /// Bytes of packets kept at most.
  std::uint64_t max_waiting = std::uint64_t{32} << 20;
};

struct ReceiverStats {
  std::uint64_t received = 0;    ///< sound packets of this stream
  std::uint64_t parities = 0;    ///< of these, parity packets
  std::uint64_t damaged = 0;     ///< whose check failed, or none of ours
  std::uint64_t duplicates = 0;  ///< that were there already, or came too late
  std::uint64_t foreign = 0;     ///< of other streams
  std::uint64_t recovered = 0;   ///< by forward error correction
  std::uint64_t lost = 0;        ///< for good
  std::uint64_t restarts = 0;    ///< of the sender
};

class PacketReceiver {
 public:
  explicit PacketReceiver(const ReceiverOptions& options = {});
  ~PacketReceiver();

  /// Takes a packet at a time in seconds (any clock that does not go back). Never throws for what
  /// the bytes say.
  void push(std::span<const std::uint8_t> packet, double now = 0);
  /// Time goes by without a packet.
  void tick(double now);
  /// No more packets come: gives up what is missing.
  void finish();

  /// Moves the bytes of the stream that are ready out.
  std::vector<std::uint8_t> take();
  /// The stream's end record came, or the sender began another stream of other pictures: nothing
  /// more will be ready.
  bool ended() const;
  /// One sentence when it ended for the second reason, else empty.
  const std::string& problem() const;

  const ReceiverStats& stats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace semcodec
