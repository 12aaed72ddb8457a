#pragma once
// Resizing of one float plane, for the picture degradation of synthetic pairs.

#include <vector>

namespace semcodec {

/// Resizes a row-major plane with the Catmull-Rom cubic, widened when reducing so that nothing
/// aliases; borders repeat, pixel centres at half-integers. All sides must be positive.
std::vector<float> resize_plane(const float* plane, int width, int height, int new_width,
                                int new_height);

}  // namespace semcodec
