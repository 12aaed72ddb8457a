#pragma once
// Single PNG pictures, for --maps and reports.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/core/image.h"

namespace semcodec {

/// A PNG in memory. `channels` is 1 (grey), 3 (RGB) or 4 (RGBA); `pixels` holds
/// width * height * channels bytes, rows top to bottom without padding.
/// Throws Error(output) when the numbers do not fit together.
std::vector<std::uint8_t> encode_png(int width, int height, int channels,
                                     std::span<const std::uint8_t> pixels);

/// encode_png() to a file that appears under its name only when complete. Throws Error(output).
void write_png(const std::string& path, int width, int height, int channels,
               std::span<const std::uint8_t> pixels);
void write_png(const std::string& path, const RgbImage& image);

}  // namespace semcodec
