#pragma once
// Semantic labels in a stream: they travel as the colour plane, with one fixed colour a class in
// place of the clusters' colours. In cells of kClassCell the condition that a generator gets has
// the very colours (colour_map.h), so that classes can be told from them (class_maps.h).
//
// Class i has colour i + 1 of PASCAL VOC's colour map, whose bits are those of the number; black
// stands for no class.

#include <array>
#include <cstdint>

#include "semcodec/planes.h"

namespace semcodec {

inline constexpr int kMaxClasses = 255;
inline constexpr int kClassCell = 2;  ///< pixels: half the size, as conditions are

/// Of a class from 0 to kMaxClasses − 1.
std::array<std::uint8_t, 3> class_colour(int number);
Palette class_palette(int classes);

/// The most frequent class of each cell, the lower one of two. `ids`: width × height, row by row.
/// Throws Error(input) where an id is not below `classes`.
Plane class_plane(const std::uint8_t* ids, int width, int height, int classes,
                  int cell = kClassCell);

}  // namespace semcodec
