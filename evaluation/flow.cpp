#include "evaluation/flow.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <opencv2/imgproc.hpp>
#include <opencv2/video/tracking.hpp>
#include <vector>

#include "common/core/error.h"

namespace semcodec {

void use_one_opencv_thread() { cv::setNumThreads(1); }

cv::Mat grey_of(const RgbImage& image) {
  cv::Mat grey(image.height, image.width, CV_8UC1);
  for (int y = 0; y < image.height; ++y) {
    const std::uint8_t* p = image.row(y);
    std::uint8_t* to = grey.ptr<std::uint8_t>(y);
    for (int x = 0; x < image.width; ++x, p += 3) {
      // 299 + 587 + 114 = 1000; exact rounding, the same on every machine.
      to[x] = static_cast<std::uint8_t>((299 * p[0] + 587 * p[1] + 114 * p[2] + 500) / 1000);
    }
  }
  return grey;
}

struct FlowEstimator::Impl {
  cv::Ptr<cv::DISOpticalFlow> dis = cv::DISOpticalFlow::create(cv::DISOpticalFlow::PRESET_MEDIUM);
};

FlowEstimator::FlowEstimator() : impl_(std::make_unique<Impl>()) {}
FlowEstimator::~FlowEstimator() = default;
FlowEstimator::FlowEstimator(FlowEstimator&&) noexcept = default;
FlowEstimator& FlowEstimator::operator=(FlowEstimator&&) noexcept = default;

cv::Mat FlowEstimator::estimate(const cv::Mat& from, const cv::Mat& to) {
  require(from.size() == to.size() && std::min(from.rows, from.cols) >= kMinFlowSize,
          ErrorKind::input, "Motion needs two pictures of one size, at least 32x32 pixels.");
  cv::Mat flow;  // empty: DIS starts from zero motion
  impl_->dis->calc(from, to, flow);
  return flow;
}

cv::Mat strongest_gradients(const cv::Mat& grey, double share) {
  cv::Mat dx;
  cv::Mat dy;
  cv::Sobel(grey, dx, CV_32F, 1, 0);
  cv::Sobel(grey, dy, CV_32F, 0, 1);
  const cv::Mat strength = dx.mul(dx) + dy.mul(dy);
  std::vector<float> sorted(strength.begin<float>(), strength.end<float>());
  const auto keep =
      static_cast<std::size_t>(std::clamp(std::ceil(share * static_cast<double>(sorted.size())),
                                          1.0, static_cast<double>(sorted.size())));
  const auto weakest = sorted.end() - static_cast<std::ptrdiff_t>(keep);
  std::nth_element(sorted.begin(), weakest, sorted.end());
  return strength >= *weakest;
}

}  // namespace semcodec
