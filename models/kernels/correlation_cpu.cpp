// Correlation on the CPU. Both inputs are laid out N×H×W×C first, so that a feature vector is
// contiguous: the forward pass is then dot products and the backward pass scaled additions.

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "models/kernels/cpu_kernels.h"

namespace semcodec::kernels {
namespace {

// Sums in 16 lanes keep the loop free of a serial dependence, so it vectorises without
// -ffast-math and gives the same result whatever the vector width.
constexpr std::int64_t kLanes = 16;

template <typename T>
inline __attribute__((always_inline)) T dot(const T* __restrict a, const T* __restrict b,
                                            std::int64_t n) {
  T lanes[kLanes] = {};
  std::int64_t c = 0;
  for (; c + kLanes <= n; c += kLanes)
    for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] += a[c + l] * b[c + l];
  T tail = 0;
  for (; c < n; ++c) tail += a[c] * b[c];
  for (std::int64_t l = 0; l < kLanes; ++l) tail += lanes[l];
  return tail;
}

struct Shape {
  std::int64_t height, width, channels;
  int steps, stride;
};

// The clones must be plain functions, hence one per type around an inlined template.
template <typename T>
inline __attribute__((always_inline)) void forward_row(const T* a_row, const T* b_image, T* out,
                                                       const Shape& s, std::int64_t y) {
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

// Adds Σ_d grad[.., d] · other[.. + sign·d] to each vector of one row of `out`. With sign +1 this
// is the gradient of a; with sign −1 (and grad read at the place it came from) that of b.
template <typename T>
inline __attribute__((always_inline)) void backward_row(const T* grad_image, const T* other,
                                                        T* out_row, const Shape& s, std::int64_t y,
                                                        int sign) {
  const T scale = T{1} / static_cast<T>(s.channels);
  const std::int64_t side = 2 * s.steps + 1;
  for (std::int64_t x = 0; x < s.width; ++x) {
    T* __restrict sum = out_row + x * s.channels;
    for (std::int64_t j = 0; j < side; ++j) {
      const std::int64_t oy = y + sign * (j - s.steps) * s.stride;
      if (oy < 0 || oy >= s.height) continue;
      for (std::int64_t i = 0; i < side; ++i) {
        const std::int64_t ox = x + sign * (i - s.steps) * s.stride;
        if (ox < 0 || ox >= s.width) continue;
        const std::int64_t at = sign > 0 ? y * s.width + x : oy * s.width + ox;
        const T g = scale * grad_image[at * side * side + j * side + i];
        const T* __restrict v = other + (oy * s.width + ox) * s.channels;
        for (std::int64_t c = 0; c < s.channels; ++c) sum[c] += g * v[c];
      }
    }
  }
}

SEMCODEC_VECTOR_CLONES
void forward_row_float(const float* a, const float* b, float* out, const Shape& s, std::int64_t y) {
  forward_row(a, b, out, s, y);
}
SEMCODEC_VECTOR_CLONES
void backward_row_float(const float* g, const float* o, float* out, const Shape& s, std::int64_t y,
                        int sign) {
  backward_row(g, o, out, s, y, sign);
}
void forward_any(const float* a, const float* b, float* out, const Shape& s, std::int64_t y) {
  forward_row_float(a, b, out, s, y);
}
void forward_any(const double* a, const double* b, double* out, const Shape& s, std::int64_t y) {
  forward_row(a, b, out, s, y);
}
void backward_any(const float* g, const float* o, float* out, const Shape& s, std::int64_t y,
                  int sign) {
  backward_row_float(g, o, out, s, y, sign);
}
void backward_any(const double* g, const double* o, double* out, const Shape& s, std::int64_t y,
                  int sign) {
  backward_row(g, o, out, s, y, sign);
}

bool is_double(const torch::Tensor& t) { return t.scalar_type() == torch::kDouble; }

torch::Tensor channels_last(const torch::Tensor& t, torch::ScalarType type) {
  return t.to(type).contiguous(at::MemoryFormat::ChannelsLast);
}

// Floats in, T out: the rows are computed in float and rounded once to Out.
template <typename T, typename Out>
void run_forward(const torch::Tensor& a, const torch::Tensor& b, torch::Tensor& out,
                 const Shape& s) {
  const std::int64_t side = 2 * s.steps + 1, cells = side * side;
  const T* pa = a.data_ptr<T>();
  const T* pb = b.data_ptr<T>();
  Out* po = out.data_ptr<Out>();
  at::parallel_for(0, a.size(0) * s.height, 1, [&](std::int64_t first, std::int64_t last) {
    std::vector<T> row(static_cast<std::size_t>(s.width * cells));
    for (std::int64_t r = first; r < last; ++r) {
      const std::int64_t n = r / s.height;
      Out* target = po + r * s.width * cells;
      forward_any(pa + r * s.width * s.channels, pb + n * s.height * s.width * s.channels,
                  row.data(), s, r % s.height);
      std::transform(row.begin(), row.end(), target, [](T v) { return static_cast<Out>(v); });
    }
  });
}

template <typename T>
void run_backward(const torch::Tensor& grad, const torch::Tensor& other, torch::Tensor& out,
                  const Shape& s, int sign) {
  const std::int64_t side = 2 * s.steps + 1, cells = side * side;
  const T* pg = grad.data_ptr<T>();
  const T* po = other.data_ptr<T>();
  T* pt = out.data_ptr<T>();
  at::parallel_for(0, grad.size(0) * s.height, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      const std::int64_t image = (r / s.height) * s.height * s.width;
      backward_any(pg + image * cells, po + image * s.channels, pt + r * s.width * s.channels, s,
                   r % s.height, sign);
    }
  });
}

}  // namespace

