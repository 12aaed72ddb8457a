#pragma once
// A grid of sample pictures as a binary PPM file, which every picture viewer and converter reads.

#include <torch/torch.h>

#include <string>
#include <vector>

namespace semcodec {

/// Columns: the tensors (each N×3×H×W in 0..1, clamped); rows: the first `rows` of the batch.
/// Returns the picture: H×W×3, uint8, on the CPU.
torch::Tensor write_sample_grid(const std::string& path, const std::vector<torch::Tensor>& columns,
                                int64_t rows = 6);

}  // namespace semcodec
