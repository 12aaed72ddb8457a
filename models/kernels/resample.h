#pragma once
// Backward warping: FlowNet2's Resample2d.

#include <torch/torch.h>

namespace semcodec {

/// Looks each pixel up where the flow points:
///
///   out[n, c, y, x] = bilinear(image[n, c], x + flow[n, 0, y, x], y + flow[n, 1, y, x])
///
/// Flow is in pixels, (dx, dy). Each of the four taps is clamped to the border on its own, which
/// repeats the border outwards (the same as grid_sample with align_corners = true and border
/// padding). A flow that is not finite reads a border pixel.
///
/// image: N×C×H×W of any floating type, standard or channels_last layout; flow: N×2×H×W, any
/// floating type. The result has the type and layout of the image. Gradients for both.
/// Throws Error(unsupported) when shapes or types do not fit.
torch::Tensor resample(const torch::Tensor& image, const torch::Tensor& flow);

}  // namespace semcodec
