// See feature_maps.h. Eight channels at a time, the rest one by one.

#include "models/kernels/feature_maps.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>

#include "common/core/error.h"
#include "models/kernels/cpu_kernels.h"
#include "models/kernels/wide_floats.h"

namespace semcodec {
namespace {

using kernels::load_eight;
using kernels::put;
using kernels::store_eight;
using kernels::to_float;

constexpr float kSlope = 0.2F;

template <typename Value>
inline __attribute__((always_inline)) Value rectified(Value v) {
  const Value scaled = v * kSlope;
  return v > scaled ? v : scaled;
}

template <typename T>
inline __attribute__((always_inline)) void leaky_loop(const T* in, T* out, std::int64_t count) {
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) store_eight(out + i, rectified(load_eight(in + i)));
  for (; i < count; ++i) put(out[i], rectified(to_float(in[i])));
}
SEMCODEC_VECTOR_CLONES
void leaky_run(const c10::BFloat16* in, c10::BFloat16* out, std::int64_t count) {
  leaky_loop(in, out, count);
}
SEMCODEC_VECTOR_CLONES
void leaky_run(const float* in, float* out, std::int64_t count) { leaky_loop(in, out, count); }

/// What the leaky ReLU of was `v`.
template <typename Value>
inline __attribute__((always_inline)) Value unrectified(Value v) {
  const Value scaled = v * (1 / kSlope);
  return v < scaled ? v : scaled;
}

/// One run of channels: sum = skip + x where it is wanted, active = its activation.
template <bool undo, typename T>
inline __attribute__((always_inline)) void add_channels(const T* x, const T* skip, T* sum,
                                                        T* active, std::int64_t channels) {
  std::int64_t c = 0;
  for (; c + 8 <= channels; c += 8) {
    const auto before = load_eight(skip + c);
    const auto value = load_eight(x + c) + (undo ? unrectified(before) : before);
    if (sum != nullptr) store_eight(sum + c, value);
    store_eight(active + c, rectified(value));
  }
  for (; c < channels; ++c) {
    const float before = to_float(skip[c]);
    const float value = to_float(x[c]) + (undo ? unrectified(before) : before);
    if (sum != nullptr) put(sum[c], value);
    put(active[c], rectified(value));
  }
}

/// A row of cells of `x` to two rows of the maps at twice the size.
template <bool undo, typename T>
inline __attribute__((always_inline)) void add_shuffled_loop(const T* x, const T* skip, T* sum,
                                                             T* active, std::int64_t width,
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
inline __attribute__((always_inline)) void add_shuffled_any(const T* x, const T* skip, T* sum,
                                                            T* active, std::int64_t width,
                                                            std::int64_t channels, bool undo) {
  if (undo) return add_shuffled_loop<true>(x, skip, sum, active, width, channels);
  add_shuffled_loop<false>(x, skip, sum, active, width, channels);
}
SEMCODEC_VECTOR_CLONES
void add_shuffled_row(const c10::BFloat16* x, const c10::BFloat16* skip, c10::BFloat16* sum,
                      c10::BFloat16* active, std::int64_t width, std::int64_t channels, bool undo) {
  add_shuffled_any(x, skip, sum, active, width, channels, undo);
}
SEMCODEC_VECTOR_CLONES
void add_shuffled_row(const float* x, const float* skip, float* sum, float* active,
                      std::int64_t width, std::int64_t channels, bool undo) {
  add_shuffled_any(x, skip, sum, active, width, channels, undo);
}

template <int factor, typename T>
inline __attribute__((always_inline)) void fold_loop(const float* row, std::int64_t cells, T* out,
                                                     std::int64_t stride) {
  for (std::int64_t x = 0; x < cells; ++x, row += factor, out += stride) {
    for (int i = 0; i < factor; ++i) put(out[i], row[i]);
  }
}
template <typename T>
inline __attribute__((always_inline)) void fold_any(const float* row, std::int64_t cells,
                                                    int factor, T* out, std::int64_t stride) {
  if (factor == 4) return fold_loop<4>(row, cells, out, stride);
  if (factor == 2) return fold_loop<2>(row, cells, out, stride);
  fold_loop<1>(row, cells, out, stride);
}
SEMCODEC_VECTOR_CLONES
void fold_row(const float* row, std::int64_t cells, int factor, c10::BFloat16* out,
              std::int64_t stride) {
  fold_any(row, cells, factor, out, stride);
}
SEMCODEC_VECTOR_CLONES
void fold_row(const float* row, std::int64_t cells, int factor, float* out, std::int64_t stride) {
  fold_any(row, cells, factor, out, stride);
}

bool is_map(const torch::Tensor& t) {
  return t.dim() == 4 && t.size(0) == 1 && t.is_cpu() &&
         t.is_contiguous(at::MemoryFormat::ChannelsLast) &&
         (t.scalar_type() == torch::kFloat || t.scalar_type() == torch::kBFloat16);
}

void check(bool good) {
  require(good, ErrorKind::internal,
          "A pass over feature maps got tensors of a shape or type that it does not take.");
}

/// body(T*) with the element type of a map.
template <typename Body>
void with_type(const torch::Tensor& map, const Body& body) {
  if (map.scalar_type() == torch::kFloat) return body(static_cast<float*>(nullptr));
  body(static_cast<c10::BFloat16*>(nullptr));
}

void shuffled(const torch::Tensor& skip, bool undo, const torch::Tensor& map, torch::Tensor* sum,
              torch::Tensor& active) {
  check(is_map(map) && is_map(skip) && skip.scalar_type() == map.scalar_type());
  const std::int64_t channels = skip.size(1), height = map.size(2), width = map.size(3);
  check(map.size(1) == 4 * channels && skip.size(2) == 2 * height && skip.size(3) == 2 * width);
  with_type(map, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const T* x = map.const_data_ptr<T>();
    const T* before = skip.const_data_ptr<T>();
    T* to_sum = sum == nullptr ? nullptr : sum->mutable_data_ptr<T>();
    T* to_active = active.mutable_data_ptr<T>();
    const std::int64_t row = width * 4 * channels;
    at::parallel_for(0, height, 8, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t y = first; y < last; ++y) {
        add_shuffled_row(x + y * row, before + y * row,
                         to_sum == nullptr ? nullptr : to_sum + y * row, to_active + y * row, width,
                         channels, undo);
      }
    });
  });
}

