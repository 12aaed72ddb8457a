#include "common/entropy/reference.h"

#include <algorithm>

namespace semcodec::entropy {

PaddedPlane::PaddedPlane(int width, int height, std::int16_t outside)
    : width_(width),
      height_(height),
      cells_(static_cast<std::size_t>(width + 2 * kBorder) *
                 static_cast<std::size_t>(height + 2 * kBorder),
             outside) {}

namespace {

// Quarter pixels of the coded size -> cells of the plane, to the nearest.
int to_cells(int quarters, int plane_size, int coded_size) {
  const std::int64_t den = std::int64_t{kMotionUnitsPerPixel} * coded_size;
  const std::int64_t num = std::int64_t{quarters} * plane_size * 2 + den;
  const std::int64_t twice = 2 * den;
  return static_cast<int>(num >= 0 ? num / twice : -((-num + twice - 1) / twice));
}

}  // namespace

PaddedPlane moved(const PaddedPlane& source, const MotionField& motion, PictureSize work,
                  std::int16_t outside) {
  const int width = source.width();
  const int height = source.height();
  PaddedPlane out(width, height, outside);
  std::vector<int> columns;  // motion cells
  for (int x = 0; x < width; ++x) columns.push_back(x * motion.width / width);
  std::vector<int> right, down;  // by how many cells of the plane
  for (const int v : motion.dx) right.push_back(to_cells(v, width, work.width));
  for (const int v : motion.dy) down.push_back(to_cells(v, height, work.height));
  for (int y = 0; y < height; ++y) {
    const int row = y * motion.height / height * motion.width;
    std::int16_t* to = out.at(0, y);
    for (int x = 0; x < width; ++x) {
      const auto cell = static_cast<std::size_t>(row + columns[static_cast<std::size_t>(x)]);
      const int sx = std::clamp(x + right[cell], 0, width - 1);
      const int sy = std::clamp(y + down[cell], 0, height - 1);
      to[x] = *source.at(sx, sy);
    }
  }
  return out;
}

void PlaneHistory::advance(const MotionField& motion, PictureSize work, int width, int height,
                           std::int16_t outside) {
  if (last.width() != width || last.height() != height) {
    clear();
    return;
  }
  if (motion.empty()) return;
  last = moved(last, motion, work, outside);
  if (!before.empty()) before = moved(before, motion, work, outside);
}

}  // namespace semcodec::entropy
