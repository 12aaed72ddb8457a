#include "common/entropy/binary_coder.h"

#include <utility>

namespace semcodec::entropy {

BinaryCoder::BinaryCoder(std::span<const std::uint8_t> chunk) : mode_(Mode::read), in_(chunk) {
  for (int i = 0; i < 4; ++i) code_ = (code_ << 8) | next_byte();
}

std::uint32_t BinaryCoder::next_byte() {
  if (position_ < in_.size()) return in_[position_++];
  if (missing_ <= kMaxOverrun) ++missing_;
  return 0;
}

void BinaryCoder::shift() {
  if (mode_ == Mode::write) {
    out_.push_back(static_cast<std::uint8_t>(high_ >> 24));
  } else {
    code_ = (code_ << 8) | next_byte();
  }
  ++shifted_;
  low_ <<= 8;
  high_ = (high_ << 8) | 0xff;
}

int BinaryCoder::telling_bytes() const {
  for (int bytes = 0; bytes < 4; ++bytes) {
    const std::uint64_t unit = std::uint64_t{1} << (8 * (4 - bytes));
    if ((low_ + unit - 1) / unit * unit + unit - 1 <= high_) return bytes;
  }
  return 4;
}

std::vector<std::uint8_t> BinaryCoder::finish_delimited() {
  const int bytes = telling_bytes();
  const std::uint64_t unit = std::uint64_t{1} << (8 * (4 - bytes));
  const std::uint64_t told = (low_ + unit - 1) / unit * unit;
  for (int i = 0; i < bytes; ++i) out_.push_back(static_cast<std::uint8_t>(told >> (24 - 8 * i)));
  return std::move(out_);
}

std::size_t BinaryCoder::delimited_size() const {
  return shifted_ + static_cast<std::size_t>(telling_bytes());
}

std::vector<std::uint8_t> BinaryCoder::finish() {
  // The shortest prefix whose zero-extension is not below low; it is not above high either, since
  // rounding low up to a multiple of 2^(8 (4 - n)) is only taken while it stays inside.
  int written = 0;
  for (; written < 4; ++written) {
    const std::uint64_t unit = std::uint64_t{1} << (8 * (4 - written));
    const std::uint64_t rounded = (low_ + unit - 1) / unit * unit;
    if (rounded <= high_) {
      low_ = static_cast<std::uint32_t>(rounded);
      break;
    }
  }
  for (int i = 0; i < written; ++i) out_.push_back(static_cast<std::uint8_t>(low_ >> (24 - 8 * i)));
  // The reader looks 4 bytes ahead of what was shifted out: it misses 4 - written bytes as it is.
  int room = kMaxOverrun - (4 - written);
  while (room > 0 && !out_.empty() && out_.back() == 0) {
    out_.pop_back();
    --room;
  }
  return std::move(out_);
}

}  // namespace semcodec::entropy
