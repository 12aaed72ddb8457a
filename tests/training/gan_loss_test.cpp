// Adversarial losses at scores where their values are known.

#include <gtest/gtest.h>

#include <cmath>

#include "common/core/error.h"
#include "models/discriminator/discriminator.h"
#include "models/discriminator/gan_loss.h"

namespace semcodec {
namespace {

DiscriminatorMaps scores(float value) {
  return {{torch::zeros({1, 2, 4, 4}), torch::full({1, 1, 3, 3}, value)},
          {torch::zeros({1, 2, 2, 2}), torch::full({1, 1, 2, 2}, value)}};
}

float discriminator(GanMode mode, float real, float fake) {
  return discriminator_loss(mode, scores(real), scores(fake)).item<float>();
}
float generator(GanMode mode, float fake) {
  return generator_loss(mode, scores(fake)).item<float>();
}

TEST(GanLoss, Hinge) {
  EXPECT_NEAR(discriminator(GanMode::hinge, 2, -2), 0.0F, 1e-6F);
  EXPECT_NEAR(discriminator(GanMode::hinge, 0, 0), 1.0F, 1e-6F);
  EXPECT_NEAR(discriminator(GanMode::hinge, -1, 1), 2.0F, 1e-6F);
  EXPECT_NEAR(generator(GanMode::hinge, 0.5F), -0.5F, 1e-6F);
}

TEST(GanLoss, LeastSquares) {
  EXPECT_NEAR(discriminator(GanMode::lsgan, 1, 0), 0.0F, 1e-6F);
  EXPECT_NEAR(discriminator(GanMode::lsgan, 0, 1), 1.0F, 1e-6F);
  EXPECT_NEAR(generator(GanMode::lsgan, 0), 1.0F, 1e-6F);
}

TEST(GanLoss, LogIsBinaryCrossEntropy) {
  // Eq. (4) with D = sigmoid(score): at score 0 both terms are log 2.
  EXPECT_NEAR(discriminator(GanMode::log, 0, 0), std::log(2.0F), 1e-6F);
  EXPECT_NEAR(generator(GanMode::log, 0), std::log(2.0F), 1e-6F);
  EXPECT_LT(discriminator(GanMode::log, 5, -5), 0.01F);
}

TEST(GanLoss, FeatureMatchingIgnoresTheScores) {
  EXPECT_EQ(feature_matching_loss(scores(3), scores(-3)).item<float>(), 0.0F);
  auto shifted = scores(0);
  shifted[0][0] = shifted[0][0] + 2;
  EXPECT_NEAR(feature_matching_loss(scores(0), shifted).item<float>(), 1.0F, 1e-6F);
}

TEST(GanLoss, NamesAreChecked) { EXPECT_THROW(parse_gan_mode("wasserstein"), Error); }

TEST(Discriminator, TwoScalesOfPatches) {
  Discriminator net(DiscriminatorConfig{7, 8, 3, 2});
  const auto maps = net->forward(torch::rand({2, 7, 64, 64}));
  ASSERT_EQ(maps.size(), 2U);
  ASSERT_EQ(maps[0].size(), 5U);
  EXPECT_EQ(maps[0].back().size(1), 1);
  EXPECT_GT(maps[0].back().size(2), maps[1].back().size(2));
}

}  // namespace
}  // namespace semcodec
