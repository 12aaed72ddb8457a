#include "models/lpips/unit_distance.h"

#include <ATen/Parallel.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace semcodec {

namespace {

// They keep the gradient of the norm finite where all features are zero, as they are after a ReLU
// in flat areas; both are far below float32 resolution of any norm that matters.
constexpr float kInside = 1e-20F, kOutside = 1e-10F;

torch::Tensor unit(const torch::Tensor& features) {
  const torch::Tensor norm = features.square().sum(1, true).add(kInside).sqrt();
  return features / (norm + kOutside);
}

torch::Tensor by_steps(const torch::Tensor& x, const torch::Tensor& y, const torch::Tensor& head) {
  const torch::Tensor difference = (unit(x) - unit(y)).square();
  return (difference * head).sum(1).mean({1, 2});
}

float value(float x) { return x; }
float value(c10::BFloat16 x) { return std::bit_cast<float>(std::uint32_t{x.x} << 16); }
void put(float& out, float x) { out = x; }
void put(c10::BFloat16& out, float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  out.x = static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);  // to nearest
}

template <typename T>
float length(const T* x, std::int64_t channels) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t c = 0; c < channels; ++c) sum += value(x[c]) * value(x[c]);
  return std::sqrt(sum + kInside);
}

template <typename T>
float pixel_distance(const T* x, const T* y, const float* head, std::int64_t channels) {
  const float rx = 1 / (length(x, channels) + kOutside), ry = 1 / (length(y, channels) + kOutside);
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t c = 0; c < channels; ++c) {
    const float d = value(x[c]) * rx - value(y[c]) * ry;
    sum += head[c] * d * d;
  }
  return sum;
}

/// Gradient of `scale` times the pixel's distance, for x.
template <typename T>
void pixel_gradient(const T* x, const T* y, const float* head, float scale, std::int64_t channels,
                    T* out) {
  const float norm = length(x, channels), rx = 1 / (norm + kOutside),
              ry = 1 / (length(y, channels) + kOutside);
  // With u = x r: the sum over c of (d distance / d u_c) x_c is what changes by way of the norm.
  float along = 0;
#pragma omp simd reduction(+ : along)
  for (std::int64_t c = 0; c < channels; ++c) {
    along += head[c] * (value(x[c]) * rx - value(y[c]) * ry) * value(x[c]);
  }
  const float direct = 2 * scale * rx, back = 2 * scale * along * rx * rx / norm;
#pragma omp simd
  for (std::int64_t c = 0; c < channels; ++c) {
    const float d = value(x[c]) * rx - value(y[c]) * ry;
    put(out[c], direct * head[c] * d - back * value(x[c]));
  }
}

template <typename T>
torch::Tensor distances(const torch::Tensor& x, const torch::Tensor& y, const torch::Tensor& head) {
  const auto n = x.size(0), channels = x.size(1), h = x.size(2), w = x.size(3);
  const T *px = x.const_data_ptr<T>(), *py = y.const_data_ptr<T>();
  const float* weights = head.const_data_ptr<float>();
  // Row sums first, so that the result does not depend on the number of threads.
  auto rows = torch::empty({n, h}, torch::kFloat64);
  auto* sums = rows.data_ptr<double>();
  at::parallel_for(0, n * h, 4, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      double sum = 0;
      for (std::int64_t p = r * w; p < (r + 1) * w; ++p) {
        sum += pixel_distance(px + p * channels, py + p * channels, weights, channels);
      }
      sums[r] = sum;
    }
  });
  return (rows.sum(1) / static_cast<double>(h * w)).to(torch::kFloat32);
}

template <typename T>
torch::Tensor gradients(const torch::Tensor& grad, const torch::Tensor& x, const torch::Tensor& y,
                        const torch::Tensor& head) {
  const auto n = x.size(0), channels = x.size(1), h = x.size(2), w = x.size(3);
  auto out = torch::empty_like(x);
  const T *px = x.const_data_ptr<T>(), *py = y.const_data_ptr<T>();
  T* to = out.data_ptr<T>();
  const float* weights = head.const_data_ptr<float>();
  const auto scales = (grad.to(torch::kFloat32) / static_cast<double>(h * w)).contiguous();
  const float* scale = scales.const_data_ptr<float>();
  at::parallel_for(0, n * h, 4, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t p = first * w; p < last * w; ++p) {
      const auto at = p * channels;
      pixel_gradient(px + at, py + at, weights, scale[p / (h * w)], channels, to + at);
    }
  });
  return out;
}

struct UnitDistance : torch::autograd::Function<UnitDistance> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& y, const torch::Tensor& head) {
    context->save_for_backward({x, y, head});
    return x.scalar_type() == torch::kFloat32 ? distances<float>(x, y, head)
                                              : distances<c10::BFloat16>(x, y, head);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grads) {
    const auto saved = context->get_saved_variables();
    const auto& x = saved[0];
    return {x.scalar_type() == torch::kFloat32
                ? gradients<float>(grads[0], x, saved[1], saved[2])
                : gradients<c10::BFloat16>(grads[0], x, saved[1], saved[2]),
            {},
            {}};
  }
};

bool fits(const torch::Tensor& x, const torch::Tensor& like) {
  return x.is_cpu() && x.scalar_type() == like.scalar_type() && x.sizes() == like.sizes() &&
         x.is_contiguous(torch::MemoryFormat::ChannelsLast);
}

}  // namespace

torch::Tensor unit_distance(const torch::Tensor& x, const torch::Tensor& y,
                            const torch::Tensor& head) {
  const bool known = x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kBFloat16;
  if (!known || !fits(x, x) || !fits(y, x) || y.requires_grad() || x.numel() == 0) {
    return by_steps(x, y, head);
  }
  return UnitDistance::apply(x, y, head.reshape({-1}).to(torch::kFloat32).contiguous());
}

}  // namespace semcodec
