#pragma once
// Motion of a moment between two frames, on the CPU in a few passes: the same arithmetic as
// between() of flow_geometry.cpp spells out in tensor operations, without gradients.

#include <torch/torch.h>

#include <utility>

namespace semcodec {

/// flow_10, flow_01: 1×2×h×w float, in pixels of `cell` times that size, of the later frame towards
/// the earlier and back; tau in (0, 1). Returns the flows of the moment towards both.
std::pair<torch::Tensor, torch::Tensor> flows_of_moment(const torch::Tensor& flow_10,
                                                        const torch::Tensor& flow_01, float tau,
                                                        int cell);

}  // namespace semcodec
