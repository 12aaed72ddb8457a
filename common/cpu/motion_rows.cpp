#include "common/cpu/motion_rows.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/cpu/motion_rows.cpp"
#include <hwy/foreach_target.h>
// Behind it.
#include "common/cpu/float_vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace semcodec::cpu::HWY_NAMESPACE {
namespace {

constexpr float kCell = 4;  // pixels

/// One picture's channels of one cell, taken from (x, y) of it, held at the border.
template <typename T>
HWY_INLINE void sample(const float* small, float x, float y, const MotionView& view, T* out) {
  // Written so that a NaN takes the second operand; one cell beyond the border is enough.
  x = x > -1.0F ? x : -1.0F;
  x = x < static_cast<float>(view.width) ? x : static_cast<float>(view.width);
  y = y > -1.0F ? y : -1.0F;
  y = y < static_cast<float>(view.height) ? y : static_cast<float>(view.height);
  const auto ix = static_cast<std::int64_t>(x + 1.0F) - 1;
  const auto iy = static_cast<std::int64_t>(y + 1.0F) - 1;
  const Few fx = hn::Set(FewTag(), x - static_cast<float>(ix)),
            fy = hn::Set(FewTag(), y - static_cast<float>(iy));
  const auto x0 = std::clamp<std::int64_t>(ix, 0, view.width - 1) * kMotionPicture,
             x1 = std::clamp<std::int64_t>(ix + 1, 0, view.width - 1) * kMotionPicture,
             row = view.width * kMotionPicture,
             y0 = std::clamp<std::int64_t>(iy, 0, view.height - 1) * row,
             y1 = std::clamp<std::int64_t>(iy + 1, 0, view.height - 1) * row;
  const float *p00 = small + y0 + x0, *p01 = small + y0 + x1, *p10 = small + y1 + x0,
              *p11 = small + y1 + x1;
  // Twelve channels: three runs of four, or two of eight that overlap.
  for (std::int64_t c = 0; c + kFew <= kMotionPicture; c += 4) {
    const Few a = load_few(p00 + c), b = load_few(p10 + c);
    const Few top = hn::MulAdd(fx, hn::Sub(load_few(p01 + c), a), a);
    const Few bottom = hn::MulAdd(fx, hn::Sub(load_few(p11 + c), b), b);
    store_few(out + c, hn::MulAdd(fy, hn::Sub(bottom, top), top));
  }
}

template <typename T>
HWY_INLINE void fill(const MotionView& view, std::int64_t y, T* out) {
  for (std::int64_t x = 0; x < view.width; ++x, out += kMotionChannels) {
    const std::int64_t at = y * view.width + x;
    for (std::int64_t i = 0; i < 2; ++i) {
      const float dx = view.flow[i][0][at], dy = view.flow[i][1][at];
      sample(view.small[i], static_cast<float>(x) + dx * (1.0F / kCell),
             static_cast<float>(y) + dy * (1.0F / kCell), view, out + i * kMotionPicture);
      put(out[2 * kMotionPicture + 2 * i], dx * (1.0F / kMotionUnit));
      put(out[2 * kMotionPicture + 2 * i + 1], dy * (1.0F / kMotionUnit));
    }
    put(out[28], view.tau);
    put(out[29], view.interval);
    put(out[30], 0.0F);
    put(out[31], 0.0F);
  }
}
HWY_ATTR void fill_floats(const MotionView& view, std::int64_t y, float* out) {
  fill(view, y, out);
}
HWY_ATTR void fill_bfloats(const MotionView& view, std::int64_t y, Bfloat* out) {
  fill(view, y, out);
}

}  // namespace
}  // namespace semcodec::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace semcodec::cpu {

HWY_EXPORT(fill_floats);
HWY_EXPORT(fill_bfloats);

void fill_motion_row(const MotionView& view, std::int64_t y, float* out) {
  HWY_DYNAMIC_DISPATCH(fill_floats)(view, y, out);
}
void fill_motion_row(const MotionView& view, std::int64_t y, Bfloat* out) {
  HWY_DYNAMIC_DISPATCH(fill_bfloats)(view, y, out);
}

}  // namespace semcodec::cpu
#endif
