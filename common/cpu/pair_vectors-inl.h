// The vector unit as the kernels on pair planes (pair_planes.h) see it, on Highway: registers of
// floats and of words, a word being both channels of a pair of one pixel. Included by sources that
// are compiled for every level.

#if defined(SEMCODEC_CPU_PAIR_VECTORS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SEMCODEC_CPU_PAIR_VECTORS_INL_H
#undef SEMCODEC_CPU_PAIR_VECTORS_INL_H
#else
#define SEMCODEC_CPU_PAIR_VECTORS_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "common/cpu/pair_planes.h"

HWY_BEFORE_NAMESPACE();
namespace semcodec::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::CappedTag<float, 16>;
using WordTag = hn::RebindToUnsigned<FloatTag>;
using IntTag = hn::RebindToSigned<FloatTag>;
using HalfwordTag = hn::Repartition<std::uint16_t, FloatTag>;
using Floats = hn::Vec<FloatTag>;
using Words = hn::Vec<WordTag>;
using Mask = int;  ///< so many lanes from the first on

inline constexpr int kLanes = static_cast<int>(hn::MaxLanes(FloatTag()));

#if HWY_TARGET == HWY_AVX3_ZEN4 || HWY_TARGET == HWY_AVX3_SPR
inline constexpr Level kLevel = Level::avx512bf16;
#elif HWY_TARGET == HWY_AVX3
inline constexpr Level kLevel = Level::avx512;
#elif HWY_TARGET == HWY_AVX2
inline constexpr Level kLevel = Level::avx2;
#elif HWY_TARGET == HWY_NEON_BF16
inline constexpr Level kLevel = Level::neonbf16;
#elif HWY_ARCH_ARM_A64
inline constexpr Level kLevel = Level::neon;
#else
inline constexpr Level kLevel = Level::generic;
#endif

inline constexpr bool kPairProducts = has_pair_products(kLevel);
inline constexpr int kWidest = widest_tile(kLevel);         ///< channels that are summed at a time
inline constexpr bool kFewRegisters = kWidest == 6;         ///< sixteen: add_step() needs them all
inline constexpr int kWeightWords = kPairProducts ? 1 : 2;  ///< of one output and input pair

HWY_INLINE Words load(const std::uint32_t* p) { return hn::LoadU(WordTag(), p); }
HWY_INLINE Floats load(const float* p) { return hn::LoadU(FloatTag(), p); }
/// Zeros outside of the mask, where memory is not touched.
HWY_INLINE Floats load(const float* p, Mask mask) {
  return mask == kLanes ? load(p) : hn::LoadN(FloatTag(), p, static_cast<std::size_t>(mask));
}
/// The lower half of the lanes; the upper ones are anything.
HWY_INLINE Floats load_half(const float* p) {
  return hn::ResizeBitCast(FloatTag(), hn::LoadU(hn::Half<FloatTag>(), p));
}
HWY_INLINE void store(std::uint32_t* p, Words v) { hn::StoreU(v, WordTag(), p); }
HWY_INLINE void store(float* p, Floats v) { hn::StoreU(v, FloatTag(), p); }
HWY_INLINE void store(std::uint32_t* p, Mask mask, Words v) {
  // A masked store takes some CPUs dozens of cycles.
  if (mask == kLanes) return store(p, v);
  hn::StoreN(v, WordTag(), p, static_cast<std::size_t>(mask));
}
HWY_INLINE void store(float* p, Mask mask, Floats v) {
  if (mask == kLanes) return store(p, v);
  hn::StoreN(v, FloatTag(), p, static_cast<std::size_t>(mask));
}

/// The lanes that lie inside a row with `left` more pixels.
HWY_INLINE Mask inside(int left) { return std::clamp(left, 0, kLanes); }

/// Two cache lines that will be wanted a row later. Too many streams run through memory for the
/// CPU to foresee them.
HWY_INLINE void fetch(const std::uint32_t* p) {
#if HWY_ARCH_X86
  _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1);
  _mm_prefetch(reinterpret_cast<const char*>(p + 16), _MM_HINT_T1);
#else
  hwy::Prefetch(p);
  hwy::Prefetch(p + 16);
#endif
}

