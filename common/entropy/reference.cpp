#include "common/entropy/reference.h"

#include <algorithm>

namespace semcodec::entropy {

PaddedPlane::PaddedPlane(int width, int height, std::int16_t outside)
    : width_(width), height_(height),
      cells_(static_cast<std::size_t>(width + 2 * kBorder) *
                 static_cast<std::size_t>(height + 2 * kBorder),
             outside) {}

namespace {

// Quarter pixels of the working size -> cells of the plane, to the nearest.
int to_cells(int quarters, int plane_size, int work_size) {
  const std::int64_t den = std::int64_t{kMotionUnitsPerPixel} * work_size;
  const std::int64_t num = std::int64_t{quarters} * plane_size * 2 + den;
  const std::int64_t twice = 2 * den;
  return static_cast<int>(num >= 0 ? num / twice : -((-num + twice - 1) / twice));
}

}  // namespace

PaddedPlane moved(const PaddedPlane& source, const MotionField& motion, WorkSize work,
                  std::int16_t outside) {
  const int width = source.width();
  const int height = source.height();
  PaddedPlane out(width, height, outside);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      int sx = x;
      int sy = y;
      if (!motion.empty()) {
        const int cx = static_cast<int>(std::int64_t{x} * motion.width / width);
        const int cy = static_cast<int>(std::int64_t{y} * motion.height / height);
        const std::size_t cell = static_cast<std::size_t>(cy) *
                                     static_cast<std::size_t>(motion.width) +
                                 static_cast<std::size_t>(cx);
        sx = std::clamp(x + to_cells(motion.dx[cell], width, work.width), 0, width - 1);
        sy = std::clamp(y + to_cells(motion.dy[cell], height, work.height), 0, height - 1);
      }
      *out.at(x, y) = *source.at(sx, sy);
    }
  }
  return out;
}

void PlaneHistory::advance(const MotionField& motion, WorkSize work, int width, int height,
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
