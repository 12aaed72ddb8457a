#pragma once
// Moving planes along a motion field, with integers only: the entropy coder predicts a plane from
// the previous coded frame's plane this way, so both ends must get the same answer to the last
// cell.

#include "semcodec/planes.h"

namespace semcodec {

/// The previous coded frame's plane as it should look now: every cell takes the value of the cell
/// of `previous` that its centre, moved by the field, falls in (clamped to the plane).
///
/// `previous` and `motion` may have any sizes; both cover the whole working picture of
/// coded_width × coded_height pixels. A cell uses the motion of the field cell its centre lies in.
/// In integers, for plane cell x of W and field vector dx in quarter pixels:
///     source = floor((2 (2x + 1) · coded_width + dx · W) / (4 · coded_width)), clamped to [0, W).
/// An empty motion field means no motion: the result is `previous`. The result is empty when
/// `previous` is. Throws Error(corrupt) when sizes and data disagree.
Plane predict_plane(const Plane& previous, const MotionField& motion, int coded_width,
                    int coded_height);

struct MotionVector {
  int dx = 0;  ///< quarter pixels, as in MotionField
  int dy = 0;
  bool operator==(const MotionVector&) const = default;
};

/// Median of the left, upper and upper-right neighbours of cell (x, y), as in H.264: the motion
/// that is expected there. Neighbours outside the field count as 0 (upper-right falls back to
/// upper-left); with only the left one inside, that one is taken.
MotionVector predict_motion(const MotionField& field, int x, int y);

}  // namespace semcodec
