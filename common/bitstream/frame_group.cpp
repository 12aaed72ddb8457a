#include "common/bitstream/frame_group.h"

#include "common/bitstream/record_scanner.h"
#include "common/core/error.h"

namespace semcodec {
namespace {

constexpr std::size_t kMaxVarintBytes = 4;
constexpr const char* kNotDivided = "A frame record does not say how it is divided.";

}  // namespace

void append_varint(std::string& out, std::size_t value) {
  for (; value >= 128; value >>= 7) out += static_cast<char>(value | 128);
  out += static_cast<char>(value);
}

std::size_t varint_bytes(std::size_t value) {
  std::size_t bytes = 1;
  for (; value >= 128; value >>= 7) ++bytes;
  return bytes;
}

std::size_t take_varint(std::span<const std::uint8_t>& bytes, const char* message) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < kMaxVarintBytes && i < bytes.size(); ++i) {
    value |= static_cast<std::size_t>(bytes[i] & 127) << (7 * i);
    if (bytes[i] < 128) {
      bytes = bytes.subspan(i + 1);
      return value;
    }
  }
  throw Error(ErrorKind::corrupt, message);
}

bool FrameGroup::has_room(const std::string& frame, const FrameGrouping& grouping) const {
  if (frames_.empty()) return true;
  return frames_.size() < grouping.frames &&
         sized_ + frames_.back().size() + frame.size() <= grouping.bytes;
}

void FrameGroup::add(std::string frame) {
  if (!frames_.empty()) sized_ += varint_bytes(frames_.back().size()) + frames_.back().size();
  frames_.push_back(std::move(frame));
}

std::size_t FrameGroup::record_bytes() const {
  if (frames_.empty()) return 0;
  const std::size_t payload = sized_ + 1 + frames_.back().size();
  return 2 + varint_bytes(payload) + payload + kCheckBytes;
}

std::string FrameGroup::take() {
  std::string payload;
  payload.reserve(record_bytes());
  for (std::size_t i = 0; i < frames_.size(); ++i) {
    append_varint(payload, i + 1 < frames_.size() ? frames_[i].size() : 0);
    payload += frames_[i];
  }
  frames_.clear();
  sized_ = 0;
  return payload;
}

std::span<const std::uint8_t> take_frame(std::span<const std::uint8_t>& payload) {
  const std::size_t told = take_varint(payload, kNotDivided);
  const std::size_t size = told == 0 ? payload.size() : told;
  require(size >= 1 && size <= payload.size(), ErrorKind::corrupt, kNotDivided);
  const auto frame = payload.first(size);
  payload = payload.subspan(size);
  return frame;
}

}  // namespace semcodec
