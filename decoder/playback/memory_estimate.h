#pragma once
// What decoding takes in memory, before any of it is taken.

#include <cstdint>

#include "semcodec/planes.h"

namespace semcodec {

/// Bytes that generating the pictures of a stream takes on the CPU, by its coded size: networks of
/// the default model's size, feature maps, frames that wait. Measured (docs/testing.md), rounded
/// up.
std::uint64_t estimate_memory(const StreamInfo& info);

/// Bytes that this process may still take: of the machine, and of its control group where that says
/// a limit. 0 when neither is known.
std::uint64_t available_memory();

/// The largest size of the same shape inside a limit, with even sides; the size itself where it
/// fits.
void fit_inside(int max_width, int max_height, int& width, int& height);

}  // namespace semcodec
