#pragma once
// A stream out of packets, as StreamReader takes it.

#include <functional>
#include <memory>

#include "common/packets/link.h"
#include "common/packets/packet_receiver.h"

namespace semcodec {

class PacketSource {
 public:
  /// `cancelled` is asked some ten times a second; true ends the stream.
  PacketSource(std::unique_ptr<PacketInput> input, const ReceiverOptions& options,
               std::function<bool()> cancelled = {});

  /// StreamReader::Source. Blocks until bytes are there.
  std::size_t read(std::span<std::uint8_t> to);

  const ReceiverStats& stats() const { return receiver_.stats(); }
  /// See PacketReceiver::problem().
  const std::string& problem() const { return receiver_.problem(); }

 private:
  std::unique_ptr<PacketInput> input_;
  PacketReceiver receiver_;
  std::function<bool()> cancelled_;
  std::vector<std::uint8_t> ready_;
  std::size_t taken_ = 0;  ///< of ready_
  bool ended_ = false;
};

/// "412 packets, 40 lost, 38 recovered", and what else was out of the ordinary.
std::string describe(const ReceiverStats& stats);

}  // namespace semcodec
