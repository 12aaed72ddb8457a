#pragma once
// What the interpolator's motion step sees (models/kernels/motion_input.h), a row at a time, by the
// level in use.

#include <cstdint>

#include "common/cpu/bfloat.h"

namespace semcodec::cpu {

inline constexpr std::int64_t kMotionPicture = 12;   ///< channels of a picture of cells
inline constexpr std::int64_t kMotionChannels = 32;  ///< of a cell of the result
inline constexpr float kMotionUnit = 16;             ///< pixels: the unit of its flows

/// Both pictures in cells of 4×4 pixels, and the flows to them in pixels.
struct MotionView {
  const float* small[2];    ///< of A and B: height × width × 12
  const float* flow[2][2];  ///< x and y of the flows to A and B: height × width
  std::int64_t height, width;
  float tau, interval;
};

/// Row y: A and B, each sampled bilinearly where its flow points (held at the border), both flows
/// in units of 16 pixels, tau, interval and two zeros.
void fill_motion_row(const MotionView& view, std::int64_t y, float* out);
void fill_motion_row(const MotionView& view, std::int64_t y, Bfloat* out);

}  // namespace semcodec::cpu
