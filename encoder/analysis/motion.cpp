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
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/core/error.h"
#include "common/semantic/motion_ops.h"
#include "encoder/analysis/dense_flow.h"
#include "encoder/analysis/motion_cost.h"

namespace semcodec {
namespace {

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
  cv::Mat coded_frame, last;  ///< grey, at the size of the dense flow
  cv::Mat chain;              ///< motion from `last` back to `coded frame`; empty when they are one
  int steps = 0;              ///< of the chain
  std::shared_ptr<const MotionCost> fit;  ///< of the field returned last

  cv::Mat flow(const cv::Mat& from, const cv::Mat& to) const {
    return dense_flow(*dense, from, to);
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
  state_->dense = make_dense_flow(options.preset);
}

MotionEstimator::~MotionEstimator() = default;
MotionEstimator::MotionEstimator(MotionEstimator&&) noexcept = default;
MotionEstimator& MotionEstimator::operator=(MotionEstimator&&) noexcept = default;

void MotionEstimator::set_cell(int cell) {
  check_cell(cell);
  state_->options.cell = cell;
}

void MotionEstimator::set_lambda(float lambda) {
  require(lambda >= 0, ErrorKind::usage, "The cost of motion bits is negative.");
  state_->options.lambda = lambda;
}

void MotionEstimator::reset() {
  state_->coded_frame.release();
  state_->last.release();
  state_->chain.release();
  state_->steps = 0;
}

void MotionEstimator::push(const RgbImage& frame) {
  State& s = *state_;
  cv::Mat grey = grey_picture(frame, s.options.half_size);
  if (s.coded_frame.empty()) {
    s.width = frame.width;
    s.height = frame.height;
    s.coded_frame = grey;
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
    s.fit = std::make_shared<const MotionCost>(s.last, s.coded_frame, s.width, s.height,
                                               s.options.cell);
    const MotionCost& cost = *s.fit;
    const cv::Mat texture = texture_of(s.last);
    std::vector<std::vector<MotionVector>> fits;
    fits.push_back(pool_flow(s.chain, texture, cost));
    if (s.options.direct && s.steps > 1) {
      fits.push_back(pool_flow(s.flow(s.last, s.coded_frame), texture, cost));
    }
    field = choose_motion(cost, fits, s.options.lambda, s.options.passes);
  }
  s.coded_frame = s.last;
  s.chain.release();
  s.steps = 0;
  return field;
}

float MotionEstimator::distortion(int x, int y, int dx, int dy) const {
  return state_->fit->distortion(x, y, {dx, dy});
}

std::function<float(int, int, int, int)> MotionEstimator::distortions() const {
  return [fit = state_->fit](int x, int y, int dx, int dy) {
    return fit->distortion(x, y, {dx, dy});
  };
}

MotionField estimate_motion(const RgbImage& previous, const RgbImage& current,
                            const MotionOptions& options) {
  MotionEstimator estimator(options);
  estimator.push(previous);
  estimator.push(current);
  return estimator.finish();
}

}  // namespace semcodec
