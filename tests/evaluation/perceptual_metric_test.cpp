// LPIPS through 8-bit pictures: equal pictures, order, batches. Its value against the reference
// implementation is tested with the network itself.

#include <gtest/gtest.h>

#include <array>

#include "common/core/error.h"
#include "evaluation/perceptual_metric.h"
#include "pictures.h"

namespace semcodec {
namespace {

TEST(PerceptualMetric, GrowsWithTheDamageAndDoesNotMixPairs) {
  auto lpips = PerceptualMetric::find("cpu", 1);
  if (!lpips) GTEST_SKIP() << PerceptualMetric::missing_sentence();
  const RgbImage a = textured_picture(96, 64);
  const RgbImage b = degraded_picture(96, 64);
  RgbImage slight = a;
  for (std::size_t i = 0; i < slight.pixels.size(); i += 7) slight.pixels[i] ^= 4;
  const std::array<const RgbImage*, 3> first{&a, &a, &a};
  const std::array<const RgbImage*, 3> second{&a, &slight, &b};
  const auto d = lpips->distances(first, second);
  ASSERT_EQ(d.size(), 3U);
  EXPECT_NEAR(d[0], 0, 1e-7);
  EXPECT_GT(d[1], 0);
  EXPECT_GT(d[2], 3 * d[1]);
  const auto alone = lpips->distances(std::span(first).subspan(2), std::span(second).subspan(2));
  EXPECT_NEAR(alone[0], d[2], 1e-5);
}

TEST(PerceptualMetric, RefusesSmallOrDifferentPictures) {
  auto lpips = PerceptualMetric::find("cpu", 1);
  if (!lpips) GTEST_SKIP() << PerceptualMetric::missing_sentence();
  const RgbImage small = textured_picture(64, 31);
  const RgbImage other = textured_picture(64, 32);
  const std::array<const RgbImage*, 1> s{&small};
  const std::array<const RgbImage*, 1> o{&other};
  EXPECT_THROW(lpips->distances(s, s), Error);
  EXPECT_THROW(lpips->distances(s, o), Error);
}

}  // namespace
}  // namespace semcodec
