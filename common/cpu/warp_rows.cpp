#include "common/cpu/warp_rows.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/cpu/warp_rows.cpp"
#include <hwy/foreach_target.h>
// Behind it.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace semcodec::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::CappedTag<float, 16>;
using Ints = hn::RebindToSigned<Floats>;
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(Floats()));

// The steps of one row, for any type: plain C++, for doubles and for what no whole register takes.
template <typename T>
HWY_INLINE void find_some(const T* dx, const T* dy, std::int64_t row, std::int64_t rows,
                          std::int64_t columns, std::int64_t from, RowTaps<T>& taps) {
  const auto y = static_cast<std::int32_t>(row), height = static_cast<std::int32_t>(rows),
             width = static_cast<std::int32_t>(columns);
  const T max_x = static_cast<T>(width), max_y = static_cast<T>(height);
  for (auto x = static_cast<std::int32_t>(from); x < width; ++x) {
    // Written so that a NaN takes the second operand; one pixel beyond the border is enough.
    T px = static_cast<T>(x) + dx[x], py = static_cast<T>(y) + dy[x];
    px = px > T{-1} ? px : T{-1};
    px = px < max_x ? px : max_x;
    py = py > T{-1} ? py : T{-1};
    py = py < max_y ? py : max_y;
    // Floor by truncation of a value that is never negative.
    const std::int32_t ix = static_cast<std::int32_t>(px + T{1}) - 1;
    const std::int32_t iy = static_cast<std::int32_t>(py + T{1}) - 1;
    const std::int32_t x0 = std::clamp(ix, 0, width - 1), x1 = std::clamp(ix + 1, 0, width - 1);
    const std::int32_t y0 = std::clamp(iy, 0, height - 1), y1 = std::clamp(iy + 1, 0, height - 1);
    const auto k = static_cast<std::size_t>(x);
    taps.fx[k] = px - static_cast<T>(ix);
    taps.fy[k] = py - static_cast<T>(iy);
    taps.index[k] = y0 * width + x0;
    taps.right[k] = x1 - x0;
    taps.down[k] = (y1 - y0) * width;
  }
}

template <typename T>
HWY_INLINE void plane_some(const T* plane, T* out, std::int64_t width, std::int64_t from,
                           const RowTaps<T>& taps) {
  for (std::int64_t x = from; x < width; ++x) {
    const auto k = static_cast<std::size_t>(x);
    const std::int32_t i = taps.index[k], r = taps.right[k], d = taps.down[k];
    const T top = plane[i] + taps.fx[k] * (plane[i + r] - plane[i]);
    const T bottom = plane[i + d] + taps.fx[k] * (plane[i + d + r] - plane[i + d]);
    out[x] = top + taps.fy[k] * (bottom - top);
  }
}

/// p > low ? p : low, then p < high ? p : high: a NaN takes the bound.
HWY_INLINE hn::Vec<Floats> held(hn::Vec<Floats> p, float high) {
  const auto low = hn::Set(Floats(), -1), limit = hn::Set(Floats(), high);
  p = hn::IfThenElse(hn::Gt(p, low), p, low);
  return hn::IfThenElse(hn::Lt(p, limit), p, limit);
}

HWY_ATTR void find_floats(const float* dx, const float* dy, std::int64_t row, std::int64_t rows,
                          std::int64_t columns, RowTaps<float>& taps) {
  const Floats d;
  const Ints di;
  const auto one = hn::Set(di, 1), none = hn::Zero(di);
  const auto width = hn::Set(di, static_cast<std::int32_t>(columns));
  const auto last_x = hn::Sub(width, one),
             last_y = hn::Set(di, static_cast<std::int32_t>(rows - 1));
  const auto within = [&](hn::Vec<Ints> v, hn::Vec<Ints> last)
                          HWY_ATTR { return hn::Min(hn::Max(v, none), last); };
  const auto y = hn::Set(d, static_cast<float>(row));
  std::int64_t x = 0;
  for (; x + kLanes <= columns; x += kLanes) {
    const auto px = held(hn::Add(hn::Iota(d, static_cast<float>(x)), hn::LoadU(d, dx + x)),
                         static_cast<float>(columns));
    const auto py = held(hn::Add(y, hn::LoadU(d, dy + x)), static_cast<float>(rows));
    const auto ix = hn::Sub(hn::ConvertInRangeTo(di, hn::Add(px, hn::Set(d, 1))), one);
    const auto iy = hn::Sub(hn::ConvertInRangeTo(di, hn::Add(py, hn::Set(d, 1))), one);
    const auto x0 = within(ix, last_x), x1 = within(hn::Add(ix, one), last_x);
    const auto y0 = within(iy, last_y), y1 = within(hn::Add(iy, one), last_y);
    hn::StoreU(hn::Sub(px, hn::ConvertTo(d, ix)), d, taps.fx.data() + x);
    hn::StoreU(hn::Sub(py, hn::ConvertTo(d, iy)), d, taps.fy.data() + x);
    hn::StoreU(hn::Add(hn::Mul(y0, width), x0), di, taps.index.data() + x);
    hn::StoreU(hn::Sub(x1, x0), di, taps.right.data() + x);
    hn::StoreU(hn::Mul(hn::Sub(y1, y0), width), di, taps.down.data() + x);
  }
  find_some(dx, dy, row, rows, columns, x, taps);
}

