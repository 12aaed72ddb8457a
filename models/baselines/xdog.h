#pragma once
// A sketch of a picture by the extended difference of Gaussians (Winnemöller, Kyprianidis, Olsen,
// "XDoG: An eXtended difference-of-Gaussians compendium", 2012), for Table I of the seed paper:
//
//   S = (1 + p) G_σ * Y − p G_kσ * Y
//   T = 1 where S ≥ ε, else 1 + tanh(φ (S − ε))
//
// of the luma Y in 0..1, with σ = 0.8 pixels, k = 1.6, p = 20, ε = 0.6, φ = 10. T is ink on paper:
// 0 is black. A stream carries the strength of lines, 1 − T.

#include <torch/torch.h>

namespace semcodec {

/// Pictures N×3×H×W, RGB in 0..1 -> N×1×H×W, 1 − T in 0..1: 1 where there is ink.
torch::Tensor xdog_sketch(const torch::Tensor& pictures);

}  // namespace semcodec