HWY_INLINE Words spread_word(std::uint32_t word) { return hn::Set(WordTag(), word); }
HWY_INLINE Floats spread_bits(std::uint32_t word) {
  return hn::BitCast(FloatTag(), spread_word(word));
}
HWY_INLINE Floats spread(float v) { return hn::Set(FloatTag(), v); }
HWY_INLINE Floats zeros() { return hn::Zero(FloatTag()); }
HWY_INLINE Floats add(Floats a, Floats b) { return hn::Add(a, b); }
HWY_INLINE Floats sub(Floats a, Floats b) { return hn::Sub(a, b); }
HWY_INLINE Floats mul(Floats a, Floats b) { return hn::Mul(a, b); }
HWY_INLINE Floats div(Floats a, Floats b) { return hn::Div(a, b); }
/// a · b + c.
HWY_INLINE Floats fma(Floats a, Floats b, Floats c) { return hn::MulAdd(a, b, c); }
HWY_INLINE Floats larger(Floats a, Floats b) { return hn::Max(a, b); }
HWY_INLINE Floats smaller(Floats a, Floats b) { return hn::Min(a, b); }
HWY_INLINE Floats root(Floats v) { return hn::Sqrt(v); }
/// v · 2^whole for v near 1 and whole numbers within ±120.
HWY_INLINE Floats times_power(Floats v, Floats whole) {
  const auto exponent = hn::ShiftLeft<23>(hn::ConvertInRangeTo(IntTag(), whole));
  return hn::BitCast(FloatTag(), hn::Add(hn::BitCast(IntTag(), v), exponent));
}

/// e^x to 1e-6 for x in ±80: 2^(x log2 e), the whole part by the exponent bits, the rest by a
/// polynomial.
HWY_INLINE Floats exponential(Floats x) {
  x = smaller(larger(x, spread(-80)), spread(80));
  const Floats y = mul(x, spread(1.44269504F));
  const Floats whole = hn::Round(y);
  const Floats f = sub(y, whole);
  Floats p = spread(0.0013333558F);
  for (const float c : {0.0096181291F, 0.0555041087F, 0.2402265070F, 0.6931471806F, 1.0F}) {
    p = fma(p, f, spread(c));
  }
  return times_power(p, whole);
}

HWY_INLINE Floats sigmoid_of(Floats x) {
  const Floats one = spread(1);
  return div(one, add(one, exponential(sub(zeros(), x))));
}

/// The channels of words, as floats.
HWY_INLINE Floats even_of(Words v) { return hn::BitCast(FloatTag(), hn::ShiftLeft<16>(v)); }
HWY_INLINE Floats odd_of(Words v) {
  return hn::BitCast(FloatTag(), hn::And(v, spread_word(0xffff0000U)));
}
/// max(v, 0) of both channels: a negative bfloat16 is a negative 16-bit integer.
HWY_INLINE Words positive(Words v) {
  const hn::RebindToSigned<HalfwordTag> tag;
  return hn::BitCast(WordTag(), hn::Max(hn::BitCast(tag, v), hn::Zero(tag)));
}

/// a0 b0 a1 b1 … of the lower and of the upper half.
HWY_INLINE Floats interleave_low(Floats a, Floats b) {
  return hn::InterleaveWholeLower(FloatTag(), a, b);
}
HWY_INLINE Floats interleave_high(Floats a, Floats b) {
  return hn::InterleaveWholeUpper(FloatTag(), a, b);
}
/// Every second lane of two registers, from the first or the second on.
HWY_INLINE Words even_places(Words near, Words far) { return hn::ConcatEven(WordTag(), far, near); }
HWY_INLINE Words odd_places(Words near, Words far) { return hn::ConcatOdd(WordTag(), far, near); }

#if HWY_NATIVE_DOT_BF16
static_assert(kPairProducts);
using PairTag = hn::Repartition<hwy::bfloat16_t, FloatTag>;

