#pragma once
// Structural similarity.
//
// SSIM after Wang, Bovik, Sheikh, Simoncelli 2004: Gaussian window 11x11, sigma 1.5, K1 0.01,
// K2 0.03, dynamic range 255, computed on R, G and B apart and averaged, borders of 5 pixels left
// out. Equal to scikit-image's structural_similarity(a, b, channel_axis=2, data_range=255,
// gaussian_weights=True, use_sample_covariance=False).
//
// MS-SSIM after Wang, Simoncelli, Bovik 2003: five scales, each half the one before (mean of 2x2
// pixels, an odd side given a black line in front), weights .0448 .2856 .3001 .2363 .1333; contrast
// and structure of the first four, all of SSIM of the last; negative terms count as 0; per channel,
// then averaged. Equal to the PyPI package pytorch-msssim.

#include <optional>

#include "common/core/image.h"

namespace semcodec {

inline constexpr int kSsimWindow = 11;
inline constexpr int kMsSsimScales = 5;

/// -1 … 1, 1 = equal. Both sides at least kSsimWindow pixels, else Error(input).
double ssim(const RgbImage& a, const RgbImage& b);

/// 0 … 1. Nothing when a side is shorter than 11 * 2^4 = 176 pixels: the coarsest scale has no
/// window then.
std::optional<double> ms_ssim(const RgbImage& a, const RgbImage& b);

}  // namespace semcodec
