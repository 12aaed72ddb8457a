#pragma once
// Dense optical flow between whole pictures: what the motion estimation and the reference decay of
// key pictures share. Internal to the analysis.

#include <opencv2/core.hpp>
#include <opencv2/video/tracking.hpp>

#include "common/core/image.h"
#include "encoder/analysis/motion.h"

namespace semcodec {

/// 8-bit grey, at half the size when asked.
cv::Mat grey_picture(const RgbImage& frame, bool half_size);

cv::Ptr<cv::DISOpticalFlow> make_dense_flow(MotionOptions::Preset preset);

/// For each pixel of `from`, how far away its partner in `to` lies (CV_32FC2, pixels). Pictures
/// smaller than 16 pixels do not move.
cv::Mat dense_flow(cv::DISOpticalFlow& dense, const cv::Mat& from, const cv::Mat& to);

/// Motion from the newest frame to the first: `step`, from the newest to the one before it, in
/// front of the chain so far.
cv::Mat prepend(const cv::Mat& step, const cv::Mat& chain);

/// `picture` fetched from where `flow` points. Borders are repeated.
cv::Mat fetch(const cv::Mat& picture, const cv::Mat& flow);

}  // namespace semcodec
