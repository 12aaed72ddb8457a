#pragma once
// Half precision as far as the project's own .cu files name CUDA's type of it.

#include <cmath>
#include <cstdint>

struct __half {
  std::uint16_t bits;

  __half() = default;
  /// Rounded to nearest, to even where two are as near.
  explicit __half(float value) {
    const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000 : 0);
    const double size = std::abs(double{value});
    int exponent = -13;
    if (size > 0) std::frexp(size, &exponent);   // size < 2^exponent
    exponent = exponent > -13 ? exponent : -13;  // below lie the subnormal numbers
    const double steps = std::nearbyint(std::ldexp(size, 11 - exponent));  // up to 2048
    const double magnitude = steps + 1024.0 * (exponent + 13);
    bits = static_cast<std::uint16_t>(sign | (std::isnan(value)    ? 0x7E00
                                              : magnitude < 0x7C00 ? static_cast<int>(magnitude)
                                                                   : 0x7C00));
  }
  operator float() const {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const float sign = (bits & 0x8000) != 0 ? -1.0F : 1.0F;
    if (exponent == 31) return fraction != 0 ? NAN : sign * INFINITY;
    if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
    return sign * std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  }
};

inline float __half2float(__half h) { return h; }
