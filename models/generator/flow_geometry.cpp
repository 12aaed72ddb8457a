#include "models/generator/flow_geometry.h"

#include <vector>

#include "models/kernels/flow_between.h"
#include "models/kernels/resample.h"

namespace semcodec {

namespace F = torch::nn::functional;

namespace {

torch::Tensor resize(const torch::Tensor& x, int64_t height, int64_t width) {
  if (x.size(2) == height && x.size(3) == width) return x;
  return F::interpolate(x, F::InterpolateFuncOptions()
                               .size(std::vector<int64_t>{height, width})
                               .mode(torch::kBilinear)
                               .align_corners(false));
}

/// Moves each value of `values` (N×C×h×w) by `shift` (N×2×h×w, in cells) and spreads it over the
/// four cells around the target, multiplied by `importance` (N×1×h×w). Returns the weighted sums
/// with the weights as the last channel: N×(C+1)×h×w.
torch::Tensor splat(const torch::Tensor& values, const torch::Tensor& shift,
                    const torch::Tensor& importance) {
  const auto n = values.size(0), c = values.size(1), h = values.size(2), w = values.size(3);
  const auto options = values.options();
  const auto xs = torch::arange(w, options).view({1, 1, w}) + shift.select(1, 0);
  const auto ys = torch::arange(h, options).view({1, h, 1}) + shift.select(1, 1);
  const auto x0 = xs.floor(), y0 = ys.floor();
  const auto fx = xs - x0, fy = ys - y0;
  const auto payload = torch::cat({values * importance, importance}, 1).reshape({n, c + 1, h * w});
  auto sums = torch::zeros({n, c + 1, h * w}, options);
  for (int dy = 0; dy < 2; ++dy) {
    for (int dx = 0; dx < 2; ++dx) {
      const auto x = x0 + dx, y = y0 + dy;
      auto weight = (dx != 0 ? fx : 1 - fx) * (dy != 0 ? fy : 1 - fy);
      weight = weight * ((x >= 0) & (x < w) & (y >= 0) & (y < h));
      const auto index = (y.clamp(0, h - 1) * w + x.clamp(0, w - 1)).to(torch::kInt64);
      sums.scatter_add_(2, index.reshape({n, 1, h * w}).expand({n, c + 1, h * w}),
                        payload * weight.reshape({n, 1, h * w}));
    }
  }
  return sums.reshape({n, c + 1, h, w});
}

/// How far a flow can be believed: near 1 where the flow back leads home, small where the place is
/// covered or uncovered. A place that vanishes behind a moving object would otherwise pull on the
/// object's motion.
torch::Tensor consistency(const torch::Tensor& flow, const torch::Tensor& back) {
  const auto miss = compose(flow, back).square().sum(1, true);
  return 1.0 / (1.0 + 0.25 * miss).square() + 1e-3;
}

constexpr double kHole = 0.02;  // less weight than this is nothing to go by

}  // namespace

torch::Tensor dense_motion(const MotionField& field, int coded_width, int coded_height) {
  auto cells = torch::empty({1, 2, field.height, field.width}, torch::kFloat32);
  float* x = cells.data_ptr<float>();
  const std::size_t count = field.dx.size();
  for (std::size_t i = 0; i < count; ++i) {
    x[i] = static_cast<float>(field.dx[i]) / kMotionUnitsPerPixel;
    x[count + i] = static_cast<float>(field.dy[i]) / kMotionUnitsPerPixel;
  }
  return resize(cells, coded_height / kFlowScale, coded_width / kFlowScale);
}

torch::Tensor warp(const torch::Tensor& image, const torch::Tensor& flow) {
  const auto scaled = resize(flow, image.size(2), image.size(3));
  const double factor =
      static_cast<double>(image.size(3)) / static_cast<double>(flow.size(3) * kFlowScale);
  return resample(image, factor == 1.0 ? scaled : scaled * factor);
}

torch::Tensor compose(const torch::Tensor& flow_ij, const torch::Tensor& flow_jk) {
  return flow_ij + resample(flow_jk, flow_ij / kFlowScale);
}

torch::Tensor invert(const torch::Tensor& flow) {
  const auto sums = splat(-flow, flow / kFlowScale, torch::ones_like(flow.narrow(1, 0, 1)));
  const auto weight = sums.narrow(1, 2, 1);
  return torch::where(weight > kHole, sums.narrow(1, 0, 2) / weight.clamp_min(1e-6), -flow);
}

std::pair<torch::Tensor, torch::Tensor> between(const torch::Tensor& flow_10,
                                                const torch::Tensor& flow_01,
                                                const torch::Tensor& tau) {
  const auto plain = [](const torch::Tensor& flow) {
    return flow.is_cpu() && flow.size(0) == 1 && flow.scalar_type() == torch::kFloat32 &&
           !(torch::GradMode::is_enabled() && flow.requires_grad());
  };
  if (plain(flow_10) && plain(flow_01)) {
    return flows_of_moment(flow_10.contiguous(), flow_01.contiguous(), tau.item<float>(),
                           kFlowScale);
  }
  const auto t = tau.to(flow_10.options()).view({-1, 1, 1, 1});
  // Velocity from the earlier to the later coded frame, per interval, seen from either side.
  const auto from_later =
      splat(-flow_10, flow_10 * ((1 - t) / kFlowScale), consistency(flow_10, flow_01));
  const auto from_earlier =
      splat(flow_01, flow_01 * (t / kFlowScale), consistency(flow_01, flow_10));
  const auto sums = from_later + from_earlier;
  const auto weight = sums.narrow(1, 2, 1);
  const auto fallback = 0.5 * (flow_01 - flow_10);
  const auto velocity =
      torch::where(weight > kHole, sums.narrow(1, 0, 2) / weight.clamp_min(1e-6), fallback);
  return {-velocity * t, velocity * (1 - t)};
}

}  // namespace semcodec
