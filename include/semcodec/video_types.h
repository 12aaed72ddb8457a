#pragma once
/// @file
/// What the reader hands out and the writer takes. Plain data, no libav.

#include <cstdint>
#include <string>
#include <vector>

#include "semcodec/audio.h"
#include "semcodec/image.h"

namespace semcodec {

/// A decoded picture. `pts` is in units of the stream's time base, strictly increasing.
struct VideoFrame {
  std::int64_t pts = 0;
  RgbImage image{};
};

/// Where video is decoded.
enum class HwAccel {
  none,       ///< on the CPU
  automatic,  ///< by the GPU where a driver and a device are; else on the CPU, which is said once
  cuda        ///< by the GPU (NVDEC), or Error(device)
};

/// Largest width or height that is read or written.
inline constexpr int kMaxVideoDimension = 16384;

}  // namespace semcodec
