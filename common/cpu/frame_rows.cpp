// Four floats at a time: the four components of a pixel when warping, the four sub-pixels of a
// folded cell when blending.

#include "common/cpu/frame_rows.h"

#include <algorithm>
#include <bit>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/cpu/frame_rows.cpp"
#include <hwy/foreach_target.h>
// Behind it.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace semcodec::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using FourTag = hn::FixedTag<float, 4>;
using IntTag = hn::RebindToSigned<FourTag>;
using Four = hn::Vec<FourTag>;

HWY_INLINE Four load(const float* p) { return hn::LoadU(FourTag(), p); }
HWY_INLINE Four spread(float v) { return hn::Set(FourTag(), v); }

/// e^x to 1e-6, for x in ±80: 2^(x log2 e), whole part by the exponent bits, rest by a polynomial.
HWY_INLINE Four exponential(Four x) {
  const Four y = hn::Mul(x, spread(1.44269504F));
  const Four whole = hn::Round(y);
  const Four f = hn::Sub(y, whole);
  Four p = spread(0.0013333558F);
  for (const float c : {0.0096181291F, 0.0555041087F, 0.2402265070F, 0.6931471806F, 1.0F}) {
    p = hn::MulAdd(p, f, spread(c));
  }
  const auto exponent = hn::ShiftLeft<23>(hn::ConvertInRangeTo(IntTag(), whole));
  return hn::BitCast(FourTag(), hn::Add(hn::BitCast(IntTag(), p), exponent));
}

/// One row of the flow at full size: bilinear between the centres of 4×4 cells.
HWY_INLINE void enlarge_flow_row(const float* flow, std::int64_t y, std::int64_t rows,
                                 std::int64_t columns, float* out) {
  const float at = (static_cast<float>(y) + 0.5F) * 0.25F - 0.5F;
  const float low = std::max(at, 0.0F);
  const auto y0 = static_cast<std::int64_t>(low);
  const auto y1 = std::min(y0 + 1, rows - 1);
  const float fy = low - static_cast<float>(y0);
  const float* top = flow + y0 * columns;
  const float* bottom = flow + y1 * columns;
  const auto value = [&](std::int64_t x) { return top[x] + fy * (bottom[x] - top[x]); };
  const Four shares = hn::Dup128VecFromValues(FourTag(), 0.375F, 0.125F, 0.125F, 0.375F);
  float left = value(0), here = left;
  for (std::int64_t x = 0; x < columns; ++x) {
    const float right = value(std::min(x + 1, columns - 1));
    const Four others = hn::Dup128VecFromValues(FourTag(), left, left, right, right);
    const Four middle = spread(here);
    hn::StoreU(hn::MulAdd(shares, hn::Sub(others, middle), middle), FourTag(), out + 4 * x);
    left = here;
    here = right;
  }
}

HWY_INLINE void warp_row(const float* pixels, const float* dx, const float* dy, std::int64_t y,
                         std::int64_t height, std::int64_t width, float* out) {
  const auto max_x = static_cast<float>(width), max_y = static_cast<float>(height);
  for (std::int64_t x = 0; x < width; ++x) {
    // Written so that a NaN takes the second operand; one pixel beyond the border is enough.
    float px = static_cast<float>(x) + dx[x], py = static_cast<float>(y) + dy[x];
    px = px > -1.0F ? px : -1.0F;
    px = px < max_x ? px : max_x;
    py = py > -1.0F ? py : -1.0F;
    py = py < max_y ? py : max_y;
    const auto ix = static_cast<std::int64_t>(px + 1.0F) - 1;
    const auto iy = static_cast<std::int64_t>(py + 1.0F) - 1;
    const Four fx = spread(px - static_cast<float>(ix)), fy = spread(py - static_cast<float>(iy));
    const auto x0 = std::clamp<std::int64_t>(ix, 0, width - 1),
               x1 = std::clamp<std::int64_t>(ix + 1, 0, width - 1),
               y0 = std::clamp<std::int64_t>(iy, 0, height - 1) * width,
               y1 = std::clamp<std::int64_t>(iy + 1, 0, height - 1) * width;
    const Four p00 = load(pixels + 4 * (y0 + x0)), p01 = load(pixels + 4 * (y0 + x1));
    const Four p10 = load(pixels + 4 * (y1 + x0)), p11 = load(pixels + 4 * (y1 + x1));
    const Four top = hn::MulAdd(fx, hn::Sub(p01, p00), p00),
               bottom = hn::MulAdd(fx, hn::Sub(p11, p10), p10);
    hn::StoreU(hn::MulAdd(fy, hn::Sub(bottom, top), top), FourTag(), out + 4 * x);
  }
}

