#pragma once
// What the models look at: planes with a border, and earlier planes moved to where this coded frame
// has them.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "semcodec/planes.h"
#include "semcodec/units.h"

namespace semcodec::entropy {

/// A plane with kBorder cells around it, all equal to `outside`.
class PaddedPlane {
 public:
  static constexpr int kBorder = 2;

  PaddedPlane() = default;
  PaddedPlane(int width, int height, std::int16_t outside);

  bool empty() const { return cells_.empty(); }
  int width() const { return width_; }
  int height() const { return height_; }
  /// Cell (x, y) with -2 <= x < width + 2, and y alike; neighbours lie +-1 and +-stride() away.
  std::int16_t* at(int x, int y) {
    return cells_.data() + static_cast<std::ptrdiff_t>(y + kBorder) * stride() + x + kBorder;
  }
  const std::int16_t* at(int x, int y) const {
    return cells_.data() + static_cast<std::ptrdiff_t>(y + kBorder) * stride() + x + kBorder;
  }
  std::ptrdiff_t stride() const { return width_ + 2 * kBorder; }

 private:
  int width_ = 0;
  int height_ = 0;
  std::vector<std::int16_t> cells_;
};

/// `source` moved along `motion`, which is not empty: cell (x, y) takes the cell of
/// `source` nearest to (x, y) + the vector of the motion cell it lies in, clamped to the plane.
PaddedPlane moved(const PaddedPlane& source, const MotionField& motion, PictureSize work,
                  std::int16_t outside);

/// The earlier planes of one kind: the latest one, and the one before it, each carried along.
struct PlaneHistory {
  PaddedPlane last;    ///< the latest coded frame's plane, moved to this coded frame
  PaddedPlane before;  ///< the one before it, moved along with both coded frames' motion

  void clear() { *this = {}; }
  /// Moves both along this coded frame's motion, or forgets them when the size has changed.
  void advance(const MotionField& motion, PictureSize work, int width, int height,
               std::int16_t outside);
  /// Takes over the plane just coded.
  void push(PaddedPlane&& coded) {
    before = std::move(last);
    last = std::move(coded);
  }
};

}  // namespace semcodec::entropy
