// How fast a picture is left behind.

#include "encoder/analysis/reference_decay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "common/core/error.h"
#include "common/core/random.h"

namespace semcodec {
namespace {

constexpr int kWidth = 256, kHeight = 128;

/// A window on one endless texture of soft spots, moved by `shift` pixels.
RgbImage texture(int shift, std::uint64_t seed = 1) {
  constexpr int kGrid = 32;
  const auto knot = [seed](int i, int j) {
    Random random(seed + 1000003u * static_cast<std::uint64_t>(i + 500) +
                  29u * static_cast<std::uint64_t>(j));
    return static_cast<double>(random.below(256));
  };
  RgbImage picture(kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const int i = (x + shift) / kGrid, j = y / kGrid;
      const double u = (x + shift) % kGrid / double{kGrid}, v = y % kGrid / double{kGrid};
      const double value = (1 - v) * ((1 - u) * knot(i, j) + u * knot(i + 1, j)) +
                           v * ((1 - u) * knot(i, j + 1) + u * knot(i + 1, j + 1));
      std::fill_n(picture.row(y) + 3 * x, 3, static_cast<std::uint8_t>(value));
    }
  }
  return picture;
}

TEST(ReferenceDecay, WhatStandsStillStays) {
  ReferenceDecay reference_decay(texture(0));
  EXPECT_EQ(reference_decay.rate(), 0);
  for (int i = 1; i <= 5; ++i) reference_decay.push(texture(0), 0.2 * i);
  ASSERT_EQ(reference_decay.samples().size(), 5u);
  for (const auto& sample : reference_decay.samples())
    EXPECT_GT(sample.share, 0.97) << sample.seconds;
  EXPECT_LT(reference_decay.rate(), 0.02);
  EXPECT_GT(reference_decay.detail(), 3);
}

TEST(ReferenceDecay, SlowMotionFadesSlowerThanFast) {
  ReferenceDecay slow(texture(0)), fast(texture(0));
  for (int i = 1; i <= 5; ++i) {
    slow.push(texture(2 * i), 0.2 * i);
    fast.push(texture(16 * i), 0.2 * i);
  }
  EXPECT_GT(slow.samples().back().share, 0.5);
  EXPECT_LT(fast.samples().back().share, slow.samples().back().share);
  EXPECT_GT(fast.rate(), slow.rate());
}

TEST(ReferenceDecay, AnotherScenesPictureSaysNothing) {
  ReferenceDecay reference_decay(texture(0));
  reference_decay.push(texture(0), 0.1);
  reference_decay.push(texture(0, 99), 0.2);
  EXPECT_LT(reference_decay.samples().back().share, 0.4);
  EXPECT_GT(reference_decay.rate(), 5);
}

TEST(ReferenceDecay, FidelityIsTheShareOfDetailKept) {
  const RgbImage picture = texture(0);
  const ReferenceDecay reference_decay(picture);
  EXPECT_NEAR(reference_decay.fidelity(picture), 1, 1e-6);
  RgbImage flat = picture, half = picture;
  std::fill(flat.pixels.begin(), flat.pixels.end(), std::uint8_t{128});
  for (auto& value : half.pixels) value = static_cast<std::uint8_t>(128 + (value - 128) / 2);
  EXPECT_LT(reference_decay.fidelity(flat), reference_decay.fidelity(half));
  EXPECT_LT(reference_decay.fidelity(half), 0.9);
}

TEST(ReferenceDecay, RefusesAnotherSize) {
  ReferenceDecay reference_decay(texture(0));
  EXPECT_THROW(reference_decay.push(RgbImage(64, 64), 0.1), Error);
}

}  // namespace
}  // namespace semcodec
