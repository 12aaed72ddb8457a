#include "common/cpu/block_difference.h"

#include <cstdlib>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/cpu/block_difference.cpp"
#include <hwy/foreach_target.h>
// Behind it.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace semcodec::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::CappedTag<std::uint16_t, 16>;
using Narrow = hn::CappedTag<std::uint16_t, 8>;

/// Pixels at x … of the difference. No sum of products exceeds 255 · 256 + 128, so 16 bits do.
template <class D>
HWY_INLINE auto differences(D d, const std::uint8_t* current, const std::uint8_t* upper,
                            const std::uint8_t* lower, const std::array<int, 4>& weights) {
  const hn::Rebind<std::uint8_t, D> bytes;
  const auto term = [&](const std::uint8_t* from, int weight) HWY_ATTR {
    return hn::Mul(hn::PromoteTo(d, hn::LoadU(bytes, from)),
                   hn::Set(d, static_cast<std::uint16_t>(weight)));
  };
  const auto upper_sum = hn::Add(term(upper, weights[0]), term(upper + 1, weights[1]));
  const auto lower_sum = hn::Add(term(lower, weights[2]), term(lower + 1, weights[3]));
  const auto rounded = hn::Add(hn::Add(upper_sum, lower_sum), hn::Set(d, 128));
  return hn::SumsOf2(
      hn::AbsDiff(hn::ShiftRight<8>(rounded), hn::PromoteTo(d, hn::LoadU(bytes, current))));
}

HWY_ATTR std::uint32_t block_difference(const std::uint8_t* current, std::size_t stride,
                                        const std::uint8_t* previous, std::size_t previous_stride,
                                        int width, int height, const std::array<int, 4>& weights) {
  const Wide wide;
  const Narrow narrow;
  const hn::RepartitionToWide<Wide> wide_words;
  const hn::RepartitionToWide<Narrow> narrow_words;
  constexpr int kWide = static_cast<int>(hn::MaxLanes(Wide())),
                kNarrow = static_cast<int>(hn::MaxLanes(Narrow()));
  auto wide_sum = hn::Zero(wide_words);
  auto narrow_sum = hn::Zero(narrow_words);
  std::uint32_t sum = 0;
  for (int y = 0; y < height; ++y) {
    const std::uint8_t *upper = previous, *lower = previous + previous_stride;
    int x = 0;
    for (; x + kWide <= width; x += kWide) {
      wide_sum = hn::Add(wide_sum, differences(wide, current + x, upper + x, lower + x, weights));
    }
    for (; x + kNarrow <= width; x += kNarrow) {
      narrow_sum =
          hn::Add(narrow_sum, differences(narrow, current + x, upper + x, lower + x, weights));
    }
    for (; x < width; ++x) {
      const int warped = (upper[x] * weights[0] + upper[x + 1] * weights[1] +
                          lower[x] * weights[2] + lower[x + 1] * weights[3] + 128) >>
                         8;
      sum += static_cast<std::uint32_t>(std::abs(current[x] - warped));
    }
    current += stride;
    previous += previous_stride;
  }
  return sum + hn::ReduceSum(wide_words, wide_sum) + hn::ReduceSum(narrow_words, narrow_sum);
}

}  // namespace
}  // namespace semcodec::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace semcodec::cpu {

HWY_EXPORT(block_difference);

std::uint32_t block_difference(const std::uint8_t* current, std::size_t stride,
                               const std::uint8_t* previous, std::size_t previous_stride, int width,
                               int height, const std::array<int, 4>& weights) {
  return HWY_DYNAMIC_DISPATCH(block_difference)(current, stride, previous, previous_stride, width,
                                                height, weights);
}

}  // namespace semcodec::cpu
#endif
