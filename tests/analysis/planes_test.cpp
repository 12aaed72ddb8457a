// Colour analysis, and the rendering of planes.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "common/core/error.h"
#include "common/semantic/colour_map.h"
#include "encoder/analysis/colour.h"
#include "encoder/analysis/lab.h"

namespace semcodec {
namespace {

/// A picture of coloured stripes, 32 pixels wide each, with a little deterministic noise.
RgbImage stripes(int shift) {
  constexpr std::array<std::array<int, 3>, 4> kColours = {
      {{200, 40, 40}, {40, 180, 60}, {50, 60, 210}, {230, 220, 90}}};
  RgbImage picture(256, 64);
  Random random(1);
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      const auto& colour = kColours[static_cast<std::size_t>((x + shift) / 32 % 4)];
      for (int c = 0; c < 3; ++c) {
        picture.row(y)[3 * x + c] = static_cast<std::uint8_t>(
            colour[static_cast<std::size_t>(c)] + static_cast<int>(random.below(9)) - 4);
      }
    }
  }
  return picture;
}

TEST(RenderColour, ConstantStaysExact) {
  const Plane labels{5, 3, 4, std::vector<std::uint8_t>(15, 2)};
  const Palette palette = {{0, 0, 0}, {1, 1, 1}, {10, 128, 255}, {9, 9, 9}};
  const auto out = render_colour(labels, palette, 37, 22);
  ASSERT_EQ(out.size(), std::size_t{3} * 37 * 22);
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t i = 0; i < std::size_t{37} * 22; ++i) {
      EXPECT_NEAR(out[c * 37 * 22 + i], static_cast<float>(palette[2][c]) / 255.0F, 1e-6F);
    }
  }
}

TEST(RenderColour, SameSizeIsALookUp) {
  const Plane labels{4, 2, 3, {0, 1, 2, 0, 2, 2, 1, 0}};
  const Palette palette = {{0, 50, 100}, {255, 0, 3}, {7, 8, 9}};
  const auto out = render_colour(labels, palette, 4, 2);
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t i = 0; i < 8; ++i) {
      EXPECT_EQ(out[c * 8 + i], static_cast<float>(palette[labels.values[i]][c]) / 255.0F);
    }
  }
}

TEST(RenderColour, EdgeIsSymmetricMonotoneAtTheStepAndClamped) {
  const Plane labels{8, 1, 2, {0, 0, 0, 0, 1, 1, 1, 1}};
  const Palette palette = {{0, 51, 0}, {255, 204, 255}};
  constexpr std::size_t w = 64;
  const auto out = render_colour(labels, palette, w, 1);
  for (std::size_t x = 0; x < w; ++x) {
    EXPECT_GE(out[x], 0.0F);
    EXPECT_LE(out[x], 1.0F);
    EXPECT_NEAR(out[x] + out[w - 1 - x], 1.0F, 1e-6F);
    EXPECT_NEAR(out[w + x] + out[w + w - 1 - x], 1.0F, 1e-6F);
  }
  for (std::size_t x = 28; x < 36; ++x) EXPECT_LT(out[x], out[x + 1]);
  EXPECT_EQ(out[0], 0.0F);
  EXPECT_EQ(out[w - 1], 1.0F);
  // Keys' kernel, by hand: pixel 32 lies at 4 − ½ + 1/16 cells, so t = 9/16 between taps 3 and 4.
  const double t = 9.0 / 16;
  const double tap4 = -1.5 * t * t * t + 2 * t * t + 0.5 * t;
  const double tap5 = 0.5 * t * t * t - 0.5 * t * t;
  EXPECT_NEAR(out[32], tap4 + tap5, 1e-6);
}

TEST(RenderStructure, BilinearAndNormalised) {
  const Plane plane{2, 1, 4, {0, 3}};
  const auto out = render_structure(plane, 8, 2);
  const std::array<float, 8> expected = {0, 0, .125F, .375F, .625F, .875F, 1, 1};
  for (std::size_t i = 0; i < 16; ++i) EXPECT_NEAR(out[i], expected[i % 8], 1e-6F);
}

TEST(Render, RefusesBrokenPlanes) {
  EXPECT_THROW(render_colour({}, {{0, 0, 0}, {1, 1, 1}}, 8, 8), Error);
  EXPECT_THROW(render_colour({2, 1, 4, {0, 3}}, {{0, 0, 0}, {1, 1, 1}}, 8, 8), Error);
  EXPECT_THROW(render_structure({2, 2, 4, {0, 3}}, 8, 8), Error);
  EXPECT_THROW(render_structure({2, 1, 4, {0, 3}}, 0, 8), Error);
}

