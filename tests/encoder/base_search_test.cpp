#include "encoder/core/base_search.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/media/base_codec.h"

namespace semcodec {
namespace {

/// Fine texture that moves by `speed` pixels a frame.
std::vector<RgbImage> moving(int count, double speed, double period) {
  std::vector<RgbImage> frames;
  for (int t = 0; t < count; ++t) {
    RgbImage frame(192, 96);
    for (int y = 0; y < frame.height; ++y) {
      for (int x = 0; x < frame.width; ++x) {
        const double at = x - speed * t;
        for (int c = 0; c < 3; ++c) {
          frame.row(y)[3 * x + c] = static_cast<std::uint8_t>(
              128 + 60 * std::sin(at / period + 0.1 * c) * std::cos(y / (1.3 * period)) +
              25 * std::sin(0.011 * at * y / period));
        }
      }
    }
    frames.push_back(std::move(frame));
  }
  return frames;
}

BaseSegment segment_of(const std::vector<RgbImage>& frames, double fps) {
  BaseSegment segment;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    segment.frames.push_back(&frames[i]);
    segment.seconds.push_back(static_cast<double>(i) / fps);
  }
  segment.frame_seconds = 1 / fps;
  return segment;
}

BaseSearchOptions real_codec() {
  BaseSearchOptions options;
  options.coder = make_base_coder;
  options.decoder = make_decode_base;
  return options;
}

TEST(HybridPoint, QuantisersFallAsQualityRises) {
  double before = 64;
  for (double quality = 45; quality <= 80; quality += 5) {
    const double now = hybrid_point(quality).quantiser;
    EXPECT_LE(now, before);
    before = now;
  }
  EXPECT_NEAR(hybrid_lambda(50) / hybrid_lambda(60), 2, 1e-9);
  EXPECT_GT(hybrid_quantiser(hybrid_lambda(80), 0.5, 12),
            hybrid_quantiser(hybrid_lambda(80), 0.5, 6));
}

TEST(HybridPoint, AChosenPointMovesWithoutAStep) {
  const HybridPoint chosen{0.5, 0.2, hybrid_quantiser(hybrid_lambda(45), 0.5, 5)};
  const HybridPoint same = moved_point(chosen, 45, 45);
  EXPECT_DOUBLE_EQ(same.interval, chosen.interval);
  EXPECT_DOUBLE_EQ(same.quantiser, chosen.quantiser);
  // Fewer bits with every step down, also where the quantiser has reached its end.
  HybridPoint before = moved_point(chosen, 45, 80);
  for (double quality = 79; quality >= 20; quality -= 1) {
    const HybridPoint now = moved_point(chosen, 45, quality);
    EXPECT_EQ(now.scale, chosen.scale);
    EXPECT_GE(now.quantiser, before.quantiser);
    EXPECT_GT(now.interval, before.interval);
    EXPECT_LT(now.interval, before.interval * 1.07);
    before = now;
  }
  EXPECT_EQ(before.quantiser, 63);
}

TEST(BaseSearch, BlurredVideoTakesSmallPicturesAndSharpVideoLargeOnes) {
  const auto blurred = moving(50, 0.5, 14), sharp = moving(50, 0.25, 0.6);
  BaseTrials of_blurred, of_sharp;
  const auto blurred_segment = segment_of(blurred, 25), sharp_segment = segment_of(sharp, 25);
  const auto low = BaseSearch(blurred_segment, real_codec(), of_blurred).best(75);
  const auto high = BaseSearch(sharp_segment, real_codec(), of_sharp).best(75);
  EXPECT_LT(low.scale, high.scale);
  EXPECT_GE(of_blurred.size(), 3u);
}

TEST(BaseSearch, WhatWasTriedIsNotTriedAgain) {
  const auto frames = moving(40, 1, 5);
  const auto segment = segment_of(frames, 25);
  int opened = 0;
  auto options = real_codec();
  options.coder = [&](const BaseCoderOptions& asked) {
    ++opened;
    return make_base_coder(asked);
  };
  BaseTrials known;
  const auto first = BaseSearch(segment, options, known).best(60);
  const int before = opened;
  EXPECT_EQ(static_cast<std::size_t>(before), known.size());
  const auto second = BaseSearch(segment, options, known).best(60);
  EXPECT_EQ(opened, before);
  EXPECT_EQ(first.scale, second.scale);
  EXPECT_EQ(first.interval, second.interval);
}

TEST(BaseSearch, WhatIsGivenIsKept) {
  const auto frames = moving(40, 1, 5);
  const auto segment = segment_of(frames, 25);
  auto options = real_codec();
  options.scale = 0.75;
  BaseTrials known;
  EXPECT_EQ(BaseSearch(segment, options, known).best(60).scale, 0.75);
  options.scale.reset();
  options.interval = 0.16;
  BaseTrials others;
  EXPECT_EQ(BaseSearch(segment, options, others).best(60).interval, 0.16);
}

TEST(BaseSearch, AShortStretchKeepsTheLadder) {
  const auto frames = moving(3, 1, 5);
  const auto segment = segment_of(frames, 25);
  BaseTrials known;
  const auto point = BaseSearch(segment, real_codec(), known).best(60);
  EXPECT_EQ(point.scale, hybrid_point(60).scale);
  EXPECT_TRUE(known.empty());
}

}  // namespace
}  // namespace semcodec
