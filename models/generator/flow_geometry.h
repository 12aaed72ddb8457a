#pragma once
// Geometry of motion between coded frames, on tensors.
//
// Convention everywhere: a backward flow F(x) of frame i towards frame j says that pixel x of i
// shows what is at x + F(x) in j. Flows live at 1/4 of the coded size, N×2×H/4×W/4 (x then y),
// in pixels of the coded size. All functions are batched and run on any device.

#include <torch/torch.h>

#include <utility>

#include "semcodec/planes.h"

namespace semcodec {

inline constexpr int kFlowScale = 4;  ///< coded size / flow size

/// The transmitted coarse motion as a flow of this coded frame towards the one before it:
/// 1×2×H/4×W/4, bilinear between the centres of the cells.
torch::Tensor dense_motion(const MotionField& field, int coded_width, int coded_height);

/// Samples `image` (N×C×h×w, any scale of the coded size) along `flow`, which is resized to the
/// image's scale. Bilinear, clamped at the border.
torch::Tensor warp(const torch::Tensor& image, const torch::Tensor& flow);

/// Flow of i towards k, from i towards j and j towards k:  F_ik(x) = F_ij(x) + F_jk(x + F_ij(x)).
torch::Tensor compose(const torch::Tensor& flow_ij, const torch::Tensor& flow_jk);

/// Flow of j towards i from the flow of i towards j, by splatting; holes keep -F of their place.
torch::Tensor invert(const torch::Tensor& flow);

/// Flows of a moment between two coded frames towards both of them.
/// flow_10: of the later coded frame towards the earlier; flow_01: the other way round; tau: N
/// values in (0, 1), position between earlier (0) and later (1). Motion is taken as linear in time:
/// both flows are splatted to the moment tau, averaged where they meet (weighted by how well the
/// flow back leads home, so that covered places have no say), and scaled.
/// Returns {towards the earlier, towards the later}.
std::pair<torch::Tensor, torch::Tensor> between(const torch::Tensor& flow_10,
                                                const torch::Tensor& flow_01,
                                                const torch::Tensor& tau);

}  // namespace semcodec
