#include "models/kernels/restore_frame.h"

#include <ATen/Parallel.h>

#include <vector>

#include "common/core/error.h"
#include "common/cpu/picture_rows.h"
#include "models/kernels/cpu_kernels.h"

namespace semcodec {
namespace {

using kernels::elements;

void require_blend(bool good) {
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
  require_blend(is_picture(base) && (!memory.defined() || is_picture(memory)));
  const std::int64_t h = base.size(2), w = base.size(3), area = h * w;
  require_blend(heads.sizes() == at::IntArrayRef({1, 16, h / 2, w / 2}) && heads.is_cpu() &&
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
        cpu::spread_row(elements<float>(heads) + cells, y % 2, w, row.data());
      } else {
        cpu::spread_row(elements<cpu::Bfloat>(heads) + cells, y % 2, w, row.data());
      }
      if (before != nullptr) cpu::shares_of(row.data() + 3 * w, w);
      for (std::int64_t c = 0; c < 3; ++c) {
        const std::int64_t at = c * area + y * w;
        const float* added = row.data() + c * w;
        if (before == nullptr) {
          cpu::add_row(added, below + at, w, to + at);
        } else {
          cpu::blend_row(added, below + at, before + at, row.data() + 3 * w, w, to + at);
        }
      }
    }
  });
  return out;
}

}  // namespace semcodec
