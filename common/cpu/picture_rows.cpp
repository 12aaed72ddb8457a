#include "common/cpu/picture_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/cpu/picture_rows.cpp"
#include <hwy/foreach_target.h>
// Behind it.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace semcodec::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::CappedTag<float, 16>;
using IntTag = hn::RebindToSigned<FloatTag>;
using Floats = hn::Vec<FloatTag>;
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(FloatTag()));

HWY_INLINE Floats load(const float* p) { return hn::LoadU(FloatTag(), p); }
HWY_INLINE Floats spread(float v) { return hn::Set(FloatTag(), v); }
/// Within 0..1; a NaN gives one of them.
HWY_INLINE Floats limited(Floats v) {
  return hn::Min(hn::IfThenElseZero(hn::Gt(v, hn::Zero(FloatTag())), v), spread(1));
}
HWY_INLINE float limited(float v) {
  v = v > 0.0F ? v : 0.0F;
  return v < 1.0F ? v : 1.0F;
}

// A transposition of cells of four values: left to the compiler.
template <typename T>
HWY_INLINE void spread_cells(const T* cells, std::int64_t dy, std::int64_t width, float* out) {
  const T* from = cells + 8 * dy;
  for (std::int64_t x = 0; x < width / 2; ++x) {
    for (std::int64_t dx = 0; dx < 2; ++dx) {
      for (std::int64_t c = 0; c < 4; ++c) {
        out[c * width + 2 * x + dx] = to_float(from[16 * x + 4 * dx + c]);
      }
    }
  }
}
HWY_ATTR void spread_floats(const float* cells, std::int64_t dy, std::int64_t width, float* out) {
  spread_cells(cells, dy, width, out);
}
HWY_ATTR void spread_bfloats(const Bfloat* cells, std::int64_t dy, std::int64_t width, float* out) {
  spread_cells(cells, dy, width, out);
}

/// sigmoid(4 h - 2) by 2^(x log2 e): the whole part by the exponent bits, the rest by a polynomial.
HWY_INLINE Floats share_of(Floats v) {
  Floats y = hn::Mul(hn::NegMulAdd(v, spread(4), spread(2)), spread(1.44269504F));
  y = hn::Min(hn::IfThenElse(hn::Gt(y, spread(-60)), y, spread(-60)), spread(60));
  const Floats whole = hn::Round(y);
  const Floats f = hn::Sub(y, whole);
  Floats p = spread(0.0013333558F);
  for (const float c : {0.0096181291F, 0.0555041087F, 0.2402265070F, 0.6931471806F, 1.0F}) {
    p = hn::MulAdd(p, f, spread(c));
  }
  const auto exponent = hn::ShiftLeft<23>(hn::ConvertInRangeTo(IntTag(), whole));
  p = hn::BitCast(FloatTag(), hn::Add(hn::BitCast(IntTag(), p), exponent));
  return hn::Div(spread(1), hn::Add(spread(1), p));
}
HWY_ATTR void shares(float* values, std::int64_t width) {
  std::int64_t x = 0;
  for (; x + kLanes <= width; x += kLanes) {
    hn::StoreU(share_of(load(values + x)), FloatTag(), values + x);
  }
  if (x == width) return;
  const auto left = static_cast<std::size_t>(width - x);
  hn::StoreN(share_of(hn::LoadN(FloatTag(), values + x, left)), FloatTag(), values + x, left);
}

HWY_ATTR void add(const float* added, const float* base, std::int64_t width, float* out) {
  std::int64_t x = 0;
  for (; x + kLanes <= width; x += kLanes) {
    hn::StoreU(limited(hn::Add(load(base + x), load(added + x))), FloatTag(), out + x);
  }
  for (; x < width; ++x) out[x] = limited(base[x] + added[x]);
}

HWY_ATTR void blend(const float* added, const float* base, const float* memory, const float* share,
                    std::int64_t width, float* out) {
  std::int64_t x = 0;
  for (; x + kLanes <= width; x += kLanes) {
    const Floats restored = hn::Add(load(base + x), load(added + x));
    const Floats other = hn::Sub(load(memory + x), restored);
    hn::StoreU(limited(hn::MulAdd(load(share + x), other, restored)), FloatTag(), out + x);
  }
  for (; x < width; ++x) {
    const float restored = base[x] + added[x];
    out[x] = limited(restored + share[x] * (memory[x] - restored));
  }
}

