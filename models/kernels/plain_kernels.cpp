#include "models/kernels/plain_kernels.h"

#include <functional>
#include <vector>

#include "models/kernels/cpu_kernels.h"

namespace semcodec::kernels {
namespace {

torch::ScalarType compute_type(const torch::Tensor& t) {
  return t.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
}

torch::Tensor correlation_steps(const torch::Tensor& a, const torch::Tensor& b, int steps,
                                int stride) {
  const std::int64_t reach = std::int64_t{steps} * stride, h = a.size(2), w = a.size(3);
  const auto wide = torch::constant_pad_nd(b, {reach, reach, reach, reach});
  std::vector<torch::Tensor> maps;
  for (std::int64_t y = 0; y <= 2 * reach; y += stride) {
    for (std::int64_t x = 0; x <= 2 * reach; x += stride) {
      maps.push_back((a * wide.narrow(2, y, h).narrow(3, x, w)).mean(1));
    }
  }
  return torch::stack(maps, 1).contiguous(torch::MemoryFormat::ChannelsLast);
}

torch::Tensor resample_steps(const torch::Tensor& image, const torch::Tensor& flow) {
  const auto n = image.size(0), c = image.size(1), h = image.size(2), w = image.size(3);
  // A NaN takes the second operand; one pixel beyond the border is enough.
  const auto within = [](const torch::Tensor& p, std::int64_t size) {
    const auto low = torch::where(p > -1, p, torch::full_like(p, -1));
    return low.clamp_max(static_cast<double>(size));
  };
  const auto px = within(torch::arange(w, flow.options()).view({1, 1, w}) + flow.select(1, 0), w);
  const auto py = within(torch::arange(h, flow.options()).view({1, h, 1}) + flow.select(1, 1), h);
  const auto ix = px.detach().floor(), iy = py.detach().floor();
  const auto fx = (px - ix).unsqueeze(1), fy = (py - iy).unsqueeze(1);
  const auto flat = image.reshape({n, c, h * w});
  const auto tap = [&](int dy, int dx) {
    const auto index = (iy + dy).clamp(0, h - 1) * w + (ix + dx).clamp(0, w - 1);
    return flat.gather(2, index.to(torch::kInt64).view({n, 1, h * w}).expand({n, c, h * w}))
        .view({n, c, h, w});
  };
  const auto p00 = tap(0, 0), p01 = tap(0, 1), p10 = tap(1, 0), p11 = tap(1, 1);
  const auto top = p00 + fx * (p01 - p00), bottom = p10 + fx * (p11 - p10);
  return top + fy * (bottom - top);
}

using Steps = std::function<torch::Tensor(const torch::Tensor&, const torch::Tensor&)>;

torch::Tensor forward(const torch::Tensor& a, const torch::Tensor& b, const Steps& steps) {
  const torch::NoGradGuard no_grad;
  return steps(a.to(compute_type(a)), b.to(compute_type(a))).to(a.scalar_type());
}

/// The gradients that torch finds for the steps; undefined where not needed.
std::pair<torch::Tensor, torch::Tensor> backward(const torch::Tensor& grad, const torch::Tensor& a,
                                                 const torch::Tensor& b, const Steps& steps,
                                                 bool need_a = true, bool need_b = true) {
  const torch::AutoGradMode with_grad(true);
  const auto type = compute_type(a);
  const auto leaf_a = a.detach().to(type, false, true).requires_grad_(need_a);
  const auto leaf_b = b.detach().to(type, false, true).requires_grad_(need_b);
  std::vector<torch::Tensor> wanted;
  if (need_a) wanted.push_back(leaf_a);
  if (need_b) wanted.push_back(leaf_b);
  std::pair<torch::Tensor, torch::Tensor> result;
  if (wanted.empty()) return result;
  const auto found = torch::autograd::grad({steps(leaf_a, leaf_b)}, wanted, {grad.to(type)});
  if (need_a) result.first = found.front().to(a.scalar_type());
  if (need_b) result.second = found.back().to(b.scalar_type());
  return result;
}

torch::Tensor correlation_plain(const torch::Tensor& a, const torch::Tensor& b, int steps,
                                int stride) {
  return forward(a, b, [=](const torch::Tensor& x, const torch::Tensor& y) {
    return correlation_steps(x, y, steps, stride);
  });
}

std::pair<torch::Tensor, torch::Tensor> correlation_backward_plain(const torch::Tensor& grad,
                                                                   const torch::Tensor& a,
                                                                   const torch::Tensor& b,
                                                                   int steps, int stride) {
  return backward(grad, a, b, [=](const torch::Tensor& x, const torch::Tensor& y) {
    return correlation_steps(x, y, steps, stride);
  });
}

torch::Tensor resample_plain(const torch::Tensor& image, const torch::Tensor& flow) {
  const auto out = forward(image, flow, resample_steps);
  return out.contiguous(image.suggest_memory_format());
}

std::pair<torch::Tensor, torch::Tensor> resample_backward_plain(const torch::Tensor& grad,
                                                                const torch::Tensor& image,
                                                                const torch::Tensor& flow,
                                                                bool need_image, bool need_flow) {
  return backward(grad, image, flow, resample_steps, need_image, need_flow);
}

}  // namespace

const FlowKernels& plain_kernels() {
  // Those of channel norm are steps of torch already.
  static const FlowKernels table{correlation_plain, correlation_backward_plain,
                                 resample_plain,    resample_backward_plain,
                                 channel_norm_cpu,  channel_norm_backward_cpu};
  return table;
}

}  // namespace semcodec::kernels
