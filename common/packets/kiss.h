#pragma once
// KISS framing and AX.25 UI frames.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/packets/packet.h"

namespace semcodec {

/// Who packets are addressed to.
inline constexpr const char* kAx25Destination = "SEMVID";
inline constexpr std::size_t kAx25Header = 16;  ///< two addresses, control, protocol
inline constexpr std::size_t kMaxAx25Information = 256;

/// "N0CALL" or "N0CALL-7" as the 7 bytes of an AX.25 address, without the bits for its place.
/// Nothing when it is no call sign.
std::optional<std::vector<std::uint8_t>> ax25_address(const std::string& call);

/// A UI frame with "no layer 3" as its protocol. `call` must be one that ax25_address() takes.
PacketBytes ax25_frame(const std::string& call, std::span<const std::uint8_t> information);
/// The information of a UI frame to kAx25Destination, through digipeaters or not; nothing for other
/// frames.
std::optional<std::span<const std::uint8_t>> ax25_information(std::span<const std::uint8_t> frame);

/// A data frame for the TNC's first port.
PacketBytes kiss_frame(std::span<const std::uint8_t> frame);

/// Finds data frames in the bytes that a TNC sends.
class KissReader {
 public:
  /// Calls `take` for each frame that these bytes complete.
  template <typename Take>
  void push(std::span<const std::uint8_t> bytes, Take take) {
    for (const std::uint8_t byte : bytes) {
      if (add(byte)) take(std::span<const std::uint8_t>(frame_).subspan(1));
    }
  }

 private:
  /// True when the byte completes a data frame, which is in frame_ behind its command.
  bool add(std::uint8_t byte);

  PacketBytes frame_;
  bool escaped_ = false, complete_ = false, broken_ = false;
};

}  // namespace semcodec