HWY_ATTR void mix(const float* const* rows, const float* weight, std::int64_t width, float* out) {
  const float *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];
  std::int64_t x = 0;
  for (; x + kLanes <= width; x += kLanes) {
    Floats sum = hn::Mul(load(a + x), spread(weight[0]));
    sum = hn::MulAdd(load(b + x), spread(weight[1]), sum);
    sum = hn::MulAdd(load(c + x), spread(weight[2]), sum);
    sum = hn::MulAdd(load(d + x), spread(weight[3]), sum);
    hn::StoreU(sum, FloatTag(), out + x);
  }
  for (; x < width; ++x) {
    out[x] = weight[0] * a[x] + weight[1] * b[x] + weight[2] * c[x] + weight[3] * d[x];
  }
}

// Single values from anywhere: left to the compiler.
HWY_ATTR void enlarge(const float* row, const std::int64_t* index, const float* weight,
                      std::int64_t width, float* out) {
  for (std::int64_t x = 0; x < width; ++x, index += 4, weight += 4) {
    out[x] = limited(row[index[0]] * weight[0] + row[index[1]] * weight[1] +
                     row[index[2]] * weight[2] + row[index[3]] * weight[3]);
  }
}

HWY_ATTR void average(const float* top, const float* bottom, std::int64_t width, float* out) {
  const FloatTag d;
  std::int64_t x = 0;
  for (; x + kLanes <= width; x += kLanes) {
    Floats t0, t1, b0, b1;
    hn::LoadInterleaved2(d, top + 2 * x, t0, t1);
    hn::LoadInterleaved2(d, bottom + 2 * x, b0, b1);
    const Floats sum = hn::Add(hn::Add(hn::Add(t0, t1), b0), b1);
    hn::StoreU(hn::Mul(sum, spread(0.25F)), d, out + x);
  }
  for (; x < width; ++x) {
    out[x] = 0.25F * (top[2 * x] + top[2 * x + 1] + bottom[2 * x] + bottom[2 * x + 1]);
  }
}

}  // namespace
}  // namespace semcodec::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace semcodec::cpu {

HWY_EXPORT(spread_floats);
HWY_EXPORT(spread_bfloats);
HWY_EXPORT(shares);
HWY_EXPORT(add);
HWY_EXPORT(blend);
HWY_EXPORT(mix);
HWY_EXPORT(enlarge);
HWY_EXPORT(average);

void spread_row(const float* cells, std::int64_t dy, std::int64_t width, float* out) {
  HWY_DYNAMIC_DISPATCH(spread_floats)(cells, dy, width, out);
}
void spread_row(const Bfloat* cells, std::int64_t dy, std::int64_t width, float* out) {
  HWY_DYNAMIC_DISPATCH(spread_bfloats)(cells, dy, width, out);
}
void shares_of(float* values, std::int64_t width) { HWY_DYNAMIC_DISPATCH(shares)(values, width); }
void add_row(const float* added, const float* base, std::int64_t width, float* out) {
  HWY_DYNAMIC_DISPATCH(add)(added, base, width, out);
}
void blend_row(const float* added, const float* base, const float* memory, const float* share,
               std::int64_t width, float* out) {
  HWY_DYNAMIC_DISPATCH(blend)(added, base, memory, share, width, out);
}
void mix_rows(const float* const* rows, const float* weight, std::int64_t width, float* out) {
  HWY_DYNAMIC_DISPATCH(mix)(rows, weight, width, out);
}
void enlarge_row(const float* row, const std::int64_t* index, const float* weight,
                 std::int64_t width, float* out) {
  HWY_DYNAMIC_DISPATCH(enlarge)(row, index, weight, width, out);
}
void average_row(const float* top, const float* bottom, std::int64_t width, float* out) {
  HWY_DYNAMIC_DISPATCH(average)(top, bottom, width, out);
}

}  // namespace semcodec::cpu
#endif
