#pragma once
// What an intra picture looks like after an intra codec at a low rate, without the codec: training
// does not link libav, and the generator should trust no particular codec's habits.
//
// Cosine transform over blocks, coefficients rounded to steps that grow with frequency, transform
// back; done on two grids shifted by half a block and averaged, which is what deblocking amounts
// to. Chroma at half size. The step is drawn so that pictures range from good to very poor.

#include <torch/torch.h>

#include "common/core/random.h"

namespace semcodec {

/// picture: 1×3×H×W in 0..1, H and W multiples of 32. The result is clamped to 0..1.
torch::Tensor as_intra_picture(const torch::Tensor& picture, Random& random);

}  // namespace semcodec
