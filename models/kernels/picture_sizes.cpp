#include "models/kernels/picture_sizes.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "common/core/error.h"
#include "common/cpu/picture_rows.h"

namespace semcodec {
namespace {

constexpr int kTaps = 4;

/// Where the taps of each output lie along one axis, and their weights.
struct Axis {
  std::vector<std::array<std::int64_t, kTaps>> index;
  std::vector<std::array<float, kTaps>> weight;

  Axis(std::int64_t from, std::int64_t to) {
    const float step = static_cast<float>(from) / static_cast<float>(to);
    for (std::int64_t i = 0; i < to; ++i) {
      const float at = (static_cast<float>(i) + 0.5F) * step - 0.5F;
      const float whole = std::floor(at), t = at - whole;
      const auto first = static_cast<std::int64_t>(whole) - 1;
      auto& taps = index.emplace_back();
      for (int k = 0; k < kTaps; ++k) {
        taps[static_cast<std::size_t>(k)] = std::clamp<std::int64_t>(first + k, 0, from - 1);
      }
      weight.push_back({outer(t + 1), inner(t), inner(1 - t), outer(2 - t)});
    }
  }

  // Keys' kernel with a = -0.75, at distances below 1 and from 1 to 2.
  static float inner(float x) { return ((1.25F * x - 2.25F) * x) * x + 1; }
  static float outer(float x) { return ((-0.75F * x + 3.75F) * x - 6.0F) * x + 3.0F; }
};

void check(const torch::Tensor& picture) {
  require(sizes_by_kernels(picture), ErrorKind::internal,
          "A change of size got a picture of a shape or type that it does not take.");
}

}  // namespace

bool sizes_by_kernels(const torch::Tensor& picture) {
  return picture.dim() == 4 && picture.size(0) == 1 && picture.is_cpu() &&
         picture.scalar_type() == torch::kFloat32 && picture.is_contiguous() &&
         !(torch::GradMode::is_enabled() && picture.requires_grad());
}

torch::Tensor enlarge_bicubic(const torch::Tensor& picture, std::int64_t height,
                              std::int64_t width) {
  check(picture);
  const auto channels = picture.size(1), h = picture.size(2), w = picture.size(3);
  const Axis down(h, height), across(w, width);
  auto out = torch::empty({1, channels, height, width}, picture.options());
  const float* from = picture.const_data_ptr<float>();
  float* to = out.mutable_data_ptr<float>();
  at::parallel_for(0, channels * height, 32, [&](std::int64_t first, std::int64_t last) {
    std::vector<float> mixed(static_cast<std::size_t>(w));
    for (std::int64_t i = first; i < last; ++i) {
      const auto y = static_cast<std::size_t>(i % height);
      const float* rows[kTaps];
      for (std::size_t k = 0; k < kTaps; ++k) {
        rows[k] = from + (i / height * h + down.index[y][k]) * w;
      }
      cpu::mix_rows(rows, down.weight[y].data(), w, mixed.data());
      cpu::enlarge_row(mixed.data(), across.index[0].data(), across.weight[0].data(), width,
                       to + i * width);
    }
  });
  return out;
}

torch::Tensor halve_planes(const torch::Tensor& picture) {
  check(picture);
  require(picture.size(2) % 2 == 0 && picture.size(3) % 2 == 0, ErrorKind::internal,
          "halve_planes() takes even sizes.");
  const auto channels = picture.size(1), h = picture.size(2) / 2, w = picture.size(3) / 2;
  auto out = torch::empty({1, channels, h, w}, picture.options());
  const float* from = picture.const_data_ptr<float>();
  float* to = out.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < channels * h; ++i) {
    cpu::average_row(from + 4 * i * w, from + (4 * i + 2) * w, w, to + i * w);
  }
  return out;
}

}  // namespace semcodec
