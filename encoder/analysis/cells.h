#pragma once
// Mean colours of the cells of a picture.

#include <array>
#include <vector>

#include "common/core/image.h"

namespace semcodec {

/// Mean sRGB (0..255) of columns × rows cells that cover the picture evenly; cell i of n spans
/// pixels floor(i · size / n) … floor((i + 1) · size / n) − 1.
/// The mean is taken on the sRGB values, not on light: that is the constant with the smallest
/// squared error in the picture that is judged.
struct CellColours {
  int width = 0;
  int height = 0;
  std::vector<std::array<float, 3>> rgb;
};
CellColours average_cells(const RgbImage& picture, int columns, int rows);

/// Number of cells of about `cell` pixels along `pixels`: rounded, at least 1.
inline int cells_along(int pixels, int cell) {
  const int cells = (pixels + cell / 2) / cell;
  return cells > 0 ? cells : 1;
}

/// Throws Error(usage) unless the picture has a usable size and as many pixels as it says.
void check_picture(const RgbImage& picture);

}  // namespace semcodec