/// Words of two channels, rounded as pack_pair() does.
HWY_INLINE Words pack(Floats even, Floats odd) {
  const HalfwordTag tag;
  const auto both = hn::BitCast(tag, hn::OrderedDemote2To(PairTag(), even, odd));
#if HWY_ARCH_X86
  // a0 a1 … b0 b1 … becomes a0 b0 a1 b1 …
  alignas(64) static constexpr std::uint16_t kInterleave[32] = {
      0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
      8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return hn::BitCast(WordTag(), hn::TableLookupLanes(both, hn::SetTableIndices(tag, kInterleave)));
#else
  const auto odd_first = hn::Shuffle1032(hn::BitCast(WordTag(), both));
  return hn::BitCast(WordTag(), hn::InterleaveLower(tag, both, hn::BitCast(tag, odd_first)));
#endif
}
/// Words of neighbours in a row: word i holds lanes 2i and 2i + 1.
HWY_INLINE Words pack_neighbours(Floats low, Floats high) {
  return hn::BitCast(WordTag(), hn::OrderedDemote2To(PairTag(), low, high));
}

/// What products are made of.
using Factors = Words;
HWY_INLINE Factors factors_of(Words v) { return v; }
HWY_INLINE Floats add_products(Floats sum, Words a, Words b) {
  Floats unused = zeros();  // where the instruction exists, it leaves the second sum alone
  return hn::ReorderWidenMulAccumulate(FloatTag(), hn::BitCast(PairTag(), a),
                                       hn::BitCast(PairTag(), b), sum, unused);
}
/// sum + one channel times a weight of lane_word().
HWY_INLINE Floats add_even(Floats sum, Factors v, std::uint32_t lane_word) {
  return add_products(sum, v, spread_word(lane_word));
}
HWY_INLINE Floats add_odd(Floats sum, Factors v, std::uint32_t lane_word) {
  return add_products(sum, v, spread_word(lane_word));
}

/// Adds the products of two registers of words at `from` with Size weights to the sums of the first
/// register (low) and of the second. Floats: those of odd channels lie `odd_at` after the others.
template <int Size>
HWY_INLINE void add_step(const std::uint32_t* from, const std::uint32_t* weights, int, Floats* low,
                         Floats* high) {
  const Words a = load(from), b = load(from + kLanes);
#pragma GCC unroll 12
  for (int k = 0; k < Size; ++k) {
    const Words w = spread_word(weights[k]);
    low[k] = add_products(low[k], a, w);
    high[k] = add_products(high[k], b, w);
  }
}

#else
static_assert(!kPairProducts);

/// The bfloat16 nearest to each float (to even) in the upper half, anything below.
HWY_INLINE Words rounded(Floats v) {
  const Words bits = hn::BitCast(WordTag(), v);
  const Words lowest = hn::And(hn::ShiftRight<16>(bits), spread_word(1));
  return hn::Add(hn::Add(bits, spread_word(0x7fff)), lowest);
}
HWY_INLINE Words pack(Floats even, Floats odd) {
  const HalfwordTag tag;
  return hn::BitCast(WordTag(), hn::OddEven(hn::BitCast(tag, rounded(odd)),
                                            hn::BitCast(tag, hn::ShiftRight<16>(rounded(even)))));
}
HWY_INLINE Words pack_neighbours(Floats low, Floats high) {
  const Words a = hn::BitCast(WordTag(), low), b = hn::BitCast(WordTag(), high);
  return pack(hn::BitCast(FloatTag(), even_places(a, b)),
              hn::BitCast(FloatTag(), odd_places(a, b)));
}

struct Factors {
  Floats even, odd;
};
HWY_INLINE Factors factors_of(Words v) { return {even_of(v), odd_of(v)}; }
HWY_INLINE Floats add_even(Floats sum, Factors v, std::uint32_t lane_word) {
  return fma(v.even, spread_bits(lane_word), sum);
}
HWY_INLINE Floats add_odd(Floats sum, Factors v, std::uint32_t lane_word) {
  return fma(v.odd, spread_bits(lane_word), sum);
}

/// sum + a · b, in place.
HWY_INLINE Floats accumulate(Floats sum, Floats a, Floats b) {
#if HWY_TARGET == HWY_AVX2 && HWY_COMPILER_GCC_ACTUAL
  // Given the choice, GCC 12 lets the product overwrite a factor, and then has more values alive
  // than the sixteen registers hold.
  asm("vfmadd231ps %2, %1, %0" : "+x"(sum.raw) : "x"(a.raw), "x"(b.raw));
  return sum;
#else
  return fma(a, b, sum);
#endif
}

/// odd_of() with a mask that stays in memory: a register for it is one too many in add_step().
HWY_INLINE Floats odd_of_frugal(Words v) {
#if HWY_TARGET == HWY_AVX2 && HWY_COMPILER_GCC_ACTUAL
  alignas(32) static constexpr std::uint32_t kMask[8] = {0xffff0000, 0xffff0000, 0xffff0000,
                                                         0xffff0000, 0xffff0000, 0xffff0000,
                                                         0xffff0000, 0xffff0000};
  Words odd;
  asm("vpand %2, %1, %0" : "=x"(odd.raw) : "x"(v.raw), "m"(kMask));
  return hn::BitCast(FloatTag(), odd);
#else
  return odd_of(v);
#endif
}

template <int Size>
HWY_INLINE void add_step(const std::uint32_t* from, const std::uint32_t* weights, int odd_at,
                         Floats* low, Floats* high) {
  const Words a = load(from), b = load(from + kLanes);
  {
    const Floats x = even_of(a), y = even_of(b);
#pragma GCC unroll 12
    for (int k = 0; k < Size; ++k) {
      const Floats w = spread_bits(weights[k]);
      low[k] = accumulate(low[k], x, w);
      high[k] = accumulate(high[k], y, w);
    }
  }
  // With sixteen registers words are loaded twice: to keep them would take two more.
  if constexpr (kFewRegisters) asm volatile("" ::: "memory");
  const Floats x = odd_of_frugal(kFewRegisters ? load(from) : a),
               y = odd_of_frugal(kFewRegisters ? load(from + kLanes) : b);
#pragma GCC unroll 12
  for (int k = 0; k < Size; ++k) {
    const Floats w = spread_bits(weights[odd_at + k]);
    low[k] = accumulate(low[k], x, w);
    high[k] = accumulate(high[k], y, w);
  }
}
#endif

}  // namespace
}  // namespace semcodec::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
