#include "training/data/still.h"

#include <cmath>
#include <opencv2/imgproc.hpp>

namespace semcodec {

namespace {

/// In -1..1, near 0 more often than not.
double lean(Random& random) {
  const double x = 2.0 * static_cast<double>(random.next() >> 11) * 0x1p-53 - 1.0;
  return x * std::abs(x);
}

/// Maps pixels of the view to pixels of the picture.
cv::Matx23d view(int width, int height, const StillMotion& motion, double seconds) {
  const double scale = 1.0 / (motion.start_zoom * std::exp(motion.zoom * seconds));
  const double c = scale * std::cos(motion.turn * seconds),
               s = scale * std::sin(motion.turn * seconds);
  const double mx = 0.5 * (width - 1), my = 0.5 * (height - 1);
  return {c, -s, mx - c * mx + s * my + motion.pan_x * seconds,
          s, c,  my - s * mx - c * my + motion.pan_y * seconds};
}

void look(const cv::Mat& from, cv::Mat& to, const cv::Matx23d& matrix) {
  cv::warpAffine(from, to, matrix, from.size(), cv::INTER_LINEAR | cv::WARP_INVERSE_MAP,
                 cv::BORDER_REFLECT_101);
}

}  // namespace

StillMotion draw_still_motion(Random& random) {
  StillMotion motion;
  motion.pan_x = 80 * lean(random);
  motion.pan_y = 40 * lean(random);
  motion.zoom = 0.25 * lean(random);
  motion.turn = 0.05 * lean(random);
  motion.start_zoom = 1.0 + 0.3 * std::abs(lean(random));
  return motion;
}

RgbImage still_at(const RgbImage& picture, const StillMotion& motion, double seconds) {
  RgbImage out(picture.width, picture.height);
  const cv::Mat from(picture.height, picture.width, CV_8UC3,
                     const_cast<std::uint8_t*>(picture.pixels.data()));
  cv::Mat to(picture.height, picture.width, CV_8UC3, out.pixels.data());
  look(from, to, view(picture.width, picture.height, motion, seconds));
  return out;
}

std::vector<float> still_edges_at(const std::vector<float>& edges, int width, int height,
                                  const StillMotion& motion, double seconds) {
  std::vector<float> out(edges.size());
  const cv::Mat from(height, width, CV_32FC1, const_cast<float*>(edges.data()));
  cv::Mat to(height, width, CV_32FC1, out.data());
  look(from, to, view(width, height, motion, seconds));
  return out;
}

}  // namespace semcodec
