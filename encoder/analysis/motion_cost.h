#pragma once
// How well a vector explains a motion cell, what it costs, and the choice between candidates.
// Internal to the motion estimation.

#include <opencv2/core.hpp>
#include <vector>

#include "common/semantic/motion_ops.h"

namespace semcodec {

/// Fit of vectors to the cells of one coded frame. Vectors are in quarter pixels of the working
/// size; the pictures may be smaller than that.
class MotionCost {
 public:
  /// `current` and `previous` are grey pictures of one size.
  MotionCost(const cv::Mat& current, const cv::Mat& previous, int coded_width, int coded_height,
             int cell);

  int columns() const { return columns_; }
  int rows() const { return rows_; }

  /// The cell in pixels of the grey pictures.
  cv::Rect cell(int cx, int cy) const;

  /// Nearest vector for a displacement in pixels of the grey pictures, within range.
  MotionVector quantise(float dx, float dy) const;

  /// Mean absolute difference (0..255) between the current picture around the cell and the
  /// previous one, moved by `vector`, bilinear. Outside the picture the border is repeated.
  float distortion(int cx, int cy, const MotionVector& vector) const;

 private:
  cv::Mat current_;
  cv::Mat padded_;  ///< the previous picture with a repeated border
  int pad_ = 0;
  int columns_ = 0, rows_ = 0;
  float scale_x_ = 1, scale_y_ = 1;  ///< vector units per pixel of the grey pictures
};

/// About how many bits a vector takes when `predicted` is expected: ½ + 2 log2(1 + |difference|)
/// for each component.
float motion_bits(const MotionVector& vector, const MotionVector& predicted);

/// The field that costs least: sweeps `passes` times over the cells, each of which takes the
/// candidate that lowers distortion + lambda · bits most, where the bits of the cells that it
/// predicts count too. Candidates are the fits, also rounded to whole pixels, the neighbours, the
/// median prediction, rest, and small steps from the best of these. Such a search ends in the next
/// local minimum, so it starts from several smooth fields (rest, the motion of the whole picture,
/// that of large tiles) and the best end wins; starting from the fits themselves ends at twice the
/// bits. With lambda 0: the best fit of each cell.
MotionField choose_motion(const MotionCost& cost,
                          const std::vector<std::vector<MotionVector>>& fits, float lambda,
                          int passes);

}  // namespace semcodec
