// Structure analysis: thinning, weak and short lines, pooling, levels.

#include "encoder/analysis/structure.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "common/core/error.h"

namespace semcodec {
namespace {

constexpr int kWidth = 96;
constexpr int kHeight = 64;

std::size_t at(int x, int y) { return static_cast<std::size_t>(y * kWidth + x); }

/// A soft ridge: strength · exp(−d² / 2σ²), d the distance to a line through the centre.
std::vector<float> ridge(float angle, float sigma, float strength) {
  std::vector<float> map(at(0, kHeight));
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const float d = (static_cast<float>(x) - 47.3F) * std::sin(angle) -
                      (static_cast<float>(y) - 31.6F) * std::cos(angle);
      map[at(x, y)] = strength * std::exp(-d * d / (2 * sigma * sigma));
    }
  }
  return map;
}

TEST(Thinning, LinesOfAllDirectionsBecomeOnePixelWide) {
  for (int step = 0; step < 12; ++step) {
    const float angle = static_cast<float>(step) * 3.14159265F / 12;
    for (const float sigma : {1.2F, 2.0F}) {
      const auto thin = thin_edges(ridge(angle, sigma, 0.9F).data(), kWidth, kHeight);
      const bool steep = std::fabs(std::sin(angle)) > 0.7071F;
      int lines = 0, pixels = 0, missing = 0;
      const int length = steep ? kHeight : kWidth;
      for (int i = 8; i < length - 8; ++i) {  // across the line: one row or column at a time
        int here = 0;
        for (int j = 8; j < (steep ? kWidth : kHeight) - 8; ++j) {
          here += thin[steep ? at(j, i) : at(i, j)] > 0.3F ? 1 : 0;
        }
        const float along = static_cast<float>(i) - (steep ? 31.6F : 47.3F);
        const float cross =
            (steep ? 47.3F : 31.6F) + along * (steep ? 1 / std::tan(angle) : std::tan(angle));
        if (cross < 12 || cross > static_cast<float>(steep ? kWidth : kHeight) - 12) continue;
        ++lines;
        pixels += here;
        missing += here == 0 ? 1 : 0;
      }
      ASSERT_GT(lines, 20);
      EXPECT_EQ(missing, 0) << "angle " << angle << " sigma " << sigma;
      EXPECT_LE(pixels, lines + lines / 20) << "angle " << angle << " sigma " << sigma;
    }
  }
}

TEST(Thinning, KeepsAOnePixelLineAndHalvesATwoPixelLine) {
  for (const int thickness : {1, 2, 3}) {
    std::vector<float> map(at(0, kHeight));
    for (int y = 0; y < kHeight; ++y) {
      for (int k = 0; k < thickness; ++k) map[at(40 + k, y)] = 0.8F;
    }
    const auto thin = thin_edges(map.data(), kWidth, kHeight);
    for (int y = 8; y < kHeight - 8; ++y) {
      int here = 0;
      for (int x = 0; x < kWidth; ++x) here += thin[at(x, y)] > 0 ? 1 : 0;
      EXPECT_EQ(here, 1) << "thickness " << thickness << " row " << y;
    }
  }
}

TEST(WeakLines, HysteresisAndLength) {
  std::vector<float> map(at(0, kHeight));
  for (int x = 10; x < 40; ++x) map[at(x, 10)] = x == 20 ? 0.9F : 0.3F;  // strong in one pixel
  for (int x = 10; x < 40; ++x) map[at(x, 20)] = 0.3F;                   // nowhere strong
  for (int x = 10; x < 15; ++x) map[at(x, 10 + x)] = 0.9F;               // strong, but 5 pixels
  map[at(70, 50)] = 0.1F;                                                // below the low threshold
  auto both = map;
  drop_weak_lines(both, kWidth, kHeight, 0.2F, 0.6F, 6);
  const auto count = [](const std::vector<float>& m) {
    return std::count_if(m.begin(), m.end(), [](float v) { return v > 0; });
  };
  // The diagonal starts at (10, 20), so it is one line with row 20 and saves it.
  EXPECT_EQ(count(both), 30 + 30 + 4);
  map[at(10, 20)] = map[at(11, 20)] = map[at(12, 20)] = 0;
  drop_weak_lines(map, kWidth, kHeight, 0.2F, 0.6F, 6);
  EXPECT_EQ(count(map), 30);
  EXPECT_EQ(map[at(20, 10)], 0.9F) << "what stays keeps its strength";
}

