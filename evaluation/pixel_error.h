#pragma once
// Errors of single pictures, sample by sample: MSE, PSNR on RGB, PSNR on Y'CbCr.
//
// Both pictures have the same size, else Error(input). Sums are exact integers or doubles.

#include <array>

#include "common/core/image.h"

namespace semcodec {

/// PSNR of identical pictures would be infinite; files of results hold this instead.
inline constexpr double kPsnrCeiling = 100.0;

/// Mean over all 3 * width * height samples of (a - b)^2, 0 … 65025.
double mean_squared_error(const RgbImage& a, const RgbImage& b);

/// 10 log10(255^2 / mse), at most kPsnrCeiling.
double psnr_from_mse(double mse);

/// PSNR of Y', Cb and Cr, dB. BT.709 full range without rounding; Cb and Cr averaged over 2x2
/// pixels first, as in 4:2:0 (an odd last column or row is averaged over what is there).
std::array<double, 3> yuv_psnr(const RgbImage& a, const RgbImage& b);

/// (6 Y' + Cb + Cr) / 8 of the three, the weighting that learned video codecs report.
double weighted_yuv_psnr(const std::array<double, 3>& psnr);

/// Throws Error(input) when the sizes differ or a picture is empty.
void require_same_size(const RgbImage& a, const RgbImage& b);

}  // namespace semcodec
