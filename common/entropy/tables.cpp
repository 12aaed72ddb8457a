#include "common/entropy/tables.h"

namespace semcodec::entropy {
namespace {

/// log2(value / 2^16) for value in [1, 2^17), in 1/65536, by repeated squaring.
std::int32_t log2_q16(std::uint32_t value) {
  std::int32_t whole = 0;
  std::uint64_t mantissa = value;  // to be brought into [2^31, 2^32)
  while (mantissa < (std::uint64_t{1} << 31)) {
    mantissa <<= 1;
    --whole;
  }
  std::int32_t fraction = 0;
  for (int bit = 15; bit >= 0; --bit) {
    mantissa = (mantissa * mantissa) >> 31;
    if (mantissa >= (std::uint64_t{1} << 32)) {
      mantissa >>= 1;
      fraction |= 1 << bit;
    }
  }
  return (whole + 15) * 65536 + fraction;
}

}  // namespace

Tables::Tables() {
  // Powers of e^(-1/256) in 32-bit fixed point.
  constexpr std::uint64_t kStep = 0xff007fd5;
  constexpr std::uint64_t kOne = std::uint64_t{1} << 32;
  std::uint64_t power = kOne;
  for (int x = 0; x <= kStretchMax; ++x) {
    const auto p = static_cast<std::uint32_t>((kOne << 16) / (kOne + power));
    squash[kStretchMax + x] = static_cast<std::uint16_t>(p);
    squash[kStretchMax - x] = static_cast<std::uint16_t>(65536 - p);
    power = (power * kStep) >> 32;
  }
  int x = -kStretchMax;
  for (std::uint32_t i = 0; i < 4096; ++i) {
    const std::uint32_t p = i * 16 + 8;
    while (x < kStretchMax && squash[x + kStretchMax] < p) ++x;
    stretch[i] = static_cast<std::int16_t>(x);
    cost[i] = static_cast<std::uint32_t>(-log2_q16(p));
  }
}

const Tables kTables;

}  // namespace semcodec::entropy
