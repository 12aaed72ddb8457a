#pragma once
// From decoded planes to what the generator sees. Decoder and trainer share this code, so what is
// learned is what is sent.

#include <torch/torch.h>

#include "common/semantic/semantic_frame.h"
#include "models/generator/generator.h"

namespace semcodec {

/// Renders colour map and edge strength of an anchor: 1×4×H/2×W/2 float (see FrameContext).
/// Planes that were not sent become mid-grey and zero.
torch::Tensor render_condition(const SemanticFrame& frame, int work_width, int work_height);

/// One anchor as the receiver remembers it. Tensors are batched (N), so that the trainer can build
/// many at once.
struct AnchorState {
  torch::Tensor condition;  ///< N×4×H/2×W/2
  torch::Tensor picture;    ///< N×3×H×W in 0..1, the generator's output
};

/// Properties of the planes that the generator is told (FrameContext::scalars 5..7).
/// N×3; see plane_scalars().
torch::Tensor plane_scalars(int colour_cell, int edge_cell, int palette_size);
torch::Tensor plane_scalars(const SemanticFrame& frame, int work_width);

/// Context of a picture with nothing before it (first frame, hard cut).
FrameContext image_context(const torch::Tensor& condition, const torch::Tensor& planes);

/// Context of an anchor that refers to the anchor before it (A) and, when `before` is given, to
/// the one before that (B). Flows lead from this anchor towards A and B; distances in seconds, N.
FrameContext anchor_context(const torch::Tensor& condition, const torch::Tensor& planes,
                            const AnchorState& a, const torch::Tensor& flow_a,
                            const torch::Tensor& distance_a, const AnchorState* b = nullptr,
                            const torch::Tensor& flow_b = {}, const torch::Tensor& distance_b = {});

/// Context of a frame between anchors A (earlier) and B (later). tau: N, in (0, 1); interval: N,
/// seconds between the anchors. The condition is carried along the flow from both sides.
FrameContext between_context(const AnchorState& a, const AnchorState& b,
                             const torch::Tensor& planes, const torch::Tensor& flow_to_a,
                             const torch::Tensor& flow_to_b, const torch::Tensor& tau,
                             const torch::Tensor& interval);

}  // namespace semcodec