TEST(Structure, PoolsAndQuantises) {
  std::vector<float> map(at(0, kHeight));
  map[at(5, 6)] = 0.21F;
  map[at(9, 6)] = 0.5F;
  map[at(10, 7)] = 0.3F;
  map[at(13, 5)] = 0.7F;
  map[at(95, 63)] = 0.19F;
  StructureOptions options;
  options.thin = false;
  options.thresholds = {0.2F, 0.4F, 0.6F};
  const Plane plane = analyse_structure(map.data(), kWidth, kHeight, options);
  ASSERT_EQ(plane.width, 24);
  ASSERT_EQ(plane.height, 16);
  EXPECT_EQ(plane.levels, 4);
  EXPECT_EQ(plane.values[24 + 1], 1);
  EXPECT_EQ(plane.values[24 + 2], 2);
  EXPECT_EQ(plane.values[24 + 3], 3);
  EXPECT_EQ(std::count(plane.values.begin(), plane.values.end(), 0), 24 * 16 - 3);

  options.pooling = Pooling::mean;
  options.thresholds = {0.02F, 0.045F, 0.2F};
  const Plane mean = analyse_structure(map.data(), kWidth, kHeight, options);
  EXPECT_EQ(mean.values[24 + 1], 0);  // 0.21 / 16 = 0.013
  EXPECT_EQ(mean.values[24 + 2], 2);  // 0.8 / 16 = 0.05
  EXPECT_EQ(mean.values[24 + 3], 1);  // 0.7 / 16 = 0.044
}

TEST(Structure, DropsShortCurves) {
  std::vector<float> map(at(0, kHeight));
  for (int x = 20; x < 60; ++x) map[at(x, 20)] = 0.8F;
  for (int x = 20; x < 26; ++x) map[at(x, 44)] = 0.8F;
  StructureOptions options;
  const Plane all = analyse_structure(map.data(), kWidth, kHeight, options);
  options.min_length = 10;
  const Plane some = analyse_structure(map.data(), kWidth, kHeight, options);
  const auto row = [](const Plane& plane, int y) {
    const auto begin = plane.values.begin() + y * plane.width;
    return plane.width - std::count(begin, begin + plane.width, 0);
  };
  EXPECT_EQ(row(all, 5), 10);
  EXPECT_GT(row(all, 11), 0);
  EXPECT_EQ(row(some, 5), 10);
  EXPECT_EQ(row(some, 11), 0);
}

TEST(Structure, EveryCellSizeAndLevelCount) {
  const auto map = ridge(0.6F, 1.5F, 1.0F);
  for (const int cell : {1, 2, 4, 8, 16}) {
    for (int levels = 2; levels <= 8; ++levels) {
      StructureOptions options;
      options.cell = cell;
      options.levels = levels;
      ASSERT_EQ(default_thresholds(levels).size(), static_cast<std::size_t>(levels - 1));
      const Plane plane = analyse_structure(map.data(), kWidth, kHeight, options);
      EXPECT_EQ(plane.width, kWidth / cell);
      EXPECT_EQ(*std::max_element(plane.values.begin(), plane.values.end()), levels - 1);
    }
  }
}

TEST(Structure, DistortionsSayHowFarTheLevelsAre) {
  StructureMap map;
  map.plane = {4, 1, 4, {0, 0, 1, 3}};
  map.thresholds = {0.2F, 0.4F, 0.6F};
  map.strength = {0.0F, 0.19F, 0.3F, 0.9F};
  const std::vector<float> distortions = map.distortions();
  ASSERT_EQ(distortions.size(), 16u);
  const auto distortion = [&](int cell, int level) {
    return distortions[static_cast<std::size_t>(cell * 4 + level)];
  };
  for (int cell = 0; cell < 4; ++cell) {
    // Nothing for the level it has, more for levels farther away, on either side.
    const int own = map.plane.values[static_cast<std::size_t>(cell)];
    EXPECT_EQ(distortion(cell, own), 0) << cell;
    for (int level = own + 1; level < 4; ++level) {
      EXPECT_GT(distortion(cell, level), distortion(cell, level - 1)) << cell;
    }
    for (int level = own - 1; level >= 0; --level) {
      EXPECT_GT(distortion(cell, level), distortion(cell, level + 1)) << cell;
    }
  }
  EXPECT_FLOAT_EQ(distortion(0, 1), 0.04F);      // no line at all
  EXPECT_NEAR(distortion(1, 1), 0.0001F, 1e-6);  // just below the threshold
  EXPECT_NEAR(distortion(2, 0), 0.01F, 1e-6);    // in the middle of level 1
  EXPECT_NEAR(distortion(2, 2), 0.01F, 1e-6);
}

TEST(Structure, RefusesNonsense) {
  const std::vector<float> map(at(0, kHeight));
  StructureOptions options;
  options.levels = 9;
  EXPECT_THROW(analyse_structure(map.data(), kWidth, kHeight, options), Error);
  options = {};
  options.thresholds = {0.5F, 0.4F, 0.6F};
  EXPECT_THROW(analyse_structure(map.data(), kWidth, kHeight, options), Error);
  options = {};
  options.cell = 0;
  EXPECT_THROW(analyse_structure(map.data(), kWidth, kHeight, options), Error);
  EXPECT_THROW(analyse_structure(map.data(), 0, kHeight, {}), Error);
}

}  // namespace
}  // namespace semcodec
