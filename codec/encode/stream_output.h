#pragma once
// What the encoder writes to: a file that appears when it is whole, stdout, or packets into either
// or on a link.

#include <optional>
#include <string>

#include "common/core/file.h"
#include "common/packets/packet_stream.h"

namespace semcodec {

class StreamOutput {
 public:
  /// Opens it, so that what cannot be written is said at once. Throws Error(usage), Error(output).
  StreamOutput(const std::string& path, const std::optional<PacketStreamOptions>& packets) {
    if (!packets || packets->link.scheme == "file") file_.emplace(path);
    if (packets) packets_.emplace(*packets, [this](auto bytes) { put(bytes); });
  }
  StreamOutput(const StreamOutput&) = delete;
  StreamOutput& operator=(const StreamOutput&) = delete;

  /// Bytes of the stream in pieces of any size.
  void write(std::span<const std::uint8_t> bytes) {
    if (packets_) {
      packets_->write(bytes);
    } else {
      put(bytes);
    }
  }
  /// Whether an index is of use to whoever reads this.
  bool indexed() const { return !packets_ && !file_->is_stdout(); }
  /// Null without packets.
  PacketStream* packets() { return packets_ ? &*packets_ : nullptr; }
  void commit() {
    if (packets_) packets_->finish();
    if (file_) file_->commit();
  }

 private:
  void put(std::span<const std::uint8_t> bytes) {
    file_->write(bytes);
    if (file_->is_stdout()) file_->flush();
  }

  std::optional<OutputFile> file_;
  std::optional<PacketStream> packets_;
};

}  // namespace semcodec
