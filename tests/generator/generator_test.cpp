// The temporal generator: shapes, the blend, and what references may and may not do.

#include <gtest/gtest.h>

#include "models/generator/conditions.h"
#include "models/generator/generator.h"
#include "models/generator/noise.h"

namespace semcodec {
namespace {

FrameContext random_context(int n, int height, int width, float valid_a, float valid_b) {
  FrameContext context;
  context.condition = torch::rand({n, 4, height / 2, width / 2});
  context.condition_a = torch::rand_like(context.condition);
  context.condition_b = torch::rand_like(context.condition);
  context.reference_a = torch::rand({n, 3, height, width});
  context.reference_b = torch::rand({n, 3, height, width});
  context.texture = torch::rand({n, GeneratorConfig{}.texture.channels, height / 16, width / 16});
  context.scalars = torch::rand({n, GeneratorConfig::kScalars});
  context.scalars.select(1, 0).fill_(valid_a);
  context.scalars.select(1, 1).fill_(valid_b);
  return context;
}

TEST(Generator, ShapesAtSeveralSizes) {
  torch::manual_seed(1);
  const torch::NoGradGuard guard;
  Generator generator{GeneratorConfig{}};
  for (const auto& [height, width] : {std::pair{64, 64}, {80, 176}, {16, 32}}) {
    const auto out = generator->forward(random_context(2, height, width, 1, 1));
    EXPECT_EQ(out.frame.sizes(), at::IntArrayRef({2, 3, height, width}));
    EXPECT_EQ(out.weights.sizes(), at::IntArrayRef({2, 3, height, width}));
    EXPECT_TRUE(torch::isfinite(out.frame).all().item<bool>());
  }
}

TEST(Generator, FrameIsTheBlendAndWeightsSumToOne) {
  torch::manual_seed(2);
  const torch::NoGradGuard guard;
  Generator generator{GeneratorConfig{}};
  const auto context = random_context(1, 64, 96, 1, 1);
  const auto out = generator->forward(context);
  EXPECT_LT((out.weights.sum(1) - 1).abs().max().item<float>(), 1e-5F);
  const auto blend = out.weights.narrow(1, 0, 1) * out.raw +
                     out.weights.narrow(1, 1, 1) * context.reference_a +
                     out.weights.narrow(1, 2, 1) * context.reference_b;
  EXPECT_LT((out.frame - blend).abs().max().item<float>(), 1e-5F);
}

TEST(Generator, AModelMayDoWithoutTexture) {
  const torch::NoGradGuard guard;
  GeneratorConfig config;
  config.texture.channels = 0;
  Generator generator{config};
  auto context = random_context(1, 64, 64, 1, 0);
  context.texture = torch::Tensor();
  EXPECT_TRUE(torch::isfinite(generator->forward(context).frame).all().item<bool>());
}

TEST(Generator, TextureChangesThePicture) {
  torch::manual_seed(6);
  const torch::NoGradGuard guard;
  Generator generator{GeneratorConfig{}};
  auto context = random_context(1, 64, 64, 0, 0);
  generator->named_parameters()["texture_in.weight"].normal_();  // unheard before training
  const auto with = generator->forward(context).frame;
  context.texture = torch::zeros_like(context.texture);
  EXPECT_FALSE(torch::equal(with, generator->forward(context).frame));
}

TEST(Generator, NoiseChangesThePictureOnceItIsHeard) {
  torch::manual_seed(8);
  const torch::NoGradGuard guard;
  Generator generator{GeneratorConfig{}};
  auto context = random_context(1, 64, 64, 0, 0);
  for (const char* name : {"noise_eighth", "noise_quarter", "noise_half"}) {
    generator->named_parameters()[name].zero_();
  }
  const auto silent = generator->forward(context).frame;
  context.noise_seed = 5;
  EXPECT_TRUE(torch::equal(silent, generator->forward(context).frame));
  for (const char* name : {"noise_eighth", "noise_quarter", "noise_half"}) {
    generator->named_parameters()[name].fill_(0.5);
    const auto one = generator->forward(context).frame;
    EXPECT_TRUE(torch::equal(one, generator->forward(context).frame));
    context.noise_seed = 6 - context.noise_seed;
    EXPECT_FALSE(torch::equal(one, generator->forward(context).frame)) << name;
    generator->named_parameters()[name].zero_();
  }
}

TEST(Noise, HasNoMeanAndUnitVarianceAndNoPatternAcrossSizesAndLevels) {
  const auto field = noise_field(128, 256, 1, 0, torch::kCPU);
  EXPECT_NEAR(field.mean().item<float>(), 0, 0.02);
  EXPECT_NEAR(field.var().item<float>(), 1, 0.02);
  const auto wider = noise_field(128, 300, 1, 0, torch::kCPU);
  EXPECT_TRUE(torch::equal(field, wider.narrow(3, 0, 256)));
  const auto correlation = [&](const torch::Tensor& other) {
    return std::abs((field * other).mean().item<float>());
  };
  EXPECT_LT(correlation(noise_field(128, 256, 2, 0, torch::kCPU)), 0.02F);
  EXPECT_LT(correlation(noise_field(128, 256, 1, 1, torch::kCPU)), 0.02F);
  EXPECT_LT(correlation(field.roll(1, 3)), 0.02F);
  EXPECT_LT(correlation(field.roll(8, 2)), 0.02F);
  // The same on every machine.
  EXPECT_FLOAT_EQ(field[0][0][0][0].item<float>(), -0.9512219429016113F);
}

TEST(Generator, AReferenceThatIsNotThereHasNoWeight) {
  torch::manual_seed(3);
  const torch::NoGradGuard guard;
  Generator generator{GeneratorConfig{}};
  const auto none = generator->forward(random_context(1, 64, 64, 0, 0));
  EXPECT_EQ(none.weights.narrow(1, 1, 2).abs().max().item<float>(), 0.0F);
  EXPECT_LT((none.frame - none.raw).abs().max().item<float>(), 1e-6F);
  const auto only_a = generator->forward(random_context(1, 64, 64, 1, 0));
  EXPECT_EQ(only_a.weights.narrow(1, 2, 1).abs().max().item<float>(), 0.0F);
  EXPECT_GT(only_a.weights.narrow(1, 1, 1).max().item<float>(), 0.0F);
}

TEST(Generator, EveryParameterLearns) {
  torch::manual_seed(4);
  Generator generator{GeneratorConfig{}};
  const auto out = generator->forward(random_context(1, 64, 64, 1, 1));
  (out.frame * torch::rand_like(out.frame)).sum().backward();
  for (const auto& item : generator->named_parameters()) {
    if (item.key().rfind("interpolator", 0) == 0) continue;  // interpolator_test.cpp
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().max().item<float>(), 0.0F) << item.key();
  }
}

TEST(Conditions, RenderPlacesColourAndEdges) {
  SemanticFrame frame;
  frame.labels = {4, 4, 2, std::vector<std::uint8_t>(16, 1)};
  frame.palette = {{0, 0, 0}, {255, 51, 0}};
  frame.structure = {8, 8, 3, std::vector<std::uint8_t>(64, 2)};
  const auto condition = render_condition(frame, 64, 64);
  ASSERT_EQ(condition.sizes(), at::IntArrayRef({1, 4, 32, 32}));
  EXPECT_NEAR(condition.select(1, 0).mean().item<float>(), 1.0F, 1e-5F);
  EXPECT_NEAR(condition.select(1, 1).mean().item<float>(), 0.2F, 1e-5F);
  EXPECT_NEAR(condition.select(1, 2).mean().item<float>(), 0.0F, 1e-5F);
  EXPECT_NEAR(condition.select(1, 3).mean().item<float>(), 1.0F, 1e-5F);
}

TEST(Conditions, WithoutPlanesGreyAndNoEdges) {
  const auto condition = render_condition(SemanticFrame{}, 64, 32);
  EXPECT_EQ(condition.narrow(1, 0, 3).min().item<float>(), 0.5F);
  EXPECT_EQ(condition.narrow(1, 0, 3).max().item<float>(), 0.5F);
  EXPECT_EQ(condition.select(1, 3).abs().max().item<float>(), 0.0F);
}

TEST(Conditions, AIntraPictureIsReferenceAForThoseThatHaveOne) {
  const CodedFrameInput input{torch::rand({2, 4, 32, 32}), {}, torch::rand({2, 4})};
  const auto key = torch::rand({2, 3, 64, 64});
  const auto context = image_context(input, key, torch::tensor({1.0F, 0.0F}));
  EXPECT_TRUE(torch::equal(context.reference_a[0], key[0]));
  EXPECT_EQ(context.reference_a[1].abs().max().item<float>(), 0.0F);
  EXPECT_EQ(context.scalars[0][0].item<float>(), 1.0F);
  EXPECT_EQ(context.scalars[0][4].item<float>(), 1.0F);
  EXPECT_EQ(context.scalars[1][0].item<float>(), 0.0F);
  const auto without = image_context(input);
  EXPECT_EQ(without.scalars.narrow(1, 0, 5).abs().max().item<float>(), 0.0F);
}

TEST(Generator, LooksAtAsManyReferencesAsItsConfigurationSays) {
  torch::manual_seed(9);
  const torch::NoGradGuard guard;
  for (const int references : {0, 1, 2}) {
    GeneratorConfig config;
    config.references = references;
    Generator generator{config};
    auto context = random_context(1, 32, 64, 1, 1);
    const auto frame = generator->generate(context);
    auto other = context;
    other.reference_b = torch::rand_like(context.reference_b);
    other.condition_b = torch::rand_like(context.condition_b);
    EXPECT_EQ(torch::equal(generator->generate(other), frame), references < 2) << references;
    other = context;
    other.reference_a = torch::rand_like(context.reference_a);
    EXPECT_EQ(torch::equal(generator->generate(other), frame), references < 1) << references;
    const auto weights = generator->forward(context).weights;
    EXPECT_EQ(weights.select(1, 2).max().item<float>() == 0, references < 2);
  }
}

TEST(Generator, ClassesEnterAsOneHotMaps) {
  torch::manual_seed(10);
  const torch::NoGradGuard guard;
  GeneratorConfig config;
  config.classes = 20;
  Generator generator{config};
  auto context = random_context(1, 32, 64, 0, 0);
  context.condition.narrow(1, 0, 3).fill_(64 / 255.0);  // bits of the class 55, which is not there
  const auto none = generator->generate(context);
  context.condition.narrow(1, 0, 3).fill_(0);
  EXPECT_TRUE(torch::equal(generator->generate(context), none)) << "black is no class either";
  context.condition.select(1, 0).fill_(128 / 255.0);
  EXPECT_FALSE(torch::equal(generator->generate(context), none)) << "class 0";
}

}  // namespace
}  // namespace semcodec
