// Correlation on the CPU. Both inputs are laid out N×H×W×C first, so that a feature vector is
// contiguous: the forward pass is then dot products and the backward pass scaled additions.

#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "common/cpu/correlation_rows.h"
#include "models/kernels/cpu_kernels.h"

namespace semcodec::kernels {
namespace {

using Shape = cpu::CorrelationShape;

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
      cpu::correlation_row(pa + r * s.width * s.channels, pb + n * s.height * s.width * s.channels,
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
      cpu::correlation_gradient_row(pg + image * cells, po + image * s.channels,
                                    pt + r * s.width * s.channels, s, r % s.height, sign);
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
