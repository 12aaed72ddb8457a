#include "models/kernels/flow_between.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "common/core/error.h"

namespace semcodec {
namespace {

constexpr float kHole = 0.02F;  // less weight than this is nothing to go by

/// Two planes of a flow.
struct Flow {
  const float *x, *y;
  std::int64_t height, width;

  explicit Flow(const torch::Tensor& t)
      : x(t.const_data_ptr<float>()),
        y(x + t.size(2) * t.size(3)),
        height(t.size(2)),
        width(t.size(3)) {}
};

/// The flow at a place in cells, bilinear, clamped at the border.
std::pair<float, float> sample(const Flow& flow, float px, float py) {
  px = std::clamp(px, 0.0F, static_cast<float>(flow.width - 1));
  py = std::clamp(py, 0.0F, static_cast<float>(flow.height - 1));
  const auto x0 = static_cast<std::int64_t>(px), y0 = static_cast<std::int64_t>(py);
  const auto x1 = std::min(x0 + 1, flow.width - 1), y1 = std::min(y0 + 1, flow.height - 1);
  const float fx = px - static_cast<float>(x0), fy = py - static_cast<float>(y0);
  const auto value = [&](const float* plane) {
    const float *top = plane + y0 * flow.width, *bottom = plane + y1 * flow.width;
    const float above = top[x0] + fx * (top[x1] - top[x0]);
    return above + fy * (bottom[x0] + fx * (bottom[x1] - bottom[x0]) - above);
  };
  return {value(flow.x), value(flow.y)};
}

/// Weighted sums of velocities (x, y) and of their weights.
struct Sums {
  float x = 0, y = 0, weight = 0;
};

/// Moves the velocity `sign` · flow of every cell by `share` of the flow and spreads it over the
/// four cells around, each weighted by how far the flow can be believed: less where the flow back
/// does not lead home.
void splat(const Flow& flow, const Flow& back, float sign, float share, float cell,
           std::vector<Sums>& sums) {
  for (std::int64_t y = 0; y < flow.height; ++y) {
    for (std::int64_t x = 0; x < flow.width; ++x) {
      const std::int64_t at = y * flow.width + x;
      const float dx = flow.x[at], dy = flow.y[at];
      const float to_x = static_cast<float>(x) + dx * share / cell,
                  to_y = static_cast<float>(y) + dy * share / cell;
      // Written so that a NaN is left out too.
      if (!(to_x > -1 && to_x < static_cast<float>(flow.width) && to_y > -1 &&
            to_y < static_cast<float>(flow.height))) {
        continue;
      }
      const auto [home_x, home_y] =
          sample(back, static_cast<float>(x) + dx / cell, static_cast<float>(y) + dy / cell);
      const float miss = (dx + home_x) * (dx + home_x) + (dy + home_y) * (dy + home_y);
      const float near = 1 / (1 + 0.25F * miss);
      const float belief = near * near + 1e-3F;
      const auto x0 = static_cast<std::int64_t>(std::floor(to_x)),
                 y0 = static_cast<std::int64_t>(std::floor(to_y));
      const float fx = to_x - static_cast<float>(x0), fy = to_y - static_cast<float>(y0);
      for (std::int64_t j = 0; j < 2; ++j) {
        for (std::int64_t i = 0; i < 2; ++i) {
          const std::int64_t tx = x0 + i, ty = y0 + j;
          if (tx < 0 || ty < 0 || tx >= flow.width || ty >= flow.height) continue;
          const float weight = belief * (i == 1 ? fx : 1 - fx) * (j == 1 ? fy : 1 - fy);
          Sums& sum = sums[static_cast<std::size_t>(ty * flow.width + tx)];
          sum.x += sign * dx * weight;
          sum.y += sign * dy * weight;
          sum.weight += weight;
        }
      }
    }
  }
}

}  // namespace

std::pair<torch::Tensor, torch::Tensor> flows_of_moment(const torch::Tensor& flow_10,
                                                        const torch::Tensor& flow_01, float tau,
                                                        int cell) {
  for (const auto& flow : {flow_10, flow_01}) {
    require(flow.dim() == 4 && flow.size(0) == 1 && flow.size(1) == 2 && flow.is_cpu() &&
                flow.is_contiguous() && flow.scalar_type() == torch::kFloat32 &&
                flow.sizes() == flow_10.sizes(),
            ErrorKind::internal, "Flows of a shape or type that flows_of_moment() does not take.");
  }
  const Flow later(flow_10), earlier(flow_01);
  const auto area = later.height * later.width;
  std::vector<Sums> sums(static_cast<std::size_t>(area));
  const auto size = static_cast<float>(cell);
  splat(later, earlier, -1, 1 - tau, size, sums);
  splat(earlier, later, 1, tau, size, sums);
  std::pair out{torch::empty_like(flow_10), torch::empty_like(flow_10)};
  float* to_a = out.first.mutable_data_ptr<float>();
  float* to_b = out.second.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < area; ++i) {
    const Sums& sum = sums[static_cast<std::size_t>(i)];
    float vx = 0.5F * (earlier.x[i] - later.x[i]), vy = 0.5F * (earlier.y[i] - later.y[i]);
    if (sum.weight > kHole) {
      vx = sum.x / sum.weight;
      vy = sum.y / sum.weight;
    }
    to_a[i] = -vx * tau;
    to_a[area + i] = -vy * tau;
    to_b[i] = vx * (1 - tau);
    to_b[area + i] = vy * (1 - tau);
  }
  return out;
}

}  // namespace semcodec
