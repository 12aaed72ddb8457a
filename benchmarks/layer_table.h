#pragma once
// Where the time of a network goes: each operator of torch by the shapes of its inputs.

#include <torch/torch.h>

#include <functional>

namespace semcodec {

/// Runs `work` (warm already) `runs` times, listening to torch's operators, and prints the `rows`
/// dearest ones: time without what they call, calls, and share. Operators of our own kernels that
/// torch does not know are in the last row, "outside torch's operators". On a GPU the times are
/// those of the calls, not of the device.
void print_layer_table(const std::function<torch::Tensor()>& work, int runs, int rows);

}  // namespace semcodec