HWY_ATTR void warp_one_row(const float* pixels, const float* flow, std::int64_t y,
                           std::int64_t height, std::int64_t width, float* dx, float* dy,
                           float* out) {
  const std::int64_t rows = height / 4, columns = width / 4;
  enlarge_flow_row(flow, y, rows, columns, dx);
  enlarge_flow_row(flow + rows * columns, y, rows, columns, dy);
  warp_row(pixels, dx, dy, y, height, width, out);
}

// Single values from and to places far apart: left to the compiler.
template <typename T>
HWY_INLINE void fold_rows(const float* rows, std::int64_t width, T* out, std::int64_t stride) {
  for (std::int64_t x = 0; x < width / 2; ++x, out += stride) {
    for (std::int64_t s = 0; s < 4; ++s) {
      const float* pixel = rows + 4 * ((s / 2) * width + 2 * x + s % 2);
      for (std::int64_t c = 0; c < 3; ++c) put(out[4 * c + s], pixel[c]);
    }
  }
}
HWY_ATTR void fold_floats(const float* rows, std::int64_t width, float* out, std::int64_t stride) {
  fold_rows(rows, width, out, stride);
}
HWY_ATTR void fold_bfloats(const float* rows, std::int64_t width, Bfloat* out,
                           std::int64_t stride) {
  fold_rows(rows, width, out, stride);
}
HWY_ATTR void fold_words(const float* rows, std::int64_t width, std::uint32_t* out,
                         std::ptrdiff_t plane) {
  const auto rounded = [](float v) {
    const auto bits = std::bit_cast<std::uint32_t>(v);
    return (bits + 0x7fffU + (bits >> 16 & 1U)) >> 16;  // to even
  };
  for (std::int64_t c = 0; c < 3; ++c) {
    for (std::int64_t dy = 0; dy < 2; ++dy) {
      const float* from = rows + 4 * dy * width + c;
      std::uint32_t* to = out + (2 * c + dy) * plane;
      for (std::int64_t x = 0; x < width / 2; ++x) {
        to[x] = rounded(from[8 * x]) | rounded(from[8 * x + 4]) << 16;
      }
    }
  }
}

/// Four channels of a folded cell, channels last.
HWY_INLINE Four four_of(const float* cell, std::int64_t c) { return load(cell + c); }
HWY_INLINE Four four_of(const Bfloat* cell, std::int64_t c) {
  const hn::FixedTag<std::uint16_t, 4> halves;
  const hn::RebindToUnsigned<FourTag> words;
  const auto bits = hn::LoadU(halves, reinterpret_cast<const std::uint16_t*>(cell + c));
  return hn::BitCast(FourTag(), hn::ShiftLeft<16>(hn::PromoteTo(words, bits)));
}
HWY_INLINE void next_cell(const float*& cell) { cell += 24; }
HWY_INLINE void next_cell(const Bfloat*& cell) { cell += 24; }
/// The same of pair planes.
HWY_INLINE Four four_of(const PairChannels& cell, std::int64_t c) {
  const std::uint32_t* p = cell.first + c / 2 * cell.plane;
  const std::uint32_t low = p[0], high = p[cell.plane];
  return hn::BitCast(FourTag(),
                     hn::Dup128VecFromValues(hn::FixedTag<std::uint32_t, 4>(), low << 16,
                                             low & 0xffff0000U, high << 16, high & 0xffff0000U));
}
HWY_INLINE void next_cell(PairChannels& cell) { ++cell.first; }