void leaky_into(const torch::Tensor& map, torch::Tensor& out) {
  check(is_map(map));
  with_type(map, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const T* from = map.const_data_ptr<T>();
    T* to = out.mutable_data_ptr<T>();
    at::parallel_for(0, map.numel(), 1 << 15, [&](std::int64_t first, std::int64_t last) {
      leaky_run(from + first, to + first, last - first);
    });
  });
}

}  // namespace

torch::Tensor leaky(const torch::Tensor& map) {
  auto out = torch::empty_like(map);
  leaky_into(map, out);
  return out;
}

void leaky_(torch::Tensor& map) { leaky_into(map, map); }

torch::Tensor by_sub_pixel(const torch::Tensor& weight) {
  auto grouped = weight.sizes().vec();
  grouped[0] /= 4;
  grouped.insert(grouped.begin() + 1, 4);
  return weight.reshape(grouped).transpose(0, 1).reshape(weight.sizes()).contiguous();
}

ActiveMap add_shuffled(const torch::Tensor& skip, const torch::Tensor& map) {
  ActiveMap out{torch::empty_like(skip), torch::empty_like(skip)};
  shuffled(skip, false, map, &out.sum, out.active);
  return out;
}

ActiveMap add_shuffled_to_active(const torch::Tensor& active_skip, const torch::Tensor& map) {
  ActiveMap out{torch::empty_like(active_skip), torch::empty_like(active_skip)};
  shuffled(active_skip, true, map, &out.sum, out.active);
  return out;
}

torch::Tensor add_shuffled_active(const torch::Tensor& active_skip, const torch::Tensor& map) {
  auto out = torch::empty_like(active_skip);
  shuffled(active_skip, true, map, nullptr, out);
  return out;
}

void shuffle_into(const torch::Tensor& map, torch::Tensor& to, std::int64_t offset) {
  check(is_map(map) && is_map(to) && map.scalar_type() == to.scalar_type());
  const std::int64_t channels = map.size(1) / 4, height = map.size(2), width = map.size(3),
                     stride = to.size(1);
  check(offset >= 0 && offset + channels <= stride && to.size(2) == 2 * height &&
        to.size(3) == 2 * width);
  const auto item = static_cast<std::int64_t>(map.element_size());
  const auto* from = static_cast<const char*>(map.const_data_ptr());
  auto* out = static_cast<char*>(to.mutable_data_ptr()) + offset * item;
  at::parallel_for(0, height, 8, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t y = 2 * first; y < 2 * last; ++y) {
      for (std::int64_t x = 0; x < 2 * width; ++x) {
        const std::int64_t cell = (y / 2 * width + x / 2) * 4 + y % 2 * 2 + x % 2;
        std::memcpy(out + (y * 2 * width + x) * stride * item, from + cell * channels * item,
                    static_cast<std::size_t>(channels * item));
      }
    }
  });
}

void fold_into(const torch::Tensor& picture, int factor, torch::Tensor& to, std::int64_t offset) {
  const std::int64_t channels = picture.size(1), height = picture.size(2), width = picture.size(3),
                     stride = to.size(1);
  check(is_map(to) && picture.dim() == 4 && picture.size(0) == 1 && picture.is_cpu() &&
        picture.scalar_type() == torch::kFloat && picture.is_contiguous());
  check((factor == 1 || factor == 2 || factor == 4) && to.size(2) * factor == height &&
        to.size(3) * factor == width && offset >= 0 &&
        offset + channels * factor * factor <= stride);
  const float* pixels = picture.const_data_ptr<float>();
  with_type(to, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    T* out = to.mutable_data_ptr<T>();
    at::parallel_for(0, to.size(2), 8, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t y = first; y < last; ++y) {
        for (std::int64_t c = 0; c < channels; ++c) {
          for (int dy = 0; dy < factor; ++dy) {
            fold_row(pixels + (c * height + y * factor + dy) * width, width / factor, factor,
                     out + y * (width / factor) * stride + offset + (c * factor + dy) * factor,
                     stride);
          }
        }
      }
    });
  });
}

void clear_from(torch::Tensor& to, std::int64_t offset) {
  if (offset < to.size(1)) to.narrow(1, offset, to.size(1) - offset).zero_();
}

}  // namespace semcodec
