#pragma once
// Gradient magnitude similarity deviation (Xue, Zhang, Mou, Bovik: "Gradient Magnitude Similarity
// Deviation", IEEE TIP 2014): how unevenly the gradients of two pictures differ. 0 = equal, larger
// is worse.
//
// Luma .299 R + .587 G + .114 B on 0 … 255, mean of 2x2 pixels, Prewitt / 3 with zeros outside,
// similarity (2 ga gb + c) / (ga² + gb² + c) with c = 170, standard deviation over all pixels
// (divided by their number). An odd last row or column is averaged with zeros, as in the authors'
// program.

#include "common/core/image.h"

namespace semcodec {

/// Throws Error(input) when the sizes differ.
double gmsd(const RgbImage& a, const RgbImage& b);

}  // namespace semcodec
