// Eight floats (four at the level generic and on NEON), loaded from and rounded to float or
// bfloat16. Included by sources that are compiled for every level.

#if defined(SEMCODEC_CPU_FLOAT_VECTORS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SEMCODEC_CPU_FLOAT_VECTORS_INL_H
#undef SEMCODEC_CPU_FLOAT_VECTORS_INL_H
#else
#define SEMCODEC_CPU_FLOAT_VECTORS_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "common/cpu/bfloat.h"

HWY_BEFORE_NAMESPACE();
namespace semcodec::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using FewTag = hn::CappedTag<float, 8>;
using Few = hn::Vec<FewTag>;
inline constexpr std::int64_t kFew = static_cast<std::int64_t>(hn::MaxLanes(FewTag()));

HWY_INLINE Few load_few(const float* p) { return hn::LoadU(FewTag(), p); }
HWY_INLINE Few load_few(const Bfloat* p) {
  const hn::Rebind<std::uint16_t, FewTag> halves;
  const hn::RebindToUnsigned<FewTag> words;
  const auto bits = hn::LoadU(halves, reinterpret_cast<const std::uint16_t*>(p));
  return hn::BitCast(FewTag(), hn::ShiftLeft<16>(hn::PromoteTo(words, bits)));
}

HWY_INLINE void store_few(float* p, Few v) { hn::StoreU(v, FewTag(), p); }
/// Rounds as put() does.
HWY_INLINE void store_few(Bfloat* p, Few v) {
  const hn::Rebind<std::uint16_t, FewTag> halves;
  const hn::RebindToUnsigned<FewTag> words;
  const auto bits = hn::BitCast(words, v);
  const auto lowest = hn::And(hn::ShiftRight<16>(bits), hn::Set(words, 1));
  const auto rounded = hn::Add(hn::Add(bits, hn::Set(words, 0x7fff)), lowest);
  hn::StoreU(hn::TruncateTo(halves, hn::ShiftRight<16>(rounded)), halves,
             reinterpret_cast<std::uint16_t*>(p));
}

}  // namespace
}  // namespace semcodec::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
