#pragma once
/// @file
/// Small values that several parts of the library share: a ratio of two numbers, and a size.

namespace semcodec {

/// num / den. A rate or time base of 0 / 1 means "not known".
struct Rational {
  int num = 0;
  int den = 1;

  bool known() const { return num > 0 && den > 0; }
  double value() const { return den == 0 ? 0.0 : static_cast<double>(num) / den; }
  bool operator==(const Rational&) const = default;
};

/// In pixels; 0 x 0 where there is no picture.
struct PictureSize {
  int width = 0;
  int height = 0;
  bool operator==(const PictureSize&) const = default;
};

}  // namespace semcodec
