#pragma once
// Dense motion between two pictures for the temporal metrics: OpenCV's DIS flow (Kroeger et al.,
// "Fast Optical Flow using Dense Inverse Search", ECCV 2016) at its MEDIUM preset.
//
// OpenCV's result depends on its number of threads (pictures are searched in stripes, one a
// thread). So that figures are the same on every machine, FlowEstimator's users call
// use_one_opencv_thread() first and work on several pictures at a time instead.

#include <memory>
#include <opencv2/core.hpp>

#include "common/core/image.h"

namespace semcodec {

/// From now on OpenCV calls run on the thread that makes them. Call it once, at start.
void use_one_opencv_thread();

/// Luma of a picture, CV_8UC1 (.299 R + .587 G + .114 B, rounded).
cv::Mat grey_of(const RgbImage& image);

/// Not thread-safe: one estimator a thread. Keeps no memory of earlier pictures.
class FlowEstimator {
 public:
  FlowEstimator();
  ~FlowEstimator();
  FlowEstimator(FlowEstimator&&) noexcept;
  FlowEstimator& operator=(FlowEstimator&&) noexcept;

  /// CV_32FC2, pixels: what is at (x, y) in `from` is at (x, y) + flow(x, y) in `to`. Both CV_8UC1
  /// of the same size, sides at least kMinFlowSize, else Error(input).
  cv::Mat estimate(const cv::Mat& from, const cv::Mat& to);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// DIS builds a pyramid of 8x8 patches; smaller pictures have none.
inline constexpr int kMinFlowSize = 32;

/// CV_8UC1 mask, 255 at the `share` (0 … 1) of the pixels with the strongest 3x3 Sobel gradient and
/// at all that equal the weakest of these.
cv::Mat strongest_gradients(const cv::Mat& grey, double share);

}  // namespace semcodec
