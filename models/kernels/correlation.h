#pragma once
// The correlation layer of FlowNetC (Dosovitskiy et al., ICCV 2015, eq. 1) with kernel size 1.

#include <torch/torch.h>

namespace semcodec {

/// Compares every feature vector of `a` with those of `b` around the same place.
///
///   out[n, (j + s)·(2s + 1) + (i + s), y, x] = 1/C · Σ_c a[n, c, y, x] · b[n, c, y + j·stride, x +
///   i·stride]
///
/// for i, j in [−s, s], s = max_displacement / stride; places outside `b` count as zero. FlowNetC
/// uses max_displacement 20 and stride 2, hence 441 channels.
///
/// a, b: N×C×H×W, same shape, device and type (double, float, bfloat16 or half; sums are kept
/// in float or double). The result has the type of `a`, the channels_last layout, and gradients.
/// Throws Error(unsupported) for other types or when the shapes differ.
torch::Tensor correlation(const torch::Tensor& a, const torch::Tensor& b, int max_displacement,
                          int stride);

/// The number of output channels of correlation().
inline int correlation_channels(int max_displacement, int stride) {
  const int side = 2 * (max_displacement / stride) + 1;
  return side * side;
}

}  // namespace semcodec
