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
                      const torch::Tensor& is_key, const torch::Tensor& planes) {
  return torch::cat(
      {torch::stack({valid_a, valid_b, distance_a.clamp(0, 1), distance_b.clamp(0, 1), is_key}, 1),
       planes},
      1);
}

torch::Tensor zeros_picture(const torch::Tensor& condition) {
  return torch::zeros({condition.size(0), 3, condition.size(2) * 2, condition.size(3) * 2},
                      condition.options());
}

}  // namespace

torch::Tensor render_condition(const SemanticFrame& frame, int coded_width, int coded_height) {
  const int width = coded_width / 2, height = coded_height / 2;
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

torch::Tensor plane_scalars(int colour_cell, int edge_cell, int palette_size,
                            double texture_share) {
  const auto log2 = [](int value) { return std::log2(static_cast<float>(std::max(1, value))); };
  return torch::tensor({log2(colour_cell) / 5, log2(edge_cell) / 5, log2(palette_size) / 8,
                        static_cast<float>(texture_share)})
      .unsqueeze(0);
}

torch::Tensor plane_scalars(const SemanticFrame& frame, int coded_width, int texture_channels) {
  const auto cell = [&](const Plane& plane) {
    return plane.empty() ? 32 : std::max(1, coded_width / plane.width);
  };
  return plane_scalars(
      cell(frame.labels), cell(frame.structure), static_cast<int>(frame.palette.size()),
      texture_channels == 0 ? 0.0 : static_cast<double>(frame.texture.size()) / texture_channels);
}

FrameContext image_context(const CodedFrameInput& input, const torch::Tensor& key,
                           const torch::Tensor& has_key) {
  const auto& condition = input.condition;
  FrameContext context;
  context.condition = condition;
  context.condition_a = torch::zeros_like(condition);
  context.condition_b = context.condition_a;
  context.texture = input.texture;
  context.reference_b = zeros_picture(condition);
  const auto zero = torch::zeros({condition.size(0)}, condition.options());
  auto valid = zero;
  if (key.defined()) {
    valid = has_key.defined() ? has_key : torch::ones_like(zero);
    const auto mask = valid.view({-1, 1, 1, 1});
    context.reference_a = key * mask;
    context.condition_a = condition * mask;
  } else {
    context.reference_a = context.reference_b;
  }
  context.scalars = scalars(valid, zero, zero, zero, valid, input.planes);
  return context;
}

FrameContext coded_frame_context(const CodedFrameInput& input, const CodedFrameState& a,
                                 const torch::Tensor& flow_a, const torch::Tensor& distance_a,
                                 const CodedFrameState* b, const torch::Tensor& flow_b,
                                 const torch::Tensor& distance_b) {
  const auto& condition = input.condition;
  FrameContext context;
  context.condition = condition;
  context.condition_a = warp(a.condition, flow_a);
  context.reference_a = warp(a.picture, flow_a);
  context.texture = input.texture;
  const auto one = torch::ones({condition.size(0)}, condition.options());
  const auto zero = torch::zeros_like(one);
  if (b != nullptr) {
    context.condition_b = warp(b->condition, flow_b);
    context.reference_b = warp(b->picture, flow_b);
    context.scalars = scalars(one, one, distance_a, distance_b, zero, input.planes);
  } else {
    context.condition_b = torch::zeros_like(condition);
    context.reference_b = zeros_picture(condition);
    context.scalars = scalars(one, zero, distance_a, zero, zero, input.planes);
  }
  return context;
}

}  // namespace semcodec
