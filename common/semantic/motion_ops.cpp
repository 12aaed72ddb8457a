#include "common/semantic/motion_ops.h"

#include <algorithm>
#include <cstddef>

#include "common/core/error.h"

namespace semcodec {
namespace {

std::size_t area(int width, int height) {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
}

int floor_div(std::int64_t numerator, std::int64_t denominator) {
  std::int64_t quotient = numerator / denominator;
  if (quotient * denominator > numerator) --quotient;
  return static_cast<int>(quotient);
}

int median(int a, int b, int c) { return std::max(std::min(a, b), std::min(std::max(a, b), c)); }

/// For every cell along one axis: the field cell that its centre lies in.
std::vector<int> field_cells(int plane, int field) {
  std::vector<int> cells(static_cast<std::size_t>(plane));
  for (int i = 0; i < plane; ++i) {
    cells[static_cast<std::size_t>(i)] =
        floor_div((2 * std::int64_t{i} + 1) * field, 2 * std::int64_t{plane});
  }
  return cells;
}

int source_cell(int cell, int cells, int motion, int work) {
  const std::int64_t position =
      2 * (2 * std::int64_t{cell} + 1) * work + std::int64_t{motion} * cells;
  return std::clamp(floor_div(position, 4 * std::int64_t{work}), 0, cells - 1);
}

}  // namespace

Plane predict_plane(const Plane& previous, const MotionField& motion, int coded_width,
                    int coded_height) {
  if (previous.empty() || motion.empty()) return previous;
  const std::size_t vectors = area(motion.width, motion.height);
  require(motion.width > 0 && motion.height > 0 && motion.dx.size() == vectors &&
              motion.dy.size() == vectors,
          ErrorKind::corrupt, "The motion field's sizes disagree with its data.");
  require(previous.width > 0 && previous.height > 0 &&
              previous.values.size() == area(previous.width, previous.height),
          ErrorKind::corrupt, "The previous plane's sizes disagree with its data.");
  require(coded_width > 0 && coded_height > 0, ErrorKind::corrupt,
          "The coded size of a plane to predict is empty.");

  Plane moved{previous.width, previous.height, previous.levels, {}};
  moved.values.resize(previous.values.size());
  const std::vector<int> field_x = field_cells(previous.width, motion.width);
  const std::vector<int> field_y = field_cells(previous.height, motion.height);
  std::size_t at = 0;
  for (int y = 0; y < previous.height; ++y) {
    const std::size_t field_row = area(motion.width, field_y[static_cast<std::size_t>(y)]);
    for (int x = 0; x < previous.width; ++x, ++at) {
      const std::size_t vector =
          field_row + static_cast<std::size_t>(field_x[static_cast<std::size_t>(x)]);
      const int sx = source_cell(x, previous.width, motion.dx[vector], coded_width);
      const int sy = source_cell(y, previous.height, motion.dy[vector], coded_height);
      moved.values[at] = previous.values[area(previous.width, sy) + static_cast<std::size_t>(sx)];
    }
  }
  return moved;
}

MotionVector predict_motion(const MotionField& field, int x, int y) {
  const auto vector = [&](int cx, int cy) {
    const std::size_t at = area(field.width, cy) + static_cast<std::size_t>(cx);
    return MotionVector{field.dx[at], field.dy[at]};
  };
  const MotionVector left = x > 0 ? vector(x - 1, y) : MotionVector{};
  if (y == 0) return left;
  const MotionVector up = vector(x, y - 1);
  MotionVector corner;
  if (x + 1 < field.width) {
    corner = vector(x + 1, y - 1);
  } else if (x > 0) {
    corner = vector(x - 1, y - 1);
  }
  return {median(left.dx, up.dx, corner.dx), median(left.dy, up.dy, corner.dy)};
}

}  // namespace semcodec
