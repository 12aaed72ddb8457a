// The restorer and the interpolator as they run on the CPU, against the modules that train.

#include <gtest/gtest.h>

#include <cmath>

#include "models/core/device.h"
#include "models/generator/interpolator_runner.h"
#include "models/generator/restorer_runner.h"
#include "models/kernels/generate_frame.h"
#include "tests/cpu/levels.h"

namespace semcodec {
namespace {

/// A network in which every part is heard.
template <typename Net>
void make_loud(Net& net) {
  for (auto& value : net->parameters()) {
    const double size = value.dim() > 1 ? 0.9 / std::sqrt(double(value[0].numel())) : 0.1;
    value.normal_(0, size);
  }
}

RestorerInput random_input(int height, int width, bool neighbours) {
  RestorerInput x;
  x.base = torch::rand({1, 3, height, width});
  RestorerFacts facts;
  facts.has_memory = facts.has_a = facts.has_b = neighbours;
  x.memory = neighbours ? torch::rand_like(x.base) : torch::zeros_like(x.base);
  x.near_a = torch::zeros({1, 3, height / 2, width / 2});
  x.near_b = neighbours ? torch::rand_like(x.near_a) : x.near_a;
  if (neighbours) x.near_a = torch::rand_like(x.near_a);
  x.edges = torch::rand({1, 1, height / 2, width / 2});
  x.scalars = restorer_scalars(facts);
  return x;
}

double psnr(const torch::Tensor& a, const torch::Tensor& b, double peak) {
  const auto error = (a.to(torch::kDouble) - b.to(torch::kDouble)).square().mean().item<double>();
  return 10 * std::log10(peak * peak / error);
}

class Runner : public testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(11); }
  torch::NoGradGuard guard_;
};

TEST_F(Runner, RestoresAsTheModuleDoesInFloat) {
  Restorer net{RestorerConfig{}};
  make_loud(net);
  const RestorerRunner runner(*net);
  for (const auto& [height, width] : {std::pair{32, 64}, {48, 80}, {16, 16}}) {
    for (const bool neighbours : {false, true}) {
      const auto x = random_input(height, width, neighbours);
      const auto frame = net->generate(x);
      EXPECT_GT(frame.std().item<float>(), 0.1F);
      EXPECT_LT((runner.run(x) - frame).abs().max().item<float>(), 2e-4F);
    }
  }
}

TEST_F(Runner, WhatIsUndefinedIsZero) {
  Restorer net{RestorerConfig{}};
  make_loud(net);
  const RestorerRunner runner(*net);
  auto x = random_input(32, 64, false);
  x.edges.zero_();
  const auto frame = runner.run(x);
  x.memory = x.near_a = x.near_b = x.edges = torch::Tensor();
  EXPECT_TRUE(torch::equal(runner.run(x), frame));
}

TEST_F(Runner, RestoresInBfloat16AsNearToFloatAsTheModule) {
  if (!onednn_has_bfloat16()) GTEST_SKIP() << kNoBfloat16;
  Restorer net{RestorerConfig{}};
  make_loud(net);
  const auto x = random_input(64, 128, true);
  const auto exact = net->generate(x);
  net->to(torch::kBFloat16);
  to_channels_last(*net);
  const auto plain = net->generate(x);
  net->use_runner();
  const auto own = net->generate(x);
  EXPECT_FALSE(torch::equal(own, plain)) << "the same code ran twice";
  EXPECT_GT(psnr(own, exact, 1), 35);
  EXPECT_GT(psnr(own, exact, 1), psnr(plain, exact, 1) - 1);
}

TEST_F(Runner, InterpolatesAsTheModuleDoes) {
  InterpolatorConfig other;
  other.channels_motion = 18;
  other.channels_half = 14;
  other.channels_quarter = 22;
  for (const auto& config : {InterpolatorConfig{}, other}) {
    for (const auto& [height, width] : {std::pair{64, 128}, {16, 16}, {48, 80}}) {
      Interpolator net(config);
      make_loud(net);
      InterpolatorInput x;
      x.picture_a = torch::rand({1, 3, height, width});
      x.picture_b = torch::rand({1, 3, height, width});
      x.small_a = small_picture(x.picture_a);
      x.small_b = small_picture(x.picture_b);
      x.pixels_a = to_pixels(x.picture_a);
      x.pixels_b = to_pixels(x.picture_b);
      x.flow_a = torch::randn({1, 2, height / 4, width / 4}) * 5;
      x.flow_b = torch::randn({1, 2, height / 4, width / 4}) * 5;
      x.tau = torch::full({1}, 0.3);
      x.interval = torch::full({1}, 0.4);
      const auto exact = to_bytes(net->forward(x).frame);
      const auto single = InterpolatorRunner(*net).run(x);
      EXPECT_LE((single.to(torch::kInt) - exact.to(torch::kInt)).abs().max().item<int>(), 1);
      if (!onednn_has_bfloat16()) continue;
      net->to(torch::kBFloat16);
      to_channels_last(*net);
      const auto plain = net->generator_bytes(x);
      net->use_runner();
      const auto own = net->generator_bytes(x);
      EXPECT_GT(psnr(own, exact, 255), psnr(plain, exact, 255) - 1);
      EXPECT_GT(psnr(own, exact, 255), 25);
    }
  }
}

}  // namespace
}  // namespace semcodec
