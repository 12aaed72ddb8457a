#include "encoder/analysis/reference_decay.h"

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "common/core/error.h"
#include "encoder/analysis/dense_flow.h"

namespace semcodec {

namespace {

constexpr int kCell = 4;  // pixels at half the size
// A picture of which less than this is left says nothing about how fast it went.
constexpr double kLeast = 0.02;

/// Mean of |a − b| over cells; b may be a picture of their means.
cv::Mat cell_distances(const cv::Mat& a, const cv::Mat& b) {
  cv::Mat difference, cells;
  cv::absdiff(a, b, difference);
  difference.convertTo(difference, CV_32F);
  cv::resize(difference, cells, {std::max(1, a.cols / kCell), std::max(1, a.rows / kCell)}, 0, 0,
             cv::INTER_AREA);
  return cells;
}

/// How far the pixels of each cell lie from the cell's mean.
cv::Mat cell_detail(const cv::Mat& grey) {
  cv::Mat means, flat;
  cv::resize(grey, means, {std::max(1, grey.cols / kCell), std::max(1, grey.rows / kCell)}, 0, 0,
             cv::INTER_AREA);
  cv::resize(means, flat, grey.size(), 0, 0, cv::INTER_NEAREST);
  return cell_distances(grey, flat);
}

/// Share of the detail of `grey` that `said` has too.
double share_said(const cv::Mat& grey, const cv::Mat& said) {
  const cv::Mat detail = cell_detail(grey);
  cv::Mat left = detail - cell_distances(grey, said);
  left = cv::max(left, 0);
  const double whole = cv::sum(detail)[0];
  return whole > 0 ? cv::sum(left)[0] / whole : 1.0;
}

}  // namespace

struct ReferenceDecay::State {
  cv::Mat first, last;  ///< grey, half size
  cv::Mat chain;        ///< motion from `last` back to `first`; empty when they are one
  cv::Ptr<cv::DISOpticalFlow> dense = make_dense_flow(MotionOptions::Preset::fast);
  std::vector<Sample> samples;
};

ReferenceDecay::ReferenceDecay(const RgbImage& first) : state_(std::make_unique<State>()) {
  state_->first = state_->last = grey_picture(first, true);
}

ReferenceDecay::~ReferenceDecay() = default;
ReferenceDecay::ReferenceDecay(ReferenceDecay&&) noexcept = default;
ReferenceDecay& ReferenceDecay::operator=(ReferenceDecay&&) noexcept = default;

void ReferenceDecay::push(const RgbImage& picture, double seconds) {
  State& s = *state_;
  const cv::Mat grey = grey_picture(picture, true);
  require(grey.size() == s.first.size(), ErrorKind::usage,
          "The pictures of one look ahead differ in size.");
  const cv::Mat step = dense_flow(*s.dense, grey, s.last);
  s.chain = s.chain.empty() ? step : prepend(step, s.chain);
  s.last = grey;
  s.samples.push_back({seconds, share_said(grey, fetch(s.first, s.chain))});
}

double ReferenceDecay::detail() const { return cv::mean(cell_detail(state_->first))[0]; }

double ReferenceDecay::fidelity(const RgbImage& coded) const {
  return share_said(state_->first, grey_picture(coded, true));
}

const std::vector<ReferenceDecay::Sample>& ReferenceDecay::samples() const {
  return state_->samples;
}

double ReferenceDecay::rate() const {
  // A line through the logarithms of the shares.
  double n = 0, t = 0, tt = 0, y = 0, ty = 0;
  for (const Sample& sample : state_->samples) {
    const double value = std::log(std::max(sample.share, kLeast));
    n += 1;
    t += sample.seconds;
    tt += sample.seconds * sample.seconds;
    y += value;
    ty += sample.seconds * value;
  }
  const double spread = n * tt - t * t;
  return spread > 0 ? std::max(0.0, (t * y - n * ty) / spread) : 0.0;
}

}  // namespace semcodec
