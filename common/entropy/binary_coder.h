#pragma once
// The binary arithmetic coder: writes, reads or only measures binary decisions.
//
// State: an interval [low, high] of 32-bit numbers, at first everything. A decision with
// probability p of being 1 cuts it at mid = low + ((high - low) * p >> 16): 1 keeps [low, mid],
// 0 keeps [mid + 1, high]. While the top bytes of low and high agree, that byte is written (read)
// and both are shifted by 8 (low gets 0x00, high 0xff). The end is the shortest byte string that
// lies in the interval when it is followed by zeros; trailing zero bytes are dropped as the reader
// takes missing bytes as zeros (kMaxOverrun at most).

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/entropy/tables.h"

namespace semcodec::entropy {

class BinaryCoder {
 public:
  enum class Mode { write, read, measure };
  /// A reader may miss this many bytes at the end of its chunk.
  static constexpr int kMaxOverrun = 8;

  /// For Mode::write or Mode::measure.
  explicit BinaryCoder(Mode mode) : mode_(mode) {}
  /// Reads `chunk`, which must outlive the coder.
  explicit BinaryCoder(std::span<const std::uint8_t> chunk);

  /// Codes one decision whose probability of being 1 is p / 65536, p in 1...65535. Returns `bit`,
  /// or, when reading, the bit read.
  int code(int bit, std::uint32_t p) {
    if (mode_ != Mode::measure) {
      const auto range = static_cast<std::uint64_t>(high_ - low_);
      const std::uint32_t mid = low_ + static_cast<std::uint32_t>((range * p) >> 16);
      if (mode_ == Mode::read) bit = code_ <= mid ? 1 : 0;
      if (bit != 0) {
        high_ = mid;
      } else {
        low_ = mid + 1;
      }
      while (((low_ ^ high_) & 0xff000000u) == 0) shift();
    }
    cost_ += cost_of(bit != 0 ? p : 65536 - p);
    return bit;
  }

  bool reading() const { return mode_ == Mode::read; }
  /// Ideal length of everything coded so far, in 1/65536 bit.
  std::uint64_t cost() const { return cost_; }
  /// True when the reader has used more bytes than there are, by more than kMaxOverrun.
  bool overrun() const { return missing_ > kMaxOverrun; }
  /// Ends a written chunk.
  std::vector<std::uint8_t> finish();
  /// Ends a written chunk behind which anything may follow: the shortest byte string all of whose
  /// continuations lie in the interval. Seldom more than a byte longer than finish().
  std::vector<std::uint8_t> finish_delimited();
  /// Of a reader behind the last decision: how long the chunk was that finish_delimited() made.
  std::size_t delimited_size() const;

 private:
  /// Bytes that tell the interval from all others, whatever follows.
  int telling_bytes() const;
  void shift();
  std::uint32_t next_byte();

  Mode mode_;
  std::uint32_t low_ = 0;
  std::uint32_t high_ = 0xffffffffu;
  std::uint32_t code_ = 0;
  std::span<const std::uint8_t> in_;
  std::size_t position_ = 0;
  std::size_t shifted_ = 0;  // bytes
  int missing_ = 0;
  std::uint64_t cost_ = 0;
  std::vector<std::uint8_t> out_;
};

}  // namespace semcodec::entropy
