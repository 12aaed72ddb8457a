// The CPU's own path of the generator against its tensors.

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "models/core/device.h"
#include "models/generator/generator.h"
#include "models/generator/generator_engine.h"
#include "tests/cpu/levels.h"

namespace semcodec {
namespace {

FrameContext random_context(const GeneratorConfig& config, int n, int height, int width,
                            float valid_a, float valid_b) {
  FrameContext x;
  x.condition = torch::rand({n, 4, height / 2, width / 2});
  x.condition_a = torch::rand_like(x.condition);
  x.condition_b = torch::rand_like(x.condition);
  x.reference_a = torch::rand({n, 3, height, width});
  x.reference_b = torch::rand({n, 3, height, width});
  if (config.texture.channels > 0) {
    x.texture = torch::rand({n, config.texture.channels, height / 16, width / 16}) * 2 - 1;
  }
  x.scalars = torch::rand({n, GeneratorConfig::kScalars});
  x.scalars.select(1, 0).fill_(valid_a);
  x.scalars.select(1, 1).fill_(valid_b);
  return x;
}

/// A network in which every part is heard.
Generator loud_generator(const GeneratorConfig& config) {
  Generator generator(config);
  for (auto& item : generator->named_parameters()) {
    auto& value = item.value();
    const std::string& name = item.key();
    if (name.find("norm") != std::string::npos) {
      value.add_(torch::randn_like(value) * 0.2);
    } else if (name.find("noise") != std::string::npos) {
      value.normal_(0, 0.3);
    } else if (value.dim() >= 2) {
      value.normal_(0, 0.9 / std::sqrt(static_cast<double>(value[0].numel())));
    } else {
      value.normal_(0, 0.1);
    }
  }
  generator->eval();
  return generator;
}

struct Distances {
  double engine = 0, torch = 0;  ///< mean distance from float32
};

/// Generates by the engine and by torch in bf16, and compares both with float32 on the same
/// weights.
Distances distances(const GeneratorConfig& config, const FrameContext& x) {
  auto generator = loud_generator(config);
  generator->to(torch::kBFloat16);
  to_channels_last(*generator);
  const auto plain = generator->generate(x);
  generator->use_engine();
  const auto own = generator->generate(x);
  generator->to(torch::kFloat32);
  const auto exact = generator->forward(x).frame.clamp(0, 1);
  EXPECT_GT(exact.std().item<double>(), 0.1);
  EXPECT_EQ(own.sizes(), exact.sizes());
  return {(own - exact).abs().mean().item<double>(), (plain - exact).abs().mean().item<double>()};
}

void expect_near(const GeneratorConfig& config, const FrameContext& x, const char* what) {
  const Distances d = distances(config, x);
  EXPECT_GT(d.torch, 0) << what;
  EXPECT_LE(d.engine, d.torch) << what;
}

class GeneratorEngineTest : public LevelTest {
 protected:
  void SetUp() override { torch::manual_seed(11); }
  torch::NoGradGuard guard_;
};

INSTANTIATE_TEST_SUITE_P(Levels, GeneratorEngineTest, every_level(), level_name);

TEST_P(GeneratorEngineTest, IsNearerToFloat32ThanTorchInBf16) {
  const GeneratorConfig config;
  // Widths of whole spans, of parts of one, and of several.
  for (const auto& [height, width] : {std::pair{64, 128}, {48, 80}, {16, 16}, {80, 528}}) {
    expect_near(config, random_context(config, 1, height, width, 1, 1), "both references");
  }
  expect_near(config, random_context(config, 1, 64, 128, 1, 0), "one reference");
  expect_near(config, random_context(config, 2, 64, 128, 0, 0), "none, a batch of two");
}

TEST_P(GeneratorEngineTest, TakesOtherSizes) {
  GeneratorConfig config;
  config.noise = 0;
  config.texture.channels = 0;
  config.channels_half = 18;
  config.channels_quarter = 22;
  config.channels_eighth = 26;
  config.channels_bottleneck = 60;
  config.blocks_half = 2;
  config.heads = 3;
  config.mlp_ratio = 3;
  expect_near(config, random_context(config, 1, 48, 80, 1, 1), "without noise and texture");
  config.noise = 1;
  config.texture.channels = 3;
  expect_near(config, random_context(config, 1, 48, 80, 1, 1), "three channels of texture");
}

TEST_P(GeneratorEngineTest, OtherNetworksAreGeneratedByTorch) {
  GeneratorConfig config;
  config.channels_bottleneck = 63;  // heads of 21 channels
  config.heads = 3;
  auto generator = loud_generator(config);
  generator->to(torch::kBFloat16);
  const auto x = random_context(config, 1, 32, 32, 1, 1);
  const auto before = generator->generate(x);
  generator->use_engine();
  EXPECT_TRUE(torch::equal(before, generator->generate(x)));
}

TEST_P(GeneratorEngineTest, DoesNotDependOnThreadsOrOnWhatWasGeneratedBefore) {
  const GeneratorConfig config;
  auto generator = loud_generator(config);
  generator->to(torch::kBFloat16);
  generator->use_engine();
  const auto x = random_context(config, 1, 80, 176, 1, 1);
  const auto first = generator->generate(x);
  const int threads = at::get_num_threads();
  for (const int count : {1, 2, 3}) {
    at::set_num_threads(count);
    generator->generate(random_context(config, 1, 80, 176, 1, 0));
    EXPECT_TRUE(torch::equal(first, generator->generate(x))) << count << " threads";
  }
  at::set_num_threads(threads);
  generator->generate(random_context(config, 1, 64, 64, 1, 1));
  EXPECT_TRUE(torch::equal(first, generator->generate(x)));
}

TEST_P(GeneratorEngineTest, GeneratesWhatTheOtherLevelsPaint) {
  const GeneratorConfig config;
  auto generator = loud_generator(config);
  const auto x = random_context(config, 1, 64, 144, 1, 1);
  const auto exact = generator->forward(x).frame.clamp(0, 1);
  const auto distance = [](const torch::Tensor& a, const torch::Tensor& b) {
    return (a - b).abs().mean().item<double>();
  };
  // From weights in single precision, as a CPU without bfloat16 has them.
  generator->use_engine();
  const auto own = generator->generate(x);
  generator->to(torch::kBFloat16);
  const double of_torch = distance(exact, generator->forward(x).frame.clamp(0, 1));
  EXPECT_LE(distance(own, exact), of_torch);
  generator->to(torch::kFloat32);
  for (const cpu::Level level : cpu::levels()) {
    const HeldToLevel other(level);
    auto second = loud_generator(config);
    const auto from = generator->named_parameters();
    for (auto& item : second->named_parameters()) item.value().copy_(from[item.key()]);
    second->use_engine();
    // Both are nearer to the truth than torch in bf16, so they are no farther from each other than
    // twice that.
    EXPECT_LE(distance(own, second->generate(x)), 2 * of_torch) << cpu::name_of(level);
  }
}

}  // namespace
}  // namespace semcodec