TEST(Lab, KnownColoursAndRoundTrip) {
  const Centre white = rgb_to_lab({255, 255, 255});
  EXPECT_NEAR(white[0], 100, 0.01F);
  EXPECT_NEAR(white[1], 0, 0.02F);
  EXPECT_NEAR(white[2], 0, 0.02F);
  const Centre red = rgb_to_lab({255, 0, 0});  // CIE Lab of sRGB red under D65
  EXPECT_NEAR(red[0], 53.24F, 0.05F);
  EXPECT_NEAR(red[1], 80.09F, 0.1F);
  EXPECT_NEAR(red[2], 67.20F, 0.1F);
  for (int r = 0; r < 256; r += 51) {
    for (int g = 0; g < 256; g += 17) {
      for (int b = 0; b < 256; b += 51) {
        const auto back = lab_to_rgb(
            rgb_to_lab({static_cast<float>(r), static_cast<float>(g), static_cast<float>(b)}));
        EXPECT_NEAR(back[0], r, 1);
        EXPECT_NEAR(back[1], g, 1);
        EXPECT_NEAR(back[2], b, 1);
      }
    }
  }
}

TEST(Colour, FindsTheStripesAndTheirColours) {
  ColourOptions options;
  options.clusters = 4;
  ColourAnalyser analyser(options);
  const ColourMap map = analyser.analyse(stripes(0));
  ASSERT_EQ(map.labels.width, 32);
  ASSERT_EQ(map.labels.height, 8);
  ASSERT_EQ(map.labels.levels, 4);
  ASSERT_EQ(map.palette.size(), 4U);
  for (int x = 0; x < 32; ++x) {
    EXPECT_EQ(map.labels.values[static_cast<std::size_t>(x)],
              map.labels.values[static_cast<std::size_t>(x / 4 * 4 + 32 * 5)]);
  }
  const auto& red = map.palette[map.labels.values[0]];
  EXPECT_NEAR(red[0], 200, 2);
  EXPECT_NEAR(red[1], 40, 2);
  EXPECT_NEAR(red[2], 40, 2);
}

TEST(Colour, LabelsKeepTheirMeaningUntilReset) {
  ColourOptions options;
  options.clusters = 4;
  ColourAnalyser analyser(options);
  const ColourMap first = analyser.analyse(stripes(0));
  const ColourMap moved = analyser.analyse(stripes(64));
  for (std::size_t x = 0; x < 24; ++x) {
    EXPECT_EQ(moved.labels.values[x], first.labels.values[x + 8]);
  }
  analyser.reset();
  const ColourMap again = analyser.analyse(stripes(0));
  EXPECT_EQ(again.labels, first.labels);
  EXPECT_EQ(again.palette, first.palette);
}

TEST(Colour, SmoothingRemovesFlipsAndHoldKeepsThePalette) {
  // Grey noise around the border of two clusters: without smoothing labels flip at random.
  RgbImage picture(256, 128);
  Random random(3);
  for (int cy = 0; cy < 16; ++cy) {
    for (int cx = 0; cx < 32; ++cx) {
      const int base = cx < 16 ? 100 : 130;
      const int value = base + static_cast<int>(random.below(41)) - 20;
      for (int y = 8 * cy; y < 8 * cy + 8; ++y) {
        std::fill_n(picture.row(y) + 24 * cx, 24, static_cast<std::uint8_t>(value));
      }
    }
  }
  const auto changes = [&](float lambda) {
    ColourOptions options;
    options.clusters = 2;
    options.smoothing = lambda;
    const Plane labels = ColourAnalyser(options).analyse(picture).labels;
    int count = 0;
    for (std::size_t i = 1; i < labels.values.size(); ++i) {
      count += i % 32 != 0 && labels.values[i] != labels.values[i - 1] ? 1 : 0;
    }
    return count;
  };
  EXPECT_GT(changes(0), 16);
  EXPECT_LE(changes(40), changes(0) / 2);

  ColourOptions options;
  options.clusters = 4;
  options.palette_hold = 3;
  ColourAnalyser analyser(options);
  const Palette before = analyser.analyse(stripes(0)).palette;
  RgbImage brighter = stripes(0);
  for (auto& v : brighter.pixels) v = static_cast<std::uint8_t>(v + 2);
  EXPECT_EQ(analyser.analyse(brighter).palette, before);
  for (auto& v : brighter.pixels) v = static_cast<std::uint8_t>(v + 6);
  EXPECT_NE(analyser.analyse(brighter).palette, before);
}

TEST(Colour, FlatPictureAndOddSizes) {
  ColourOptions options;
  options.cell = 16;
  RgbImage grey(50, 23);
  std::fill(grey.pixels.begin(), grey.pixels.end(), std::uint8_t{77});
  const ColourMap map = ColourAnalyser(options).analyse(grey);
  EXPECT_EQ(map.labels.width, 3);
  EXPECT_EQ(map.labels.height, 1);
  EXPECT_EQ(map.palette[map.labels.values[0]], (std::array<std::uint8_t, 3>{77, 77, 77}));
  options.clusters = 1;
  EXPECT_THROW(ColourAnalyser{options}, Error);
  EXPECT_THROW(ColourAnalyser{ColourOptions{}}.analyse(RgbImage{}), Error);
}

}  // namespace
}  // namespace semcodec
