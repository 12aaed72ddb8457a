#include "models/kernels/restore_frame.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "common/core/error.h"
#include "models/kernels/cpu_kernels.h"
#include "models/kernels/wide_floats.h"

namespace semcodec {
namespace {

using kernels::to_float;

constexpr float kSharpness = 4, kOffset = 2;  // of the share's logit, as in restorer.cpp

/// The row of sub-pixels `dy` of a row of cells; each cell holds 16 values.
template <typename T>
inline __attribute__((always_inline)) void spread_loop(const T* cells, std::int64_t dy,
                                                       std::int64_t width, float* out) {
  const T* from = cells + 8 * dy;
  for (std::int64_t x = 0; x < width / 2; ++x) {
    for (std::int64_t dx = 0; dx < 2; ++dx) {
      for (std::int64_t c = 0; c < 4; ++c) {
        out[c * width + 2 * x + dx] = to_float(from[16 * x + 4 * dx + c]);
      }
    }
  }
}
SEMCODEC_VECTOR_CLONES
void spread_row(const c10::BFloat16* cells, std::int64_t dy, std::int64_t width, float* out) {
  spread_loop(cells, dy, width, out);
}
SEMCODEC_VECTOR_CLONES
void spread_row(const float* cells, std::int64_t dy, std::int64_t width, float* out) {
  spread_loop(cells, dy, width, out);
}

/// sigmoid(4 h - 2) to 1e-6, by 2^(x log2 e): the whole part by the exponent bits, the rest by a
/// polynomial.
SEMCODEC_VECTOR_CLONES
void shares_of(float* values, std::int64_t width) {
  for (std::int64_t x = 0; x < width; ++x) {
    float y = (kOffset - kSharpness * values[x]) * 1.44269504F;
    y = y > -60.0F ? y : -60.0F;
    y = y < 60.0F ? y : 60.0F;
    const float magic = 12582912.0F;  // 1.5 · 2^23: adding it rounds to a whole number
    const float whole = (y + magic) - magic;
    const float f = y - whole;
    float p = f * 0.0013333558F + 0.0096181291F;
    p = p * f + 0.0555041087F;
    p = p * f + 0.2402265070F;
    p = p * f + 0.6931471806F;
    p = p * f + 1.0F;
    std::int32_t bits;
    std::memcpy(&bits, &p, sizeof bits);
    bits += static_cast<std::int32_t>(whole) * (1 << 23);
    std::memcpy(&p, &bits, sizeof p);
    values[x] = 1.0F / (1.0F + p);
  }
}

inline float limited(float v) {
  v = v > 0.0F ? v : 0.0F;
  return v < 1.0F ? v : 1.0F;
}

SEMCODEC_VECTOR_CLONES
void add_row(const float* added, const float* base, std::int64_t width, float* out) {
  for (std::int64_t x = 0; x < width; ++x) out[x] = limited(base[x] + added[x]);
}
SEMCODEC_VECTOR_CLONES
void blend_row(const float* added, const float* base, const float* memory, const float* share,
               std::int64_t width, float* out) {
  for (std::int64_t x = 0; x < width; ++x) {
    const float restored = base[x] + added[x];
    out[x] = limited(restored + share[x] * (memory[x] - restored));
  }
}

void check(bool good) {
  require(good, ErrorKind::internal,
          "The blend of a restored frame got tensors of a shape or type that it does not take.");
}

bool is_picture(const torch::Tensor& t) {
  return t.dim() == 4 && t.size(0) == 1 && t.size(1) == 3 && t.is_cpu() && t.is_contiguous() &&
         t.scalar_type() == torch::kFloat;
}

}  // namespace

torch::Tensor blend_restored(const torch::Tensor& heads, const torch::Tensor& base,
                             const torch::Tensor& memory) {
  check(is_picture(base) && (!memory.defined() || is_picture(memory)));
  const std::int64_t h = base.size(2), w = base.size(3), area = h * w;
  check(heads.sizes() == at::IntArrayRef({1, 16, h / 2, w / 2}) && heads.is_cpu() &&
        heads.is_contiguous(at::MemoryFormat::ChannelsLast) &&
        (heads.scalar_type() == torch::kFloat || heads.scalar_type() == torch::kBFloat16));
  auto out = torch::empty_like(base);
  const float* below = base.const_data_ptr<float>();
  const float* before = memory.defined() ? memory.const_data_ptr<float>() : nullptr;
  float* to = out.mutable_data_ptr<float>();
  at::parallel_for(0, h, 16, [&](std::int64_t first, std::int64_t last) {
    std::vector<float> row(static_cast<std::size_t>(4 * w));
    for (std::int64_t y = first; y < last; ++y) {
      const std::int64_t cells = y / 2 * (w / 2) * 16;
      if (heads.scalar_type() == torch::kFloat) {
        spread_row(heads.const_data_ptr<float>() + cells, y % 2, w, row.data());
      } else {
        spread_row(heads.const_data_ptr<c10::BFloat16>() + cells, y % 2, w, row.data());
      }
      if (before != nullptr) shares_of(row.data() + 3 * w, w);
      for (std::int64_t c = 0; c < 3; ++c) {
        const std::int64_t at = c * area + y * w;
        const float* added = row.data() + c * w;
        if (before == nullptr) {
          add_row(added, below + at, w, to + at);
        } else {
          blend_row(added, below + at, before + at, row.data() + 3 * w, w, to + at);
        }
      }
    }
  });
  return out;
}

}  // namespace semcodec
