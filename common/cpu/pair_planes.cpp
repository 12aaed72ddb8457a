#include "common/cpu/pair_planes.h"

#include <bit>

namespace semcodec::cpu {

Planes::Planes(int pairs_wanted, int w, int h, int b) : Planes(pairs_wanted, w, h, b, b) {}

Planes Planes::of_lines(int pairs_wanted, int w, int h, int b) {
  return Planes(pairs_wanted, w, h, b, 0);
}

Planes::Planes(int pairs_wanted, int w, int h, int b, int l)
    : pair_count(pairs_wanted),
      width(w),
      height(h),
      border(b),
      lead(l),
      stride((w + kSpan - 1) / kSpan * kSpan + 2 * l),
      plane(stride * (h + 2 * b)),
      // The last row may be read a span beyond its end.
      words(static_cast<std::size_t>(plane * pairs_wanted + 2 * kSpan)) {}

std::uint32_t pack_pair(float even, float odd) {
  const auto round = [](float v) {
    const auto bits = std::bit_cast<std::uint32_t>(v);
    return (bits + 0x7fffU + (bits >> 16 & 1U)) >> 16;
  };
  return round(even) | round(odd) << 16;
}

std::uint32_t lane_word(Level level, float weight, int lane) {
  if (!has_pair_products(level)) return std::bit_cast<std::uint32_t>(weight);
  return lane == 0 ? pack_pair(weight, 0) : pack_pair(0, weight);
}

}  // namespace semcodec::cpu
