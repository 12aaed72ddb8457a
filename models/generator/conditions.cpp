#include "models/generator/conditions.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/semantic/colour_map.h"
#include "models/generator/flow_geometry.h"

namespace semcodec {

namespace {

torch::Tensor scalars(const torch::Tensor& valid_a, const torch::Tensor& valid_b,
                      const torch::Tensor& distance_a, const torch::Tensor& distance_b,
                      double is_anchor, const torch::Tensor& planes) {
  const auto anchor = torch::full_like(valid_a, is_anchor);
  return torch::cat({torch::stack({valid_a, valid_b, distance_a.clamp(0, 1),
                                   distance_b.clamp(0, 1), anchor},
                                  1),
                     planes},
                    1);
}

torch::Tensor zeros_picture(const torch::Tensor& condition) {
  return torch::zeros({condition.size(0), 3, condition.size(2) * 2, condition.size(3) * 2},
                      condition.options());
}

}  // namespace

torch::Tensor render_condition(const SemanticFrame& frame, int work_width, int work_height) {
  const int width = work_width / 2, height = work_height / 2;
  auto out = torch::empty({1, 4, height, width}, torch::kFloat32);
  float* data = out.data_ptr<float>();
  const std::size_t area = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  if (frame.labels.empty()) {
    std::fill_n(data, 3 * area, 0.5F);
  } else {
    render_colour(frame.labels, frame.palette, width, height, data);
  }
  if (frame.structure.empty()) {
    std::fill_n(data + 3 * area, area, 0.0F);
  } else {
    render_structure(frame.structure, width, height, data + 3 * area);
  }
  return out;
}

torch::Tensor plane_scalars(int colour_cell, int edge_cell, int palette_size) {
  const auto log2 = [](int value) { return std::log2(static_cast<float>(std::max(1, value))); };
  return torch::tensor({log2(colour_cell) / 5, log2(edge_cell) / 5, log2(palette_size) / 8})
      .unsqueeze(0);
}

torch::Tensor plane_scalars(const SemanticFrame& frame, int work_width) {
  const auto cell = [&](const Plane& plane) {
    return plane.empty() ? 32 : std::max(1, work_width / plane.width);
  };
  return plane_scalars(cell(frame.labels), cell(frame.structure),
                       static_cast<int>(frame.palette.size()));
}

FrameContext image_context(const torch::Tensor& condition, const torch::Tensor& planes) {
  FrameContext context;
  context.condition = condition;
  context.condition_a = torch::zeros_like(condition);
  context.condition_b = context.condition_a;
  context.reference_a = zeros_picture(condition);
  context.reference_b = context.reference_a;
  const auto zero = torch::zeros({condition.size(0)}, condition.options());
  context.scalars = scalars(zero, zero, zero, zero, 1.0, planes);
  return context;
}

FrameContext anchor_context(const torch::Tensor& condition, const torch::Tensor& planes,
                            const AnchorState& a, const torch::Tensor& flow_a,
                            const torch::Tensor& distance_a, const AnchorState* b,
                            const torch::Tensor& flow_b, const torch::Tensor& distance_b) {
  FrameContext context;
  context.condition = condition;
  context.condition_a = warp(a.condition, flow_a);
  context.reference_a = warp(a.picture, flow_a);
  const auto one = torch::ones({condition.size(0)}, condition.options());
  const auto zero = torch::zeros_like(one);
  if (b != nullptr) {
    context.condition_b = warp(b->condition, flow_b);
    context.reference_b = warp(b->picture, flow_b);
    context.scalars = scalars(one, one, distance_a, distance_b, 1.0, planes);
  } else {
    context.condition_b = torch::zeros_like(condition);
    context.reference_b = zeros_picture(condition);
    context.scalars = scalars(one, zero, distance_a, zero, 1.0, planes);
  }
  return context;
}

FrameContext between_context(const AnchorState& a, const AnchorState& b,
                             const torch::Tensor& planes, const torch::Tensor& flow_to_a,
                             const torch::Tensor& flow_to_b, const torch::Tensor& tau,
                             const torch::Tensor& interval) {
  FrameContext context;
  context.condition_a = warp(a.condition, flow_to_a);
  context.condition_b = warp(b.condition, flow_to_b);
  context.reference_a = warp(a.picture, flow_to_a);
  context.reference_b = warp(b.picture, flow_to_b);
  const auto t = tau.view({-1, 1, 1, 1});
  context.condition = context.condition_a * (1 - t) + context.condition_b * t;
  const auto one = torch::ones_like(tau);
  context.scalars = scalars(one, one, tau * interval, (1 - tau) * interval, 0.0, planes);
  return context;
}

}  // namespace semcodec
