#pragma once
// Flow fields as files: .flo (Middlebury) and pictures in the colours of the Middlebury wheel.
//
// Fields are planar: width * height values of dx, then of dy, rows top to bottom, in pixels.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/core/image.h"

namespace semcodec {

/// The bytes of a .flo file: the float 202021.25, width and height as int32, then dx dy pixel by
/// pixel, little endian. Throws Error(internal) when sizes and values disagree.
std::vector<std::uint8_t> encode_flo(std::span<const float> flow, int width, int height);

/// encode_flo() to a file that appears under its name only when complete. Throws Error(output).
void write_flo(const std::string& path, std::span<const float> flow, int width, int height);

/// The field in colours (Baker et al., "A Database and Evaluation Methodology for Optical Flow",
/// IJCV 2011): hue is the direction, saturation the length as a share of `longest` pixels; longer
/// vectors are darkened, unknown ones (not finite, or above 1e9) black. `longest` = 0 takes the
/// field's longest vector. Still pixels are white.
RgbImage flow_colours(std::span<const float> flow, int width, int height, float longest = 0);

}  // namespace semcodec
