#include "common/cpu/map_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/cpu/map_rows.cpp"
#include <hwy/foreach_target.h>
// Behind it.
#include "common/cpu/float_vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace semcodec::cpu::HWY_NAMESPACE {
namespace {

constexpr float kSlope = 0.2F;

HWY_INLINE Few rectified(Few v) { return hn::Max(v, hn::Mul(v, hn::Set(FewTag(), kSlope))); }
HWY_INLINE float rectified(float v) { return v > v * kSlope ? v : v * kSlope; }
/// What the leaky ReLU of was `v`.
HWY_INLINE Few unrectified(Few v) { return hn::Min(v, hn::Mul(v, hn::Set(FewTag(), 1 / kSlope))); }
HWY_INLINE float unrectified(float v) { return v < v * (1 / kSlope) ? v : v * (1 / kSlope); }

template <typename T>
HWY_INLINE void leaky_loop(const T* in, T* out, std::int64_t count) {
  std::int64_t i = 0;
  for (; i + kFew <= count; i += kFew) store_few(out + i, rectified(load_few(in + i)));
  for (; i < count; ++i) put(out[i], rectified(to_float(in[i])));
}
HWY_ATTR void leaky_floats(const float* in, float* out, std::int64_t count) {
  leaky_loop(in, out, count);
}
HWY_ATTR void leaky_bfloats(const Bfloat* in, Bfloat* out, std::int64_t count) {
  leaky_loop(in, out, count);
}

/// One run of channels.
template <bool undo, typename T>
HWY_INLINE void add_channels(const T* x, const T* skip, T* sum, T* active, std::int64_t channels) {
  std::int64_t c = 0;
  for (; c + kFew <= channels; c += kFew) {
    const Few before = load_few(skip + c);
    const Few value = hn::Add(load_few(x + c), undo ? unrectified(before) : before);
    if (sum != nullptr) store_few(sum + c, value);
    store_few(active + c, rectified(value));
  }
  for (; c < channels; ++c) {
    const float before = to_float(skip[c]);
    const float value = to_float(x[c]) + (undo ? unrectified(before) : before);
    if (sum != nullptr) put(sum[c], value);
    put(active[c], rectified(value));
  }
}

template <bool undo, typename T>
HWY_INLINE void add_shuffled_loop(const T* x, const T* skip, T* sum, T* active, std::int64_t width,
                                  std::int64_t channels) {
  for (std::int64_t dy = 0; dy < 2; ++dy) {
    for (std::int64_t i = 0; i < width; ++i) {
      // Both sub-pixels of a row lie next to each other on either side.
      const std::int64_t from = (2 * i + dy) * 2 * channels, to = 2 * (dy * width + i) * channels;
      add_channels<undo>(x + from, skip + to, sum == nullptr ? sum : sum + to, active + to,
                         2 * channels);
    }
  }
}
template <typename T>
HWY_INLINE void add_shuffled_any(const T* x, const T* skip, T* sum, T* active, std::int64_t width,
                                 std::int64_t channels, bool undo) {
  if (undo) return add_shuffled_loop<true>(x, skip, sum, active, width, channels);
  add_shuffled_loop<false>(x, skip, sum, active, width, channels);
}
HWY_ATTR void add_shuffled_floats(const float* x, const float* skip, float* sum, float* active,
                                  std::int64_t width, std::int64_t channels, bool undo) {
  add_shuffled_any(x, skip, sum, active, width, channels, undo);
}
HWY_ATTR void add_shuffled_bfloats(const Bfloat* x, const Bfloat* skip, Bfloat* sum, Bfloat* active,
                                   std::int64_t width, std::int64_t channels, bool undo) {
  add_shuffled_any(x, skip, sum, active, width, channels, undo);
}

// Runs of one, two or four floats, as many apart as the map has channels: left to the compiler.
template <int factor, typename T>
HWY_INLINE void fold_loop(const float* row, std::int64_t cells, T* out, std::int64_t stride) {
  for (std::int64_t x = 0; x < cells; ++x, row += factor, out += stride) {
    for (int i = 0; i < factor; ++i) put(out[i], row[i]);
  }
}
template <typename T>
HWY_INLINE void fold_any(const float* row, std::int64_t cells, int factor, T* out,
                         std::int64_t stride) {
  if (factor == 4) return fold_loop<4>(row, cells, out, stride);
  if (factor == 2) return fold_loop<2>(row, cells, out, stride);
  fold_loop<1>(row, cells, out, stride);
}
HWY_ATTR void fold_floats(const float* row, std::int64_t cells, int factor, float* out,
                          std::int64_t stride) {
  fold_any(row, cells, factor, out, stride);
}
HWY_ATTR void fold_bfloats(const float* row, std::int64_t cells, int factor, Bfloat* out,
                           std::int64_t stride) {
  fold_any(row, cells, factor, out, stride);
}

}  // namespace
}  // namespace semcodec::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace semcodec::cpu {

HWY_EXPORT(leaky_floats);
HWY_EXPORT(leaky_bfloats);
HWY_EXPORT(add_shuffled_floats);
HWY_EXPORT(add_shuffled_bfloats);
HWY_EXPORT(fold_floats);
HWY_EXPORT(fold_bfloats);

void leaky_run(const float* in, float* out, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(leaky_floats)(in, out, count);
}
void leaky_run(const Bfloat* in, Bfloat* out, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(leaky_bfloats)(in, out, count);
}
void add_shuffled_row(const float* x, const float* skip, float* sum, float* active,
                      std::int64_t width, std::int64_t channels, bool undo) {
  HWY_DYNAMIC_DISPATCH(add_shuffled_floats)(x, skip, sum, active, width, channels, undo);
}
void add_shuffled_row(const Bfloat* x, const Bfloat* skip, Bfloat* sum, Bfloat* active,
                      std::int64_t width, std::int64_t channels, bool undo) {
  HWY_DYNAMIC_DISPATCH(add_shuffled_bfloats)(x, skip, sum, active, width, channels, undo);
}
void fold_row(const float* row, std::int64_t cells, int factor, float* out, std::int64_t stride) {
  HWY_DYNAMIC_DISPATCH(fold_floats)(row, cells, factor, out, stride);
}
void fold_row(const float* row, std::int64_t cells, int factor, Bfloat* out, std::int64_t stride) {
  HWY_DYNAMIC_DISPATCH(fold_bfloats)(row, cells, factor, out, stride);
}

}  // namespace semcodec::cpu
#endif
