#include "models/pairs/pair_planes.h"

#include <cstring>

namespace semcodec::pairs {

Planes::Planes(int pairs_wanted, int w, int h, int b)
    : pair_count(pairs_wanted),
      width(w),
      height(h),
      border(b),
      stride((w + kSpan - 1) / kSpan * kSpan + 2 * b),
      plane(stride * (h + 2 * b)),
      // The last row may be read a span beyond its end.
      words(static_cast<std::size_t>(plane * pairs_wanted + 2 * kSpan)) {}

std::uint32_t pack_pair(float even, float odd) {
  const auto round = [](float v) {
    std::uint32_t bits;
    std::memcpy(&bits, &v, sizeof bits);
    return (bits + 0x7fffU + (bits >> 16 & 1U)) >> 16;
  };
  return round(even) | round(odd) << 16;
}

bool supported() {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
         __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

}  // namespace semcodec::pairs