HWY_ATTR void plane_floats(const float* plane, float* out, std::int64_t width,
                           const RowTaps<float>& taps) {
  const Floats d;
  const Ints di;
  std::int64_t x = 0;
  for (; x + kLanes <= width; x += kLanes) {
    const auto i = hn::LoadU(di, taps.index.data() + x);
    const auto right = hn::Add(i, hn::LoadU(di, taps.right.data() + x));
    const auto down = hn::LoadU(di, taps.down.data() + x);
    const auto fx = hn::LoadU(d, taps.fx.data() + x), fy = hn::LoadU(d, taps.fy.data() + x);
    const auto p00 = hn::GatherIndex(d, plane, i), p01 = hn::GatherIndex(d, plane, right);
    const auto p10 = hn::GatherIndex(d, plane, hn::Add(i, down)),
               p11 = hn::GatherIndex(d, plane, hn::Add(right, down));
    const auto top = hn::MulAdd(fx, hn::Sub(p01, p00), p00),
               bottom = hn::MulAdd(fx, hn::Sub(p11, p10), p10);
    hn::StoreU(hn::MulAdd(fy, hn::Sub(bottom, top), top), d, out + x);
  }
  plane_some(plane, out, width, x, taps);
}

/// Channels c … of one pixel, as many registers of D as there are whole ones; returns what is next.
template <class D, typename T = hn::TFromD<D>>
HWY_INLINE std::int64_t pixel_channels(D d, const T* const* p, const T* w, T* out, std::int64_t c,
                                       std::int64_t channels) {
  constexpr std::int64_t kStep = static_cast<std::int64_t>(hn::MaxLanes(D()));
  for (; c + kStep <= channels; c += kStep) {
    auto sum = hn::Mul(hn::Set(d, w[0]), hn::LoadU(d, p[0] + c));
    for (int k = 1; k < 4; ++k) sum = hn::MulAdd(hn::Set(d, w[k]), hn::LoadU(d, p[k] + c), sum);
    hn::StoreU(sum, d, out + c);
  }
  return c;
}

template <typename T>
HWY_INLINE void pixels(const T* image, T* out, std::int64_t width, std::int64_t channels,
                       const RowTaps<T>& taps) {
  for (std::int64_t x = 0; x < width; ++x, out += channels) {
    const auto k = static_cast<std::size_t>(x);
    const T* p[4];
    p[0] = image + std::int64_t{taps.index[k]} * channels;
    p[1] = p[0] + std::int64_t{taps.right[k]} * channels;
    p[2] = p[0] + std::int64_t{taps.down[k]} * channels;
    p[3] = p[2] + std::int64_t{taps.right[k]} * channels;
    const T fx = taps.fx[k], fy = taps.fy[k];
    const T w[4] = {(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy};
    std::int64_t c = 0;
    if constexpr (sizeof(T) == sizeof(float)) {
      c = pixel_channels(Floats(), p, w, out, c, channels);
      c = pixel_channels(hn::CappedTag<float, 4>(), p, w, out, c, channels);
    }
    for (; c < channels; ++c) {
      out[c] = w[0] * p[0][c] + w[1] * p[1][c] + w[2] * p[2][c] + w[3] * p[3][c];
    }
  }
}
HWY_ATTR void pixel_floats(const float* image, float* out, std::int64_t width,
                           std::int64_t channels, const RowTaps<float>& taps) {
  pixels(image, out, width, channels, taps);
}

}  // namespace
}  // namespace semcodec::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace semcodec::cpu {

HWY_EXPORT(find_floats);
HWY_EXPORT(plane_floats);
HWY_EXPORT(pixel_floats);

void find_taps(const float* dx, const float* dy, std::int64_t y, std::int64_t height,
               std::int64_t width, RowTaps<float>& taps) {
  HWY_DYNAMIC_DISPATCH(find_floats)(dx, dy, y, height, width, taps);
}
void find_taps(const double* dx, const double* dy, std::int64_t y, std::int64_t height,
               std::int64_t width, RowTaps<double>& taps) {
  HWY_STATIC_DISPATCH(find_some)(dx, dy, y, height, width, 0, taps);
}
void warp_plane_row(const float* plane, float* out, std::int64_t width,
                    const RowTaps<float>& taps) {
  HWY_DYNAMIC_DISPATCH(plane_floats)(plane, out, width, taps);
}
void warp_plane_row(const double* plane, double* out, std::int64_t width,
                    const RowTaps<double>& taps) {
  HWY_STATIC_DISPATCH(plane_some)(plane, out, width, 0, taps);
}
void warp_pixel_row(const float* image, float* out, std::int64_t width, std::int64_t channels,
                    const RowTaps<float>& taps) {
  HWY_DYNAMIC_DISPATCH(pixel_floats)(image, out, width, channels, taps);
}
void warp_pixel_row(const double* image, double* out, std::int64_t width, std::int64_t channels,
                    const RowTaps<double>& taps) {
  HWY_STATIC_DISPATCH(pixels)(image, out, width, channels, taps);
}

}  // namespace semcodec::cpu
#endif
