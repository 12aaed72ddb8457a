#pragma once
// Does texture have the right strength at every frequency, wherever its blades and leaves lie?
//
//   loss = mean | ½ log(P_out + ε) − ½ log(P_source + ε) |,   P = |FFT(hann · luma)|²
//
// over windows of 32×32 pixels that overlap by half. Phases do not count: L1 and LPIPS ask for
// each blade of grass in its place, which nobody has sent, and are content with one tile repeated
// over the meadow. A repeated tile has all its energy at the multiples of one frequency, and this
// term sees the others missing. (In the spirit of the focal frequency loss, Jiang et al. 2021,
// arXiv 2012.12821, of amplitudes alone and local.)

#include <torch/torch.h>

namespace semcodec {

/// Pictures N×3×H×W in 0..1, H and W at least 32; a scalar, float32. ε stands for a noise of two
/// grey levels in 255, below which nothing is compared.
torch::Tensor spectral_loss(const torch::Tensor& output, const torch::Tensor& source);

}  // namespace semcodec
