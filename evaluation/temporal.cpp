#include "evaluation/temporal.h"

#include <cmath>
#include <cstdlib>

#include "evaluation/pixel_error.h"

namespace semcodec {
namespace {

void add_motion_error(FlowEstimator& estimator, const cv::Mat& s0, const cv::Mat& source_flow,
                      const cv::Mat& d0, const cv::Mat& d1, TemporalSums& sums) {
  const cv::Mat flow = estimator.estimate(d0, d1);
  const cv::Mat mask = strongest_gradients(s0, kMotionGradientShare);
  for (int y = 0; y < flow.rows; ++y) {
    const cv::Vec2f* f = flow.ptr<cv::Vec2f>(y);
    const cv::Vec2f* g = source_flow.ptr<cv::Vec2f>(y);
    const std::uint8_t* m = mask.ptr<std::uint8_t>(y);
    for (int x = 0; x < flow.cols; ++x) {
      if (m[x] == 0) continue;
      sums.end_point_error += cv::norm(f[x] - g[x]);
      sums.source_motion += cv::norm(g[x]);
      ++sums.motion_pixels;
    }
  }
}

double flicker_of(const RgbImage& s0, const RgbImage& s1, const RgbImage& d0, const RgbImage& d1) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < s0.pixels.size(); ++i) {
    const int source_change = int{s1.pixels[i]} - int{s0.pixels[i]};
    const int change = int{d1.pixels[i]} - int{d0.pixels[i]};
    sum += std::abs(change - source_change);
  }
  return static_cast<double>(sum) / static_cast<double>(s0.pixels.size());
}

/// Where a pixel went: the four neighbours' top left one and the weights. Inside only.
struct Tap {
  int x, y;
  float fx, fy;
};

bool tap_at(const cv::Size& size, int x, int y, const cv::Vec2f& flow, Tap& tap) {
  const float px = static_cast<float>(x) + flow[0];
  const float py = static_cast<float>(y) + flow[1];
  if (!(px >= 0 && py >= 0 && px < static_cast<float>(size.width - 1) &&
        py < static_cast<float>(size.height - 1))) {
    return false;
  }
  tap.x = static_cast<int>(px);
  tap.y = static_cast<int>(py);
  tap.fx = px - static_cast<float>(tap.x);
  tap.fy = py - static_cast<float>(tap.y);
  return true;
}

cv::Vec2f sample(const cv::Mat& flow, const Tap& t) {
  const cv::Vec2f* a = flow.ptr<cv::Vec2f>(t.y) + t.x;
  const cv::Vec2f* b = flow.ptr<cv::Vec2f>(t.y + 1) + t.x;
  return (1 - t.fy) * ((1 - t.fx) * a[0] + t.fx * a[1]) + t.fy * ((1 - t.fx) * b[0] + t.fx * b[1]);
}

double warped_difference(const RgbImage& first, const RgbImage& second, int x, int y,
                         const Tap& t) {
  const std::uint8_t* here = first.row(y) + 3 * x;
  const std::uint8_t* a = second.row(t.y) + 3 * t.x;
  const std::uint8_t* b = second.row(t.y + 1) + 3 * t.x;
  double sum = 0;
  for (int c = 0; c < 3; ++c) {
    const double top = (1 - t.fx) * a[c] + t.fx * a[c + 3];
    const double bottom = (1 - t.fx) * b[c] + t.fx * b[c + 3];
    const double d = (here[c] - ((1 - t.fy) * top + t.fy * bottom)) / 255.0;
    sum += d * d;
  }
  return sum;
}

void add_warping_error(const cv::Mat& forward, const cv::Mat& backward, const RgbImage& s0,
                       const RgbImage& s1, const RgbImage& d0, const RgbImage& d1,
                       TemporalSums& sums) {
  double error = 0;
  double source_error = 0;
  std::int64_t visible = 0;
  for (int y = 0; y < forward.rows; ++y) {
    const cv::Vec2f* f = forward.ptr<cv::Vec2f>(y);
    for (int x = 0; x < forward.cols; ++x) {
      Tap tap{};
      if (!tap_at(forward.size(), x, y, f[x], tap)) continue;
      const cv::Vec2f b = sample(backward, tap);
      const cv::Vec2f loop = f[x] + b;
      if (loop.dot(loop) > 0.01F * (f[x].dot(f[x]) + b.dot(b)) + 0.5F) continue;
      ++visible;
      error += warped_difference(d0, d1, x, y, tap);
      source_error += warped_difference(s0, s1, x, y, tap);
    }
  }
  if (visible == 0) return;
  sums.warping += error / static_cast<double>(visible);
  sums.source_warping += source_error / static_cast<double>(visible);
  ++sums.warping_pairs;
}

}  // namespace

TemporalSums& TemporalSums::operator+=(const TemporalSums& other) {
  pairs += other.pairs;
  end_point_error += other.end_point_error;
  source_motion += other.source_motion;
  motion_pixels += other.motion_pixels;
  flicker += other.flicker;
  warping += other.warping;
  source_warping += other.source_warping;
  warping_pairs += other.warping_pairs;
  return *this;
}

TemporalSums compare_motion(FlowEstimator& estimator, const RgbImage& s0, const RgbImage& s1,
                            const RgbImage& d0, const RgbImage& d1, const TemporalChoice& choice) {
  require_same_size(s0, s1);
  require_same_size(s0, d0);
  require_same_size(s0, d1);
  TemporalSums sums;
  sums.pairs = 1;
  if (choice.flicker) sums.flicker = flicker_of(s0, s1, d0, d1);
  if (choice.motion || choice.warping) {
    const cv::Mat grey0 = grey_of(s0);
    const cv::Mat grey1 = grey_of(s1);
    const cv::Mat forward = estimator.estimate(grey0, grey1);
    if (choice.motion) {
      add_motion_error(estimator, grey0, forward, grey_of(d0), grey_of(d1), sums);
    }
    if (choice.warping) {
      add_warping_error(forward, estimator.estimate(grey1, grey0), s0, s1, d0, d1, sums);
    }
  }
  return sums;
}

}  // namespace semcodec
