#include "common/packets/kiss.h"

#include <cctype>
#include <charconv>

#include "common/core/error.h"

namespace semcodec {
namespace {

constexpr std::uint8_t kFend = 0xC0, kFesc = 0xDB, kTfend = 0xDC, kTfesc = 0xDD;
constexpr std::uint8_t kUiControl = 0x03, kNoLayer3 = 0xF0, kLastAddress = 1, kPollMask = 0x10;
constexpr std::size_t kAddress = 7, kMostAddresses = 10, kLongestFrame = 4096;

}  // namespace

std::optional<std::vector<std::uint8_t>> ax25_address(const std::string& call) {
  const std::size_t dash = call.find('-');
  const std::string name = call.substr(0, dash);
  unsigned ssid = 0;
  if (dash != std::string::npos) {
    const char* end = call.data() + call.size();
    const auto [at, code] = std::from_chars(call.data() + dash + 1, end, ssid);
    if (code != std::errc{} || at != end || ssid > 15) return std::nullopt;
  }
  if (name.empty() || name.size() > 6) return std::nullopt;
  std::vector<std::uint8_t> out;
  for (std::size_t i = 0; i < 6; ++i) {
    const auto c = static_cast<unsigned char>(i < name.size() ? name[i] : ' ');
    if (i < name.size() && std::isalnum(c) == 0) return std::nullopt;
    out.push_back(static_cast<std::uint8_t>(std::toupper(c) << 1));
  }
  out.push_back(static_cast<std::uint8_t>(0x60 | ssid << 1));
  return out;
}

PacketBytes ax25_frame(const std::string& call, std::span<const std::uint8_t> information) {
  PacketBytes out = *ax25_address(kAx25Destination);
  out.back() |= 0x80;  // a command, as UI frames are
  auto source = ax25_address(call);
  require(source.has_value(), ErrorKind::usage, "'" + call + "' is no call sign such as N0CALL-7.");
  source->back() |= kLastAddress;
  out.insert(out.end(), source->begin(), source->end());
  out.push_back(kUiControl);
  out.push_back(kNoLayer3);
  out.insert(out.end(), information.begin(), information.end());
  return out;
}

std::optional<std::span<const std::uint8_t>> ax25_information(std::span<const std::uint8_t> frame) {
  const auto wanted = *ax25_address(kAx25Destination);
  if (frame.size() < kAx25Header) return std::nullopt;
  for (std::size_t i = 0; i < 6; ++i) {
    if (frame[i] != wanted[i]) return std::nullopt;
  }
  std::size_t addresses = 1;
  while ((frame[addresses * kAddress - 1] & kLastAddress) == 0) {
    if (++addresses > kMostAddresses || frame.size() < addresses * kAddress + 2)
      return std::nullopt;
  }
  const auto rest = frame.subspan(addresses * kAddress);
  if (rest.size() < 2 || (rest[0] & ~kPollMask) != kUiControl || rest[1] != kNoLayer3) {
    return std::nullopt;
  }
  return rest.subspan(2);
}

PacketBytes kiss_frame(std::span<const std::uint8_t> frame) {
  PacketBytes out{kFend, 0};
  for (const std::uint8_t byte : frame) {
    if (byte == kFend || byte == kFesc) {
      out.push_back(kFesc);
      out.push_back(byte == kFend ? kTfend : kTfesc);
    } else {
      out.push_back(byte);
    }
  }
  out.push_back(kFend);
  return out;
}

bool KissReader::add(std::uint8_t byte) {
  if (complete_) {
    frame_.clear();
    complete_ = false;
  }
  if (byte == kFend) {
    complete_ = !broken_ && !escaped_ && frame_.size() > 1 && (frame_[0] & 15) == 0;
    if (!complete_) frame_.clear();
    broken_ = escaped_ = false;
    return complete_;
  }
  if (escaped_) {
    escaped_ = false;
    broken_ = broken_ || (byte != kTfend && byte != kTfesc);
    byte = byte == kTfend ? kFend : kFesc;
  } else if (byte == kFesc) {
    escaped_ = true;
    return false;
  }
  broken_ = broken_ || frame_.size() >= kLongestFrame;
  if (!broken_) frame_.push_back(byte);
  return false;
}

}  // namespace semcodec
