#pragma once
// One-hot maps of semantic classes, from the fixed colours that stand for them in a condition
// (common/semantic/class_plane.h).

#include <torch/torch.h>

namespace semcodec {

/// Colours N×3×h×w in 0..1 -> N×classes×h×w of 0 and 1 in float32. Black is no class. Colours
/// between those of two classes, as a warp makes them, may give any class or none.
torch::Tensor class_maps(const torch::Tensor& colours, int classes);

}  // namespace semcodec
