#include "models/kernels/feature_maps.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>

#include "common/core/error.h"
#include "common/cpu/map_rows.h"
#include "models/kernels/cpu_kernels.h"

namespace semcodec {
namespace {

using cpu::Bfloat;
using kernels::elements;
using kernels::mutable_elements;

bool is_map(const torch::Tensor& t) {
  return t.dim() == 4 && t.size(0) == 1 && t.is_cpu() &&
         t.is_contiguous(at::MemoryFormat::ChannelsLast) &&
         (t.scalar_type() == torch::kFloat || t.scalar_type() == torch::kBFloat16);
}

void require_maps(bool good) {
  require(good, ErrorKind::internal,
          "A pass over feature maps got tensors of a shape or type that it does not take.");
}

/// body(T*) with the element type of a map.
template <typename Body>
void with_type(const torch::Tensor& map, const Body& body) {
  if (map.scalar_type() == torch::kFloat) return body(static_cast<float*>(nullptr));
  body(static_cast<Bfloat*>(nullptr));
}

void shuffled(const torch::Tensor& skip, bool undo, const torch::Tensor& map, torch::Tensor* sum,
              torch::Tensor& active) {
  require_maps(is_map(map) && is_map(skip) && skip.scalar_type() == map.scalar_type());
  const std::int64_t channels = skip.size(1), height = map.size(2), width = map.size(3);
  require_maps(map.size(1) == 4 * channels && skip.size(2) == 2 * height &&
               skip.size(3) == 2 * width);
  with_type(map, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const T* x = elements<T>(map);
    const T* before = elements<T>(skip);
    T* to_sum = sum == nullptr ? nullptr : mutable_elements<T>(*sum);
    T* to_active = mutable_elements<T>(active);
    const std::int64_t row = width * 4 * channels;
    at::parallel_for(0, height, 8, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t y = first; y < last; ++y) {
        cpu::add_shuffled_row(x + y * row, before + y * row,
                              to_sum == nullptr ? nullptr : to_sum + y * row, to_active + y * row,
                              width, channels, undo);
      }
    });
  });
}

void leaky_into(const torch::Tensor& map, torch::Tensor& out) {
  require_maps(is_map(map));
  with_type(map, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const T* from = elements<T>(map);
    T* to = mutable_elements<T>(out);
    at::parallel_for(0, map.numel(), 1 << 15, [&](std::int64_t first, std::int64_t last) {
      cpu::leaky_run(from + first, to + first, last - first);
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
  require_maps(is_map(map) && is_map(to) && map.scalar_type() == to.scalar_type());
  const std::int64_t channels = map.size(1) / 4, height = map.size(2), width = map.size(3),
                     stride = to.size(1);
  require_maps(offset >= 0 && offset + channels <= stride && to.size(2) == 2 * height &&
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
  require_maps(is_map(to) && picture.dim() == 4 && picture.size(0) == 1 && picture.is_cpu() &&
               picture.scalar_type() == torch::kFloat && picture.is_contiguous());
  require_maps((factor == 1 || factor == 2 || factor == 4) && to.size(2) * factor == height &&
               to.size(3) * factor == width && offset >= 0 &&
               offset + channels * factor * factor <= stride);
  const float* pixels = picture.const_data_ptr<float>();
  with_type(to, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    T* out = mutable_elements<T>(to);
    at::parallel_for(0, to.size(2), 8, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t y = first; y < last; ++y) {
        for (std::int64_t c = 0; c < channels; ++c) {
          for (int dy = 0; dy < factor; ++dy) {
            cpu::fold_row(pixels + (c * height + y * factor + dy) * width, width / factor, factor,
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
