#include "common/cpu/mixing.h"

#include "common/cpu/level.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/cpu/mixing.cpp"
#include <hwy/foreach_target.h>
// Behind it.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace semcodec::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Of 512 bits there would be one register, whose sum takes longer than that of two.
using Ints = hn::CappedTag<std::int32_t, 8>;
constexpr std::size_t kLanes = hn::MaxLanes(Ints());
static_assert(kInputs % kLanes == 0 && kGroups == 2);

HWY_INLINE hn::Vec<Ints> products(const std::int32_t* weights, const std::int32_t* x) {
  const Ints d;
  auto sum = hn::Mul(hn::ShiftRight<4>(hn::LoadU(d, weights)), hn::Load(d, x));
  for (std::size_t i = kLanes; i < kInputs; i += kLanes) {
    sum = hn::Add(sum, hn::Mul(hn::ShiftRight<4>(hn::LoadU(d, weights + i)), hn::Load(d, x + i)));
  }
  return sum;
}

/// The sum of the 128-bit blocks.
template <class D, class V>
HWY_INLINE auto one_block([[maybe_unused]] D d, V v) {
  if constexpr (hn::MaxLanes(D()) == 8) {
    const hn::Half<D> half;
    return hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v));
  } else {
    return v;
  }
}

HWY_ATTR void mix(MixWork& work) {
  const Ints d;
  const auto a = products(work.weights[0], work.x.data());
  const auto b = products(work.weights[1], work.x.data());
#if HWY_TARGET == HWY_SCALAR
  work.sum = {hn::GetLane(hn::ShiftRight<12>(a)), hn::GetLane(hn::ShiftRight<12>(b))};
#else
  // Both sums at a time: a b a b … of half the terms, then of one block, then of two lanes.
  const auto halves = hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b));
  const auto four = one_block(d, halves);
  const auto two = hn::ShiftRight<12>(hn::Add(four, hn::Shuffle1032(four)));
  hn::StoreU(hn::ResizeBitCast(hn::FixedTag<std::int32_t, 2>(), two),
             hn::FixedTag<std::int32_t, 2>(), work.sum.data());
#endif
}

HWY_ATTR void train(MixWork& work) {
  const Ints d;
  const auto half = hn::Set(d, 1 << 13);
  const auto highest = hn::Set(d, kWeightMax), lowest = hn::Set(d, -kWeightMax);
  for (std::size_t g = 0; g < std::size_t{kGroups}; ++g) {
    const auto gain = hn::Set(d, work.gain[g]);
    for (std::size_t i = 0; i < std::size_t{kInputs}; i += kLanes) {
      std::int32_t* w = work.weights[g] + i;
      const auto step =
          hn::ShiftRight<14>(hn::Add(hn::Mul(hn::Load(d, work.x.data() + i), gain), half));
      const auto moved = hn::Add(hn::LoadU(d, w), step);
      hn::StoreU(hn::Min(hn::Max(moved, lowest), highest), d, w);
    }
  }
}

const MixKernels* table() {
  static constexpr MixKernels kTable{mix, train};
  return &kTable;
}

}  // namespace
}  // namespace semcodec::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace semcodec::cpu {

HWY_EXPORT(table);

const MixKernels& mix_kernels() noexcept {
  level_or_best();
  return *HWY_DYNAMIC_DISPATCH(table)();
}

}  // namespace semcodec::cpu
#endif