template <typename Heads>
HWY_INLINE void blend_rows(Heads heads, const float* a, const float* b, std::int64_t width, float t,
                           std::uint8_t* out) {
  const FourTag d;
  const auto held = [](Four v, float low, float high)
                        HWY_ATTR { return hn::Min(hn::Max(v, spread(low)), spread(high)); };
  alignas(16) float added[12], shares[16];
  alignas(16) std::int32_t bytes[4];
  for (std::int64_t x = 0; x < width / 2; ++x, next_cell(heads)) {
    const Four wr = hn::Mul(exponential(held(four_of(heads, 12), -8, 8)), spread(0.25F));
    const Four wa = hn::Mul(exponential(held(four_of(heads, 16), -8, 8)), spread(1.0F - t));
    const Four wb = hn::Mul(exponential(held(four_of(heads, 20), -8, 8)), spread(t));
    const Four scale = hn::Div(spread(255), hn::Add(hn::Add(wa, wb), wr));
    for (std::int64_t c = 0; c < 3; ++c) hn::Store(four_of(heads, 4 * c), d, added + 4 * c);
    hn::Store(wr, d, shares);
    hn::Store(wa, d, shares + 4);
    hn::Store(wb, d, shares + 8);
    hn::Store(scale, d, shares + 12);
    for (std::int64_t s = 0; s < 4; ++s) {
      const std::int64_t at = (s / 2) * width + 2 * x + s % 2;
      const Four pa = load(a + 4 * at), pb = load(b + 4 * at);
      const Four more = hn::Dup128VecFromValues(d, added[s], added[4 + s], added[8 + s], 0.0F);
      const Four raw = hn::Add(hn::MulAdd(pa, spread(1.0F - t), hn::Mul(pb, spread(t))), more);
      Four sum = hn::Mul(pa, spread(shares[4 + s]));
      sum = hn::MulAdd(pb, spread(shares[8 + s]), sum);
      sum = hn::MulAdd(raw, spread(shares[s]), sum);
      const Four value = held(hn::MulAdd(sum, spread(shares[12 + s]), spread(0.5F)), 0, 255);
      hn::Store(hn::ConvertInRangeTo(IntTag(), value), IntTag(), bytes);
      for (std::int64_t c = 0; c < 3; ++c) out[3 * at + c] = static_cast<std::uint8_t>(bytes[c]);
    }
  }
}
HWY_ATTR void blend_floats(const float* heads, const float* a, const float* b, std::int64_t width,
                           float t, std::uint8_t* out) {
  blend_rows(heads, a, b, width, t, out);
}
HWY_ATTR void blend_bfloats(const Bfloat* heads, const float* a, const float* b, std::int64_t width,
                            float t, std::uint8_t* out) {
  blend_rows(heads, a, b, width, t, out);
}
HWY_ATTR void blend_words(const PairChannels& heads, const float* a, const float* b,
                          std::int64_t width, float t, std::uint8_t* out) {
  blend_rows(heads, a, b, width, t, out);
}

}  // namespace
}  // namespace semcodec::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace semcodec::cpu {

HWY_EXPORT(warp_one_row);
HWY_EXPORT(fold_floats);
HWY_EXPORT(fold_bfloats);
HWY_EXPORT(fold_words);
HWY_EXPORT(blend_floats);
HWY_EXPORT(blend_bfloats);
HWY_EXPORT(blend_words);

void warp_frame_row(const float* pixels, const float* flow, std::int64_t y, std::int64_t height,
                    std::int64_t width, float* dx, float* dy, float* out) {
  HWY_DYNAMIC_DISPATCH(warp_one_row)(pixels, flow, y, height, width, dx, dy, out);
}
void fold_two_rows(const float* rows, std::int64_t width, float* out, std::int64_t stride) {
  HWY_DYNAMIC_DISPATCH(fold_floats)(rows, width, out, stride);
}
void fold_two_rows(const float* rows, std::int64_t width, Bfloat* out, std::int64_t stride) {
  HWY_DYNAMIC_DISPATCH(fold_bfloats)(rows, width, out, stride);
}
void fold_two_rows(const float* rows, std::int64_t width, std::uint32_t* out,
                   std::ptrdiff_t plane) {
  HWY_DYNAMIC_DISPATCH(fold_words)(rows, width, out, plane);
}
void blend_two_rows(const float* heads, const float* a, const float* b, std::int64_t width, float t,
                    std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(blend_floats)(heads, a, b, width, t, out);
}
void blend_two_rows(const Bfloat* heads, const float* a, const float* b, std::int64_t width,
                    float t, std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(blend_bfloats)(heads, a, b, width, t, out);
}
void blend_two_rows(const PairChannels& heads, const float* a, const float* b, std::int64_t width,
                    float t, std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(blend_words)(heads, a, b, width, t, out);
}

}  // namespace semcodec::cpu
#endif
