// The texture plane: rounding, integers and back.

#include <gtest/gtest.h>

#include "common/core/error.h"
#include "models/generator/texture.h"

namespace semcodec {
namespace {

TEST(Texture, RoundsToTheLevelsAndPassesTheGradient) {
  const auto values =
      torch::tensor({-1.0F, -0.8F, -0.2F, 0.1F, 0.3F, 0.76F, 1.0F}).requires_grad_();
  const auto rounded = quantise_texture(values, 5);
  const auto expected = torch::tensor({-1.0F, -1.0F, 0.0F, 0.0F, 0.5F, 1.0F, 1.0F});
  EXPECT_LT((rounded - expected).abs().max().item<float>(), 1e-6F);
  rounded.sum().backward();
  EXPECT_TRUE(torch::equal(values.grad(), torch::ones_like(values)));
}

TEST(Texture, PlanesCarryTheRoundedValuesExactly) {
  torch::manual_seed(1);
  const auto values = quantise_texture(torch::rand({1, 4, 3, 5}) * 2 - 1, 5);
  const auto planes = texture_planes(values, 5, 4);
  ASSERT_EQ(planes.size(), 4U);
  EXPECT_EQ(planes[0].width, 5);
  EXPECT_EQ(planes[0].height, 3);
  EXPECT_EQ(planes[0].levels, 5);
  EXPECT_LT((render_texture(planes, 4, 80, 48) - values).abs().max().item<float>(), 1e-6F);
  // The first channels alone: the others are zero.
  const auto fewer = render_texture(texture_planes(values, 5, 1), 4, 80, 48);
  EXPECT_LT((fewer.select(1, 0) - values.select(1, 0)).abs().max().item<float>(), 1e-6F);
  EXPECT_EQ(fewer.narrow(1, 1, 3).abs().max().item<float>(), 0.0F);
}

TEST(Texture, PlanesThatDoNotFitTheModelAreRefused) {
  const Plane plane{5, 3, 5, std::vector<std::uint8_t>(15, 2)};
  EXPECT_NO_THROW(render_texture({plane}, 1, 80, 48));
  EXPECT_THROW(render_texture({plane, plane}, 1, 80, 48), Error);
  EXPECT_THROW(render_texture({plane}, 1, 96, 48), Error);
}

TEST(Texture, EncoderSpeaksAtOddSizesAndIsNeverSilent) {
  torch::manual_seed(2);
  const torch::NoGradGuard guard;
  TextureEncoder encoder{TextureConfig{}};
  const auto out = encoder->forward(torch::rand({2, 3, 48, 80}), torch::rand({2, 4, 24, 40}));
  EXPECT_EQ(out.sizes(), at::IntArrayRef({2, 8, 3, 5}));
  EXPECT_LE(out.abs().max().item<float>(), 1.0F);
  EXPECT_GT(out.std({0, 2, 3}).min().item<float>(), 0.2F);
}

}  // namespace
}  // namespace semcodec
