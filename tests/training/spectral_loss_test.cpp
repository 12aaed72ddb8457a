// The spectral loss: blind to places, not to strength, and not to repetition.

#include "training/generator/spectral_loss.h"

#include <gtest/gtest.h>

namespace semcodec {
namespace {

torch::Tensor grey(const torch::Tensor& noise) {
  return (0.5 + 0.1 * noise).expand({-1, 3, -1, -1}).contiguous();
}

TEST(SpectralLoss, IsZeroForTheSamePictureAndNotForAWeakerOne) {
  torch::manual_seed(1);
  const auto noise = torch::randn({1, 1, 128, 128});
  EXPECT_EQ(spectral_loss(grey(noise), grey(noise)).item<float>(), 0.0F);
  // Half the amplitude is log 2 away where the floor does not matter.
  EXPECT_NEAR(spectral_loss(grey(noise * 0.5), grey(noise)).item<float>(), std::log(2.0), 0.04);
}

TEST(SpectralLoss, OtherGrassIsNearerThanNoneAndThanATileRepeated) {
  torch::manual_seed(2);
  const auto source = grey(torch::randn({1, 1, 128, 128}));
  const auto other = spectral_loss(grey(torch::randn({1, 1, 128, 128})), source).item<float>();
  const auto tile =
      spectral_loss(grey(torch::randn({1, 1, 8, 8}).repeat({1, 1, 16, 16})), source).item<float>();
  const auto none = spectral_loss(torch::full_like(source, 0.5), source).item<float>();
  EXPECT_LT(other, 0.75F * tile);
  EXPECT_LT(other, 0.5F * none);
}

TEST(SpectralLoss, LeadsToTheStrengthOfTheSource) {
  torch::manual_seed(3);
  const auto source = grey(torch::randn({1, 1, 96, 96}));
  auto strength = torch::tensor(0.1F, torch::requires_grad());
  torch::optim::Adam adam({strength}, torch::optim::AdamOptions(0.05));
  for (int step = 0; step < 80; ++step) {
    adam.zero_grad();
    spectral_loss(grey(strength * torch::randn({1, 1, 96, 96})), source).backward();
    adam.step();
  }
  EXPECT_NEAR(strength.item<float>(), 1.0F, 0.15F);
}

}  // namespace
}  // namespace semcodec
