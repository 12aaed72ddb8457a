#include "encoder/analysis/cells.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/core/error.h"
#include "semcodec/planes.h"

namespace semcodec {

void check_picture(const RgbImage& picture) {
  require(picture.width > 0 && picture.height > 0 && picture.width <= kMaxCodedDimension &&
              picture.height <= kMaxCodedDimension &&
              picture.pixels.size() == std::size_t{3} * static_cast<std::size_t>(picture.width) *
                                           static_cast<std::size_t>(picture.height),
          ErrorKind::usage,
          "A picture to analyse must measure 1 to " + std::to_string(kMaxCodedDimension) +
              " pixels a side, not " + std::to_string(picture.width) + "x" +
              std::to_string(picture.height) + ".");
}

CellColours average_cells(const RgbImage& picture, int columns, int rows) {
  check_picture(picture);
  CellColours cells;
  cells.width = std::clamp(columns, 1, picture.width);
  cells.height = std::clamp(rows, 1, picture.height);
  cells.rgb.resize(static_cast<std::size_t>(cells.width) * static_cast<std::size_t>(cells.height));
  const auto bytes = static_cast<std::size_t>(picture.width) * 3;
  std::vector<std::uint32_t> column_sums(bytes);
  auto* out = cells.rgb.data();
  for (int cy = 0; cy < cells.height; ++cy) {
    const int top = picture.height * cy / cells.height;
    const int bottom = picture.height * (cy + 1) / cells.height;
    std::fill(column_sums.begin(), column_sums.end(), 0U);
    for (int y = top; y < bottom; ++y) {
      const std::uint8_t* row = picture.row(y);
      for (std::size_t i = 0; i < bytes; ++i) column_sums[i] += row[i];
    }
    for (int cx = 0; cx < cells.width; ++cx) {
      const int left = picture.width * cx / cells.width;
      const int right = picture.width * (cx + 1) / cells.width;
      const std::uint32_t* sums =
          column_sums.data() + std::size_t{3} * static_cast<std::size_t>(left);
      std::array<std::uint32_t, 3> total{};
      for (int x = left; x < right; ++x, sums += 3) {
        for (std::size_t c = 0; c < 3; ++c) total[c] += sums[c];
      }
      const float count = static_cast<float>((bottom - top) * (right - left));
      for (std::size_t c = 0; c < 3; ++c) (*out)[c] = static_cast<float>(total[c]) / count;
      ++out;
    }
  }
  return cells;
}

}  // namespace semcodec
