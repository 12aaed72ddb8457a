// What counts as a change since the last coded frame.

#include "encoder/analysis/change.h"

#include <gtest/gtest.h>

#include <random>

namespace semcodec {
namespace {

/// A grey ramp with camera noise, and a bright square of `side` pixels at `x`.
RgbImage scene(int x, int side, unsigned seed) {
  RgbImage image(256, 128);
  std::mt19937 random(seed);
  std::normal_distribution<float> noise(0, 4);
  for (int row = 0; row < 128; ++row) {
    for (int column = 0; column < 256; ++column) {
      const bool inside = column >= x && column < x + side && row >= 40 && row < 40 + side;
      const float value =
          (inside ? 220.0F : 40.0F + static_cast<float>(column) / 4) + noise(random);
      for (int c = 0; c < 3; ++c) {
        image.row(row)[3 * column + c] =
            static_cast<std::uint8_t>(std::min(255.0F, std::max(0.0F, value)));
      }
    }
  }
  return image;
}

TEST(ChangeDetector, NoiseIsNone) {
  ChangeDetector detector;
  EXPECT_FALSE(detector.still(scene(50, 16, 1)));  // nothing to compare with
  detector.remember(scene(50, 16, 1));
  EXPECT_TRUE(detector.still(scene(50, 16, 2)));
}

TEST(ChangeDetector, AThingThatMovedIsOne) {
  ChangeDetector detector;
  detector.remember(scene(50, 16, 1));
  EXPECT_FALSE(detector.still(scene(66, 16, 2)));
  EXPECT_FALSE(detector.still(scene(54, 16, 2)));
  EXPECT_FALSE(detector.still(scene(50, 0, 2)));  // gone
  EXPECT_TRUE(detector.still(scene(50, 16, 3)));
  EXPECT_FALSE(detector.still(RgbImage(128, 128)));
}

}  // namespace
}  // namespace semcodec