torch::Tensor correlation_cpu(const torch::Tensor& a, const torch::Tensor& b, int steps,
                              int stride) {
  const auto compute = is_double(a) ? torch::kDouble : torch::kFloat;
  const auto fa = channels_last(a, compute), fb = channels_last(b, compute);
  const Shape s{a.size(2), a.size(3), a.size(1), steps, stride};
  const std::int64_t side = 2 * steps + 1;
  auto out = torch::empty({a.size(0), side * side, a.size(2), a.size(3)},
                          a.options().memory_format(at::MemoryFormat::ChannelsLast));
  if (out.numel() == 0) return out;
  if (is_double(a)) {
    run_forward<double, double>(fa, fb, out, s);
  } else if (a.scalar_type() == torch::kFloat) {
    run_forward<float, float>(fa, fb, out, s);
  } else if (a.scalar_type() == torch::kBFloat16) {
    run_forward<float, c10::BFloat16>(fa, fb, out, s);
  } else {
    run_forward<float, c10::Half>(fa, fb, out, s);
  }
  return out;
}

std::pair<torch::Tensor, torch::Tensor> correlation_backward_cpu(const torch::Tensor& grad,
                                                                 const torch::Tensor& a,
                                                                 const torch::Tensor& b, int steps,
                                                                 int stride) {
  const auto compute = is_double(a) ? torch::kDouble : torch::kFloat;
  const auto fa = channels_last(a, compute), fb = channels_last(b, compute);
  const auto fg = channels_last(grad, compute);
  const Shape s{a.size(2), a.size(3), a.size(1), steps, stride};
  auto grad_a = torch::zeros_like(fa), grad_b = torch::zeros_like(fb);
  if (is_double(a)) {
    run_backward<double>(fg, fb, grad_a, s, +1);
    run_backward<double>(fg, fa, grad_b, s, -1);
  } else {
    run_backward<float>(fg, fb, grad_a, s, +1);
    run_backward<float>(fg, fa, grad_b, s, -1);
  }
  return {grad_a.to(a.scalar_type()), grad_b.to(b.scalar_type())};
}

}  // namespace semcodec::kernels
