#include "common/cpu/correlation_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/cpu/correlation_rows.cpp"
#include <hwy/foreach_target.h>
// Behind it.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace semcodec::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Sums in 16 lanes, added up in their order: the same whatever the width of the registers.
constexpr std::int64_t kSums = 16;

template <typename T>
HWY_INLINE T dot(const T* a, const T* b, std::int64_t n) {
  const hn::CappedTag<T, 16> d;
  constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(d));
  constexpr std::int64_t kRegisters = kSums / kLanes;
  hn::Vec<decltype(d)> sums[kRegisters];
  for (auto& sum : sums) sum = hn::Zero(d);
  std::int64_t c = 0;
  for (; c + kSums <= n; c += kSums) {
    for (std::int64_t r = 0; r < kRegisters; ++r) {
      sums[r] =
          hn::MulAdd(hn::LoadU(d, a + c + r * kLanes), hn::LoadU(d, b + c + r * kLanes), sums[r]);
    }
  }
  T tail = 0;
  for (; c < n; ++c) tail += a[c] * b[c];
  T lanes[kSums];
  for (std::int64_t r = 0; r < kRegisters; ++r) hn::StoreU(sums[r], d, lanes + r * kLanes);
  for (const T lane : lanes) tail += lane;
  return tail;
}

template <typename T>
HWY_INLINE void forward(const T* a_row, const T* b_image, T* out, const CorrelationShape& s,
                        std::int64_t y) {
  const T scale = T{1} / static_cast<T>(s.channels);
  const std::int64_t side = 2 * s.steps + 1;
  for (std::int64_t x = 0; x < s.width; ++x) {
    const T* va = a_row + x * s.channels;
    T* cell = out + x * side * side;
    for (std::int64_t j = 0; j < side; ++j) {
      const std::int64_t by = y + (j - s.steps) * s.stride;
      for (std::int64_t i = 0; i < side; ++i) {
        const std::int64_t bx = x + (i - s.steps) * s.stride;
        const bool inside = by >= 0 && by < s.height && bx >= 0 && bx < s.width;
        cell[j * side + i] =
            inside ? scale * dot(va, b_image + (by * s.width + bx) * s.channels, s.channels) : T{0};
      }
    }
  }
}

/// sum += g · v.
template <typename T>
HWY_INLINE void add_scaled(T g, const T* v, T* sum, std::int64_t n) {
  const hn::CappedTag<T, 16> d;
  constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(d));
  const auto factor = hn::Set(d, g);
  std::int64_t c = 0;
  for (; c + kLanes <= n; c += kLanes) {
    hn::StoreU(hn::MulAdd(factor, hn::LoadU(d, v + c), hn::LoadU(d, sum + c)), d, sum + c);
  }
  for (; c < n; ++c) sum[c] += g * v[c];
}

template <typename T>
HWY_INLINE void backward(const T* grad, const T* other, T* out_row, const CorrelationShape& s,
                         std::int64_t y, int sign) {
  const T scale = T{1} / static_cast<T>(s.channels);
  const std::int64_t side = 2 * s.steps + 1;
  for (std::int64_t x = 0; x < s.width; ++x) {
    for (std::int64_t j = 0; j < side; ++j) {
      const std::int64_t oy = y + sign * (j - s.steps) * s.stride;
      if (oy < 0 || oy >= s.height) continue;
      for (std::int64_t i = 0; i < side; ++i) {
        const std::int64_t ox = x + sign * (i - s.steps) * s.stride;
        if (ox < 0 || ox >= s.width) continue;
        const std::int64_t at = sign > 0 ? y * s.width + x : oy * s.width + ox;
        add_scaled(scale * grad[at * side * side + j * side + i],
                   other + (oy * s.width + ox) * s.channels, out_row + x * s.channels, s.channels);
      }
    }
  }
}

HWY_ATTR void forward_floats(const float* a, const float* b, float* out, const CorrelationShape& s,
                             std::int64_t y) {
  forward(a, b, out, s, y);
}
HWY_ATTR void backward_floats(const float* g, const float* o, float* out, const CorrelationShape& s,
                              std::int64_t y, int sign) {
  backward(g, o, out, s, y, sign);
}
HWY_ATTR void forward_doubles(const double* a, const double* b, double* out,
                              const CorrelationShape& s, std::int64_t y) {
  forward(a, b, out, s, y);
}
HWY_ATTR void backward_doubles(const double* g, const double* o, double* out,
                               const CorrelationShape& s, std::int64_t y, int sign) {
  backward(g, o, out, s, y, sign);
}

}  // namespace
}  // namespace semcodec::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace semcodec::cpu {

HWY_EXPORT(forward_floats);
HWY_EXPORT(backward_floats);
HWY_EXPORT(forward_doubles);
HWY_EXPORT(backward_doubles);

void correlation_row(const float* a_row, const float* b_image, float* out,
                     const CorrelationShape& shape, std::int64_t y) {
  HWY_DYNAMIC_DISPATCH(forward_floats)(a_row, b_image, out, shape, y);
}
void correlation_row(const double* a_row, const double* b_image, double* out,
                     const CorrelationShape& shape, std::int64_t y) {
  HWY_DYNAMIC_DISPATCH(forward_doubles)(a_row, b_image, out, shape, y);
}
void correlation_gradient_row(const float* grad, const float* other, float* out_row,
                              const CorrelationShape& shape, std::int64_t y, int sign) {
  HWY_DYNAMIC_DISPATCH(backward_floats)(grad, other, out_row, shape, y, sign);
}
void correlation_gradient_row(const double* grad, const double* other, double* out_row,
                              const CorrelationShape& shape, std::int64_t y, int sign) {
  HWY_DYNAMIC_DISPATCH(backward_doubles)(grad, other, out_row, shape, y, sign);
}

}  // namespace semcodec::cpu
#endif
