#include "common/semantic/class_plane.h"

#include <algorithm>
#include <vector>

#include "common/core/error.h"

namespace semcodec {

std::array<std::uint8_t, 3> class_colour(int number) {
  std::array<std::uint8_t, 3> colour{};
  const unsigned code = static_cast<unsigned>(number) + 1;
  for (unsigned bit = 0; bit < 8; ++bit) {
    // Bits 0, 3, 6 make the highest bits of red, 1, 4, 7 those of green, 2, 5 those of blue.
    colour[bit % 3] |= static_cast<std::uint8_t>(((code >> bit) & 1U) << (7 - bit / 3));
  }
  return colour;
}

Palette class_palette(int classes) {
  Palette palette;
  for (int i = 0; i < classes; ++i) palette.push_back(class_colour(i));
  return palette;
}

Plane class_plane(const std::uint8_t* ids, int width, int height, int classes, int cell) {
  require(classes >= 2 && classes <= kMaxClasses && cell >= 1 && width >= cell && height >= cell,
          ErrorKind::usage, "Semantic labels need 2 to 255 classes and a picture of a cell.");
  Plane plane{width / cell, height / cell, classes, {}};
  plane.values.reserve(static_cast<std::size_t>(plane.width) *
                       static_cast<std::size_t>(plane.height));
  std::vector<int> count(static_cast<std::size_t>(classes));
  for (int y = 0; y < plane.height; ++y) {
    for (int x = 0; x < plane.width; ++x) {
      std::fill(count.begin(), count.end(), 0);
      for (int i = 0; i < cell * cell; ++i) {
        const int row = y * cell + i / cell, column = x * cell + i % cell;
        const int id = ids[static_cast<std::ptrdiff_t>(row) * width + column];
        require(id < classes, ErrorKind::input,
                "The labels hold class " + std::to_string(id) + ", but there are " +
                    std::to_string(classes) + " classes.");
        ++count[static_cast<std::size_t>(id)];
      }
      const auto most = std::max_element(count.begin(), count.end());
      plane.values.push_back(static_cast<std::uint8_t>(most - count.begin()));
    }
  }
  return plane;
}

}  // namespace semcodec
