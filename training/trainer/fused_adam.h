#pragma once
// Adam's step in one pass over each parameter.

#include <torch/torch.h>

namespace semcodec {

/// What optimizer.step() does, by torch's fused operator: parameter, gradient and both moments are
/// read once, where the C++ optimizer makes some ten passes. The same to rounding; state and
/// checkpoints are those of torch::optim::Adam. Without amsgrad.
void fused_step(torch::optim::Adam& optimizer);

}  // namespace semcodec
