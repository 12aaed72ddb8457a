#include "models/kernels/generate_frame.h"

#include <ATen/Parallel.h>

#include <cstdint>
#include <vector>

#include "common/core/error.h"
#include "common/cpu/frame_rows.h"
#include "models/kernels/cpu_kernels.h"

namespace semcodec {
namespace {

using cpu::Bfloat;
using kernels::elements;
using kernels::mutable_elements;

void check(bool good) {
  require(good, ErrorKind::unsupported,
          "The fused generation on the CPU got tensors of a shape or type that it does not take.");
}

bool is_folded(const torch::Tensor& t, std::int64_t height, std::int64_t width) {
  return t.dim() == 4 && t.size(0) == 1 && t.size(2) == height / 2 && t.size(3) == width / 2 &&
         t.is_contiguous(at::MemoryFormat::ChannelsLast) && t.is_cpu() &&
         (t.scalar_type() == torch::kFloat || t.scalar_type() == torch::kBFloat16);
}

bool is_pixels(const torch::Tensor& t) {
  return t.dim() == 3 && t.size(2) == 4 && t.size(0) % 4 == 0 && t.size(1) % 4 == 0 &&
         t.scalar_type() == torch::kFloat && t.is_contiguous() && t.is_cpu();
}

}  // namespace

torch::Tensor to_pixels(const torch::Tensor& picture) {
  check(picture.dim() == 4 && picture.size(0) == 1 && picture.size(1) == 3 && picture.is_cpu());
  const auto rgb = picture.squeeze(0).to(torch::kFloat).permute({1, 2, 0});
  return torch::constant_pad_nd(rgb, {0, 1}).contiguous();
}

namespace {

/// Warps two rows at a time; `fold` (rows, y) takes each pair of them, y being the row of cells.
template <typename Fold>
torch::Tensor warp_rows(const torch::Tensor& pixels, const torch::Tensor& flow, const Fold& fold) {
  check(is_pixels(pixels));
  const std::int64_t h = pixels.size(0), w = pixels.size(1);
  check(flow.sizes() == at::IntArrayRef({1, 2, h / 4, w / 4}) && flow.is_cpu());
  const auto motion = flow.to(torch::kFloat).contiguous();
  auto out = torch::empty_like(pixels);
  at::parallel_for(0, h / 2, 8, [&](std::int64_t first, std::int64_t last) {
    std::vector<float> dx(static_cast<std::size_t>(w)), dy(dx.size());
    for (std::int64_t y = first; y < last; ++y) {
      float* rows = out.data_ptr<float>() + 8 * y * w;
      for (std::int64_t i = 0; i < 2; ++i) {
        cpu::warp_frame_row(pixels.data_ptr<float>(), motion.data_ptr<float>(), 2 * y + i, h, w,
                            dx.data(), dy.data(), rows + 4 * i * w);
      }
      fold(rows, y);
    }
  });
  return out;
}

/// `row(y)`: the heads of a row of cells, as cpu::blend_two_rows() takes them.
template <typename Row>
torch::Tensor blend_all(const Row& row, const torch::Tensor& a, const torch::Tensor& b, float tau) {
  const std::int64_t h = a.size(0), w = a.size(1);
  auto out = torch::empty({h, w, 3}, torch::kUInt8);
  at::parallel_for(0, h / 2, 8, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t y = first; y < last; ++y) {
      cpu::blend_two_rows(row(y), a.data_ptr<float>() + 8 * y * w, b.data_ptr<float>() + 8 * y * w,
                          w, tau, out.data_ptr<std::uint8_t>() + 6 * y * w);
    }
  });
  return out;
}

}  // namespace

torch::Tensor warp_folded(const torch::Tensor& pixels, const torch::Tensor& flow,
                          torch::Tensor& folded, int64_t offset) {
  check(is_pixels(pixels));
  const std::int64_t w = pixels.size(1), stride = folded.size(1);
  check(is_folded(folded, pixels.size(0), w) && offset >= 0 && offset + 12 <= stride);
  const auto run = [&](auto* to) {
    return warp_rows(pixels, flow, [=](const float* rows, std::int64_t y) {
      cpu::fold_two_rows(rows, w, to + y * (w / 2) * stride + offset, stride);
    });
  };
  if (folded.scalar_type() == torch::kFloat) return run(mutable_elements<float>(folded));
  return run(mutable_elements<Bfloat>(folded));
}

torch::Tensor warp_folded(const torch::Tensor& pixels, const torch::Tensor& flow,
                          const FoldedPairs& folded) {
  check(is_pixels(pixels));
  return warp_rows(pixels, flow, [&, w = pixels.size(1)](const float* rows, std::int64_t y) {
    cpu::fold_two_rows(rows, w, folded.first + y * folded.stride, folded.plane);
  });
}

torch::Tensor blend_to_bytes(const torch::Tensor& heads, const torch::Tensor& a,
                             const torch::Tensor& b, float tau) {
  check(is_pixels(a) && is_pixels(b) && a.sizes() == b.sizes());
  const std::int64_t w = a.size(1);
  check(is_folded(heads, a.size(0), w) && heads.size(1) == 24);
  const auto run = [&](const auto* from) {
    return blend_all([=](std::int64_t y) { return from + y * (w / 2) * 24; }, a, b, tau);
  };
  if (heads.scalar_type() == torch::kFloat) return run(elements<float>(heads));
  return run(elements<Bfloat>(heads));
}

torch::Tensor blend_to_bytes(const ConstFoldedPairs& heads, const torch::Tensor& a,
                             const torch::Tensor& b, float tau) {
  check(is_pixels(a) && is_pixels(b) && a.sizes() == b.sizes());
  return blend_all(
      [&](std::int64_t y) {
        return cpu::PairChannels{heads.first + y * heads.stride, heads.plane};
      },
      a, b, tau);
}

}  // namespace semcodec
