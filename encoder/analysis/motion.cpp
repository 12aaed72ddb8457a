#include "encoder/analysis/motion.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/video/tracking.hpp>
#include <string>
#include <utility>
#include <vector>

#include "common/core/error.h"
#include "common/semantic/motion_ops.h"
#include "encoder/analysis/cells.h"
#include "encoder/analysis/motion_cost.h"

namespace semcodec {
namespace {

int dis_preset(MotionOptions::Preset preset) {
  switch (preset) {
    case MotionOptions::Preset::ultrafast:
      return cv::DISOpticalFlow::PRESET_ULTRAFAST;
    case MotionOptions::Preset::fast:
      return cv::DISOpticalFlow::PRESET_FAST;
    case MotionOptions::Preset::medium:
      break;
  }
  return cv::DISOpticalFlow::PRESET_MEDIUM;
}

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

/// Motion from the newest frame to the anchor: one more step in front of the chain so far.
cv::Mat prepend(const cv::Mat& step, const cv::Mat& chain) {
  cv::Mat where(step.size(), CV_32FC2);
  for (int y = 0; y < step.rows; ++y) {
    const auto* flow = step.ptr<cv::Vec2f>(y);
    auto* out = where.ptr<cv::Vec2f>(y);
    for (int x = 0; x < step.cols; ++x) {
      out[x] = {static_cast<float>(x) + flow[x][0], static_cast<float>(y) + flow[x][1]};
    }
  }
  cv::Mat rest;
  cv::remap(chain, rest, where, cv::noArray(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
  return step + rest;
}

/// The value at which half of the weight is reached.
float weighted_median(std::vector<std::pair<float, float>>& values) {
  std::sort(values.begin(), values.end());
  float half = 0;
  for (const auto& [value, weight] : values) half += 0.5F * weight;
  for (const auto& [value, weight] : values) {
    half -= weight;
    if (half <= 0) return value;
  }
  return values.back().first;
}

/// One vector a cell: the median of the dense vectors, weighted by how much texture supports them.
std::vector<MotionVector> pool_flow(const cv::Mat& flow, const cv::Mat& texture,
                                    const MotionCost& cost) {
  std::vector<MotionVector> field;
  std::array<std::vector<std::pair<float, float>>, 2> values;
  for (int cy = 0; cy < cost.rows(); ++cy) {
    for (int cx = 0; cx < cost.columns(); ++cx) {
      const cv::Rect cell = cost.cell(cx, cy);
      for (auto& list : values) list.clear();
      const int step = cell.area() > 32 ? 2 : 1;
      for (int y = cell.y; y < cell.y + cell.height; ++y) {
        const auto* vectors = flow.ptr<cv::Vec2f>(y);
        const auto* weights = texture.ptr<std::uint8_t>(y);
        for (int x = cell.x + (y % step); x < cell.x + cell.width; x += step) {
          const float weight = 4.0F + static_cast<float>(weights[x]);
          values[0].emplace_back(vectors[x][0], weight);
          values[1].emplace_back(vectors[x][1], weight);
        }
      }
      field.push_back(cost.quantise(weighted_median(values[0]), weighted_median(values[1])));
    }
  }
  return field;
}

/// Sum of the absolute horizontal and vertical differences, 0..255.
cv::Mat texture_of(const cv::Mat& grey) {
  cv::Mat dx, dy, sum;
  cv::Sobel(grey, dx, CV_16S, 1, 0, 1);
  cv::Sobel(grey, dy, CV_16S, 0, 1, 1);
  cv::convertScaleAbs(dx, dx);
  cv::convertScaleAbs(dy, dy);
  cv::add(dx, dy, sum);
  return sum;
}

}  // namespace

struct MotionEstimator::State {
  MotionOptions options;
  cv::Ptr<cv::DISOpticalFlow> dense;
  int width = 0, height = 0;  ///< of the frames
  cv::Mat anchor, last;       ///< grey, at the size of the dense flow
  cv::Mat chain;              ///< motion from `last` back to `anchor`; empty when they are one
  int steps = 0;              ///< of the chain
  std::shared_ptr<const MotionCost> fit;  ///< of the field returned last

  cv::Mat flow(const cv::Mat& from, const cv::Mat& to) const {
    cv::Mat result;
    // DIS needs room for its patches; pictures smaller than that do not move.
    if (from.cols < 16 || from.rows < 16) return cv::Mat::zeros(from.size(), CV_32FC2);
    dense->calc(from, to, result);
    return result;
  }
};

namespace {

void check_cell(int cell) {
  require(cell >= 4 && cell <= 64, ErrorKind::usage,
          "The cell of the motion field must be 4 to 64 pixels, not " + std::to_string(cell) + ".");
}

}  // namespace

MotionEstimator::MotionEstimator(const MotionOptions& options) : state_(std::make_unique<State>()) {
  check_cell(options.cell);
  require(options.lambda >= 0 && options.passes >= 0, ErrorKind::usage,
          "An option of the motion estimation is negative.");
  state_->options = options;
  state_->dense = cv::DISOpticalFlow::create(dis_preset(options.preset));
}

MotionEstimator::~MotionEstimator() = default;
MotionEstimator::MotionEstimator(MotionEstimator&&) noexcept = default;
MotionEstimator& MotionEstimator::operator=(MotionEstimator&&) noexcept = default;

void MotionEstimator::set_cell(int cell) {
  check_cell(cell);
  state_->options.cell = cell;
}

void MotionEstimator::set_lambda(float lambda) {
  require(lambda >= 0, ErrorKind::usage, "The price of motion bits is negative.");
  state_->options.lambda = lambda;
}

void MotionEstimator::reset() {
  state_->anchor.release();
  state_->last.release();
  state_->chain.release();
  state_->steps = 0;
}

void MotionEstimator::push(const RgbImage& frame) {
  State& s = *state_;
  cv::Mat grey = grey_picture(frame, s.options.half_size);
  if (s.anchor.empty()) {
    s.width = frame.width;
    s.height = frame.height;
    s.anchor = grey;
    s.last = grey;
    return;
  }
  require(frame.width == s.width && frame.height == s.height, ErrorKind::usage,
          "The frames of one motion estimation differ in size.");
  const cv::Mat step = s.flow(grey, s.last);
  s.chain = s.chain.empty() ? step : prepend(step, s.chain);
  ++s.steps;
  s.last = grey;
}

MotionField MotionEstimator::finish() {
  State& s = *state_;
  MotionField field;
  if (!s.chain.empty()) {
    s.fit = std::make_shared<const MotionCost>(s.last, s.anchor, s.width, s.height, s.options.cell);
    const MotionCost& cost = *s.fit;
    const cv::Mat texture = texture_of(s.last);
    std::vector<std::vector<MotionVector>> fits;
    fits.push_back(pool_flow(s.chain, texture, cost));
    if (s.options.direct && s.steps > 1) {
      fits.push_back(pool_flow(s.flow(s.last, s.anchor), texture, cost));
    }
    field = choose_motion(cost, fits, s.options.lambda, s.options.passes);
  }
  s.anchor = s.last;
  s.chain.release();
  s.steps = 0;
  return field;
}

float MotionEstimator::misfit(int x, int y, int dx, int dy) const {
  return state_->fit->misfit(x, y, {dx, dy});
}

std::function<float(int, int, int, int)> MotionEstimator::misfits() const {
  return [fit = state_->fit](int x, int y, int dx, int dy) { return fit->misfit(x, y, {dx, dy}); };
}

MotionField estimate_motion(const RgbImage& previous, const RgbImage& current,
                            const MotionOptions& options) {
  MotionEstimator estimator(options);
  estimator.push(previous);
  estimator.push(current);
  return estimator.finish();
}

}  // namespace semcodec
