#pragma once
// Gradient checkpointing: a part of a network whose inner activations are not kept for the backward
// pass but computed again there. Less memory for one more forward pass.

#include <torch/torch.h>

#include <functional>
#include <vector>

namespace semcodec {

using TensorFunction = std::function<std::vector<torch::Tensor>(const std::vector<torch::Tensor>&)>;

/// f(inputs), without what it computes on the way. Gradients reach the inputs that want them and
/// the parameters that `f` uses, the latter by being added to their .grad as usual. `f` is called
/// again in the backward pass and must then do the same: it sets its own autocast, and draws no
/// random numbers. Inputs that are not defined are passed as they are. Without gradients wanted
/// anywhere (NoGradGuard) it is f(inputs).
std::vector<torch::Tensor> recomputed(const TensorFunction& f,
                                      const std::vector<torch::Tensor>& inputs);

}  // namespace semcodec
