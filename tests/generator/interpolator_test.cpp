// Frames between coded frames: the blend, learning, and the fused CPU kernels against the tensor
// operations that they stand for.

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/core/device.h"
#include "models/generator/flow_geometry.h"
#include "models/generator/interpolator.h"
#include "models/generator/interpolator_engine.h"
#include "models/kernels/generate_frame.h"
#include "tests/cpu/levels.h"

namespace semcodec {
namespace {

InterpolatorInput random_interpolated(int n, int height, int width) {
  InterpolatorInput context;
  context.picture_a = torch::rand({n, 3, height, width});
  context.picture_b = torch::rand({n, 3, height, width});
  context.small_a = small_picture(context.picture_a);
  context.small_b = small_picture(context.picture_b);
  context.flow_a = torch::randn({n, 2, height / 4, width / 4}) * 5;
  context.flow_b = torch::randn({n, 2, height / 4, width / 4}) * 5;
  context.tau = torch::full({n}, 0.3);
  context.interval = torch::full({n}, 0.4);
  return context;
}

TEST(Interpolator, EqualStillPicturesStayWhatTheyAre) {
  torch::manual_seed(1);
  const torch::NoGradGuard guard;
  Interpolator net{InterpolatorConfig{}};
  auto context = random_interpolated(1, 64, 96);
  context.picture_a = context.picture_b = torch::full({1, 3, 64, 96}, 0.6);
  const auto out = net->forward(context);
  // An untrained network adds little; a flat picture is flat along every motion.
  EXPECT_LT((out.frame - 0.6).abs().max().item<float>(), 0.05F);
  EXPECT_LT((out.warped_a - 0.6).abs().max().item<float>(), 1e-5F);
}

TEST(Interpolator, EveryParameterLearns) {
  torch::manual_seed(2);
  Interpolator net{InterpolatorConfig{}};
  const auto out = net->forward(random_interpolated(2, 64, 64));
  (out.frame * torch::rand_like(out.frame)).sum().backward();
  for (const auto& item : net->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().max().item<float>(), 0.0F) << item.key();
  }
}

TEST(Interpolator, FusedGenerationEqualsTheTensorOperations) {
  torch::manual_seed(3);
  const torch::NoGradGuard guard;
  Interpolator net{InterpolatorConfig{}};
  for (const auto& [height, width] : {std::pair{64, 96}, {16, 16}, {80, 176}}) {
    auto context = random_interpolated(1, height, width);
    const auto plain = net->generator_bytes(context);
    context.pixels_a = to_pixels(context.picture_a);
    context.pixels_b = to_pixels(context.picture_b);
    const auto fused = net->generator_bytes(context);
    ASSERT_EQ(fused.sizes(), at::IntArrayRef({height, width, 3}));
    // The same formula in another order of additions: a byte may round the other way.
    EXPECT_LE((fused.to(torch::kInt) - plain.to(torch::kInt)).abs().max().item<int>(), 1);
  }
}

/// A network in which every part is heard, in bf16.
Interpolator loud_interpolator(const InterpolatorConfig& config) {
  Interpolator net(config);
  for (auto& value : net->parameters()) {
    const double size = value.dim() > 1 ? 0.9 / std::sqrt(double(value[0].numel())) : 0.1;
    value.normal_(0, size);
  }
  net->to(torch::kBFloat16);
  to_channels_last(*net);
  return net;
}

class InterpolatorEngineTest : public LevelTest {
 protected:
  void SetUp() override { torch::manual_seed(5); }
  torch::NoGradGuard guard_;
};

INSTANTIATE_TEST_SUITE_P(Levels, InterpolatorEngineTest, every_level(), level_name);

TEST_P(InterpolatorEngineTest, IsAsNearToFloat32AsTorchInBf16) {
  InterpolatorConfig odd_sizes;
  odd_sizes.channels_motion = 18;
  odd_sizes.channels_half = 14;
  odd_sizes.channels_quarter = 22;
  for (const auto& config : {InterpolatorConfig{}, odd_sizes}) {
    // Widths of whole spans, of parts of one, and of several.
    for (const auto& [height, width] : {std::pair{64, 128}, {48, 80}, {16, 16}, {80, 528}}) {
      SCOPED_TRACE(std::to_string(width) + "x" + std::to_string(height));
      auto net = loud_interpolator(config);
      auto context = random_interpolated(1, height, width);
      context.pixels_a = to_pixels(context.picture_a);
      context.pixels_b = to_pixels(context.picture_b);
      const auto plain = net->generator_bytes(context).to(torch::kFloat);
      net->use_engine();
      const auto own = net->generator_bytes(context).to(torch::kFloat);
      net->to(torch::kFloat32);
      const auto exact = to_bytes(net->forward(context).frame).to(torch::kFloat);
      EXPECT_GT(exact.std().item<float>(), 10);
      EXPECT_GT((plain - exact).abs().mean().item<float>(), 0);
      // Both round the same maps to bf16, torch some more of them; in small pictures chance decides
      // by a tenth.
      EXPECT_LE((own - exact).abs().mean().item<float>(),
                1.2F * (plain - exact).abs().mean().item<float>());
    }
  }
}

TEST_P(InterpolatorEngineTest, DoesNotDependOnThreadsOrOnWhatWasGeneratedBefore) {
  auto net = loud_interpolator({});
  net->use_engine();
  const auto make = [](int height, int width) {
    auto context = random_interpolated(1, height, width);
    context.pixels_a = to_pixels(context.picture_a);
    context.pixels_b = to_pixels(context.picture_b);
    return context;
  };
  const auto context = make(80, 176);
  const auto first = net->generator_bytes(context);
  const int threads = at::get_num_threads();
  for (const int count : {1, 2, 3}) {
    at::set_num_threads(count);
    net->generator_bytes(make(80, 176));
    EXPECT_TRUE(torch::equal(first, net->generator_bytes(context))) << count << " threads";
  }
  at::set_num_threads(threads);
  net->generator_bytes(make(64, 64));
  EXPECT_TRUE(torch::equal(first, net->generator_bytes(context)));
}

TEST(GenerateFrame, PairPlanesHoldWhatFoldedTensorsHold) {
  torch::manual_seed(6);
  const auto pixels = to_pixels(torch::rand({1, 3, 32, 64}));
  const auto flow = torch::randn({1, 2, 8, 16}) * 3;
  auto folded =
      torch::empty({1, 24, 16, 32},
                   torch::dtype(torch::kBFloat16).memory_format(at::MemoryFormat::ChannelsLast));
  std::vector<std::uint32_t> words(12 * 16 * 32);
  for (int i = 0; i < 2; ++i) {
    const auto a = warp_folded(pixels, flow, folded, 12 * i);
    const auto b = warp_folded(pixels, flow, FoldedPairs{words.data() + 6 * i * 512, 512, 32});
    EXPECT_TRUE(torch::equal(a, b));
  }
  const auto* values = folded.const_data_ptr<c10::BFloat16>();
  for (std::size_t cell = 0; cell < 512; ++cell) {
    for (std::size_t c = 0; c < 24; ++c) {
      const std::uint32_t word = words[c / 2 * 512 + cell];
      ASSERT_EQ(c % 2 == 0 ? word & 0xffffU : word >> 16, values[cell * 24 + c].x);
    }
  }
  EXPECT_TRUE(
      torch::equal(blend_to_bytes(folded, pixels, pixels, 0.3F),
                   blend_to_bytes(ConstFoldedPairs{words.data(), 512, 32}, pixels, pixels, 0.3F)));
}

TEST(GenerateFrame, WarpEqualsWarpAndFoldsAsPixelUnshuffleDoes) {
  torch::manual_seed(4);
  const auto picture = torch::rand({1, 3, 32, 64});
  auto flow = torch::randn({1, 2, 8, 16}) * 30;  // far beyond the border too
  auto folded = torch::empty({1, 20, 16, 32},
                             torch::TensorOptions().memory_format(at::MemoryFormat::ChannelsLast));
  folded.fill_(-1);
  const auto warped = warp_folded(to_pixels(picture), flow, folded, 4);
  const auto expected = warp(picture, flow);
  EXPECT_LT((warped.narrow(2, 0, 3).permute({2, 0, 1}) - expected[0]).abs().max().item<float>(),
            1e-4F);
  EXPECT_LT(
      (folded.narrow(1, 4, 12) - torch::pixel_unshuffle(expected, 2)).abs().max().item<float>(),
      1e-4F);
  EXPECT_EQ(folded.narrow(1, 0, 4).max().item<float>(), -1.0F) << "other channels are untouched";
  flow.fill_(NAN);
  EXPECT_TRUE(torch::isfinite(warp_folded(to_pixels(picture), flow, folded, 0)).all().item<bool>());
}

TEST(GenerateFrame, OtherShapesAreRefused) {
  const auto pixels = to_pixels(torch::rand({1, 3, 32, 64}));
  auto folded = torch::empty({1, 12, 16, 32});  // not channels_last
  EXPECT_ANY_THROW(warp_folded(pixels, torch::zeros({1, 2, 8, 16}), folded, 0));
  EXPECT_ANY_THROW(blend_to_bytes(torch::empty({1, 23, 16, 32}), pixels, pixels, 0.5F));
}

}  // namespace
}  // namespace semcodec
