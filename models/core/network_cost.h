#pragma once
// What a network costs: its parameters, and the multiply-accumulates of a forward pass.
//
// Counted while the network runs, by observing torch's operators: every convolution, matrix product
// and attention counts, wherever it is called. Additions, activations, normalisations and sampling
// do not, as in the literature. Only what the calling thread calls is seen.

#include <torch/torch.h>

#include <cstdint>
#include <functional>

namespace semcodec {

struct NetworkCost {
  double macs = 0;  ///< multiply-accumulates that are needed
  /// The same with transposed convolutions at the size of their output, as the counter `thop`
  /// has it, by which most published figures were made.
  double macs_of_outputs = 0;

  NetworkCost scaled(double factor) const { return {macs * factor, macs_of_outputs * factor}; }
};

std::int64_t count_parameters(const torch::nn::Module& net);

/// Runs `forward` without gradients and counts. Of a convolutional network the cost of another size
/// of picture is that of a small one times the ratio of the pixels. CPU or CUDA, float types.
/// Not inside another count on the same thread: throws Error(internal).
NetworkCost measure_cost(const std::function<void()>& forward);

}  // namespace semcodec
