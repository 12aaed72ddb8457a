#pragma once
// From decoded planes to what the generator sees. Decoder and trainer share this code, so what is
// learned is what is sent.

#include <torch/torch.h>

#include "models/generator/generator.h"
#include "semcodec/planes.h"

namespace semcodec {

/// Renders colour map and edge strength of a coded frame: 1×4×H/2×W/2 float (see FrameContext).
/// Planes that were not sent become mid-grey and zero.
torch::Tensor render_condition(const SemanticFrame& frame, int coded_width, int coded_height);

/// One coded frame as the receiver remembers it. Tensors are batched (N), so that the trainer can
/// build many at once.
struct CodedFrameState {
  torch::Tensor condition;  ///< N×4×H/2×W/2
  torch::Tensor picture;    ///< N×3×H×W in 0..1, the generator's output
};

/// What was sent for one coded frame, as the generator takes it.
struct CodedFrameInput {
  torch::Tensor condition;  ///< N×4×H/2×W/2
  torch::Tensor texture;    ///< N×C×H/16×W/16; undefined when the model has none
  torch::Tensor planes;     ///< N×4, plane_scalars()
};

/// Properties of the planes that the generator is told (FrameContext::scalars 5..8), N×4.
/// texture_share: channels sent / channels of the model.
torch::Tensor plane_scalars(int colour_cell, int edge_cell, int palette_size, double texture_share);
torch::Tensor plane_scalars(const SemanticFrame& frame, int coded_width, int texture_channels);

/// Context of a picture with nothing before it (first frame, hard cut). With `key` (N×3×H×W) that
/// picture is the reference; has_key (N, 0/1) says for which of the batch, all when undefined.
FrameContext image_context(const CodedFrameInput& input, const torch::Tensor& key = {},
                           const torch::Tensor& has_key = {});

/// Context of a coded frame that refers to the coded frame before it (A) and, when `before` is
/// given, to the one before that (B). Flows lead from this coded frame towards A and B; distances
/// in seconds, N.
FrameContext coded_frame_context(const CodedFrameInput& input, const CodedFrameState& a,
                                 const torch::Tensor& flow_a, const torch::Tensor& distance_a,
                                 const CodedFrameState* b = nullptr,
                                 const torch::Tensor& flow_b = {},
                                 const torch::Tensor& distance_b = {});

}  // namespace semcodec
