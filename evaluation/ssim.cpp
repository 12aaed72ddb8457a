#include "evaluation/ssim.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "common/core/error.h"
#include "evaluation/pixel_error.h"

namespace semcodec {
namespace {

constexpr int kRadius = kSsimWindow / 2;
constexpr double kC1 = (0.01 * 255) * (0.01 * 255);
constexpr double kC2 = (0.03 * 255) * (0.03 * 255);
// Moving the grey zero to the middle leaves variances as they are and keeps squares small, so that
// float sums are exact enough.
constexpr float kOffset = 128.0F;
constexpr std::array<double, kMsSsimScales> kScaleWeights{0.0448, 0.2856, 0.3001, 0.2363, 0.1333};

struct Similarity {
  double ssim = 0;       ///< mean of luminance · contrast · structure
  double structure = 0;  ///< mean of contrast · structure
};

std::vector<cv::Mat> planes_of(const RgbImage& image) {
  cv::Mat shifted(image.height, image.width, CV_32FC3);
  for (int y = 0; y < image.height; ++y) {
    const std::uint8_t* from = image.row(y);
    float* to = shifted.ptr<float>(y);
    for (int i = 0; i < 3 * image.width; ++i) to[i] = static_cast<float>(from[i]) - kOffset;
  }
  std::vector<cv::Mat> planes;
  cv::split(shifted, planes);
  return planes;
}

cv::Mat window_mean(const cv::Mat& plane) {
  static const cv::Mat kernel = cv::getGaussianKernel(kSsimWindow, 1.5, CV_32F);
  cv::Mat mean;
  cv::sepFilter2D(plane, mean, CV_32F, kernel, kernel, cv::Point(-1, -1), 0, cv::BORDER_REFLECT);
  return mean(cv::Range(kRadius, plane.rows - kRadius), cv::Range(kRadius, plane.cols - kRadius));
}

Similarity compare_planes(const cv::Mat& a, const cv::Mat& b) {
  const cv::Mat mean_a = window_mean(a);
  const cv::Mat mean_b = window_mean(b);
  const cv::Mat mean_aa = window_mean(a.mul(a));
  const cv::Mat mean_bb = window_mean(b.mul(b));
  const cv::Mat mean_ab = window_mean(a.mul(b));
  Similarity sum;
  for (int y = 0; y < mean_a.rows; ++y) {
    const float* pa = mean_a.ptr<float>(y);
    const float* pb = mean_b.ptr<float>(y);
    const float* paa = mean_aa.ptr<float>(y);
    const float* pbb = mean_bb.ptr<float>(y);
    const float* pab = mean_ab.ptr<float>(y);
    for (int x = 0; x < mean_a.cols; ++x) {
      const double ma = pa[x];
      const double mb = pb[x];
      const double variance_sum = paa[x] - ma * ma + pbb[x] - mb * mb;
      const double covariance = pab[x] - ma * mb;
      const double structure = (2 * covariance + kC2) / (variance_sum + kC2);
      const double la = ma + kOffset;
      const double lb = mb + kOffset;
      sum.structure += structure;
      sum.ssim += structure * (2 * la * lb + kC1) / (la * la + lb * lb + kC1);
    }
  }
  const double count = static_cast<double>(mean_a.total());
  return {sum.ssim / count, sum.structure / count};
}

// Mean of 2x2 pixels. An odd side gets a black line in front first: that is what pytorch-msssim
// does, and figures are compared with its figures.
cv::Mat halve(const cv::Mat& plane) {
  cv::Mat even = plane;
  if (plane.rows % 2 != 0 || plane.cols % 2 != 0) {
    cv::copyMakeBorder(plane, even, plane.rows % 2, 0, plane.cols % 2, 0, cv::BORDER_CONSTANT,
                       cv::Scalar(-kOffset));
  }
  cv::Mat half;
  cv::resize(even, half, cv::Size(even.cols / 2, even.rows / 2), 0, 0, cv::INTER_AREA);
  return half;
}

}  // namespace

double ssim(const RgbImage& a, const RgbImage& b) {
  require_same_size(a, b);
  require(std::min(a.width, a.height) >= kSsimWindow, ErrorKind::input,
          "SSIM needs pictures of at least 11x11 pixels.");
  const std::vector<cv::Mat> planes_a = planes_of(a);
  const std::vector<cv::Mat> planes_b = planes_of(b);
  double sum = 0;
  for (std::size_t c = 0; c < 3; ++c) sum += compare_planes(planes_a[c], planes_b[c]).ssim;
  return sum / 3;
}

std::optional<double> ms_ssim(const RgbImage& a, const RgbImage& b) {
  require_same_size(a, b);
  if (std::min(a.width, a.height) < (kSsimWindow << (kMsSsimScales - 1))) return std::nullopt;
  std::vector<cv::Mat> planes_a = planes_of(a);
  std::vector<cv::Mat> planes_b = planes_of(b);
  double sum = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    double product = 1;
    for (std::size_t scale = 0; scale < kScaleWeights.size(); ++scale) {
      if (scale > 0) {
        planes_a[c] = halve(planes_a[c]);
        planes_b[c] = halve(planes_b[c]);
      }
      const Similarity s = compare_planes(planes_a[c], planes_b[c]);
      const bool last = scale + 1 == kScaleWeights.size();
      product *= std::pow(std::max(0.0, last ? s.ssim : s.structure), kScaleWeights[scale]);
    }
    sum += product;
  }
  return sum / 3;
}

}  // namespace semcodec
