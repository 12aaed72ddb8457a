#include "encoder/analysis/change.h"

#include <algorithm>
#include <cmath>

namespace semcodec {

namespace {

CellColours cells_of(const RgbImage& picture) {
  return average_cells(picture, cells_along(picture.width, ChangeDetector::kCell),
                       cells_along(picture.height, ChangeDetector::kCell));
}

}  // namespace

void ChangeDetector::remember(const RgbImage& picture) { last_ = cells_of(picture); }

double ChangeDetector::changed(const RgbImage& picture) const {
  const auto now = cells_of(picture);
  if (now.rgb.size() != last_.rgb.size() || now.rgb.empty()) return 1;
  std::size_t moved = 0;
  for (std::size_t i = 0; i < now.rgb.size(); ++i) {
    float most = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      most = std::max(most, std::abs(now.rgb[i][c] - last_.rgb[i][c]));
    }
    if (most > kLevels) ++moved;
  }
  return static_cast<double>(moved) / static_cast<double>(now.rgb.size());
}

}  // namespace semcodec
