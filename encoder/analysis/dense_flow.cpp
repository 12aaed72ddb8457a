#include "encoder/analysis/dense_flow.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "encoder/analysis/cells.h"

namespace semcodec {

cv::Mat grey_picture(const RgbImage& frame, bool half_size) {
  check_picture(frame);
  // OpenCV has no read-only view; cvtColor does not write to its input.
  const cv::Mat rgb(frame.height, frame.width, CV_8UC3,
                    const_cast<std::uint8_t*>(frame.pixels.data()));
  cv::Mat grey;
  cv::cvtColor(rgb, grey, cv::COLOR_RGB2GRAY);
  if (!half_size) return grey;
  cv::Mat small;
  cv::resize(grey, small, {std::max(1, frame.width / 2), std::max(1, frame.height / 2)}, 0, 0,
             cv::INTER_AREA);
  return small;
}

cv::Ptr<cv::DISOpticalFlow> make_dense_flow(MotionOptions::Preset preset) {
  switch (preset) {
    case MotionOptions::Preset::ultrafast:
      return cv::DISOpticalFlow::create(cv::DISOpticalFlow::PRESET_ULTRAFAST);
    case MotionOptions::Preset::fast:
      return cv::DISOpticalFlow::create(cv::DISOpticalFlow::PRESET_FAST);
    case MotionOptions::Preset::medium:
      break;
  }
  return cv::DISOpticalFlow::create(cv::DISOpticalFlow::PRESET_MEDIUM);
}

cv::Mat dense_flow(cv::DISOpticalFlow& dense, const cv::Mat& from, const cv::Mat& to) {
  // DIS needs room for its patches.
  if (from.cols < 16 || from.rows < 16) return cv::Mat::zeros(from.size(), CV_32FC2);
  cv::Mat result;
  dense.calc(from, to, result);
  return result;
}

cv::Mat fetch(const cv::Mat& picture, const cv::Mat& flow) {
  cv::Mat where(flow.size(), CV_32FC2);
  for (int y = 0; y < flow.rows; ++y) {
    const auto* vectors = flow.ptr<cv::Vec2f>(y);
    auto* out = where.ptr<cv::Vec2f>(y);
    for (int x = 0; x < flow.cols; ++x) {
      out[x] = {static_cast<float>(x) + vectors[x][0], static_cast<float>(y) + vectors[x][1]};
    }
  }
  cv::Mat result;
  cv::remap(picture, result, where, cv::noArray(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
  return result;
}

cv::Mat prepend(const cv::Mat& step, const cv::Mat& chain) { return step + fetch(chain, step); }

}  // namespace semcodec
