// What the CPU's runners are made of, against the tensor operations that it stands for.

#include <gtest/gtest.h>

#include "models/generator/flow_geometry.h"
#include "models/generator/interpolator.h"
#include "models/generator/layers.h"
#include "models/generator/restorer.h"
#include "models/kernels/feature_maps.h"
#include "models/kernels/flow_between.h"
#include "models/kernels/fused_conv.h"
#include "models/kernels/motion_input.h"
#include "models/kernels/picture_sizes.h"
#include "models/kernels/restore_frame.h"
#include "tests/cpu/levels.h"

namespace semcodec {
namespace {

torch::Tensor last(const torch::Tensor& t) {
  return t.contiguous(torch::MemoryFormat::ChannelsLast);
}

float worst(const torch::Tensor& a, const torch::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return (a.to(torch::kFloat) - b.to(torch::kFloat)).abs().max().item<float>();
}

/// Of the largest value of `b`.
float relative(const torch::Tensor& a, const torch::Tensor& b) {
  return worst(a, b) / b.abs().max().item<float>();
}

class FeatureMaps : public testing::TestWithParam<torch::Dtype> {
 protected:
  void SetUp() override { torch::manual_seed(7); }
  torch::Tensor map(int channels, int height, int width) const {
    return last(torch::randn({1, channels, height, width})).to(GetParam());
  }
  /// Of one rounding to the type.
  float rounding() const { return GetParam() == torch::kFloat ? 1e-6F : 1.0F / 256; }
  torch::NoGradGuard guard_;
};

INSTANTIATE_TEST_SUITE_P(Types, FeatureMaps, testing::Values(torch::kFloat, torch::kBFloat16),
                         [](const auto& type) {
                           return type.param == torch::kFloat ? "float" : "bfloat16";
                         });

TEST_P(FeatureMaps, ConvolutionsAreThoseOfTorchAtEverySize) {
  if (GetParam() == torch::kBFloat16 && !onednn_has_bfloat16()) GTEST_SKIP() << kNoBfloat16;
  struct Case {
    int in, out, kernel, stride, groups;
  };
  for (const auto& c :
       {Case{30, 48, 3, 1, 1}, {24, 40, 3, 2, 1}, {16, 64, 1, 1, 1}, {32, 32, 3, 1, 32}}) {
    const auto weight =
        (torch::randn({c.out, c.in / c.groups, c.kernel, c.kernel}) * 0.1).to(GetParam());
    const auto bias = torch::randn({c.out}).to(GetParam());
    const FusedConv fused(weight, bias, c.stride, c.groups);
    // Of one size, of another, and of the first again.
    for (const auto& [h, w] : {std::pair{16, 32}, {8, 24}, {16, 32}}) {
      const auto x = map(c.in, h, w);
      const auto exact = torch::conv2d(x.to(torch::kFloat), weight.to(torch::kFloat),
                                       bias.to(torch::kFloat), c.stride, c.kernel / 2, 1, c.groups);
      const float limit = 2 * rounding();
      EXPECT_LT(relative(fused(x), exact), limit);
      EXPECT_LT(relative(fused(x, Activation::leaky_relu), torch::leaky_relu(exact, 0.2)), limit);
      EXPECT_LT(relative(fused(x, Activation::gelu), torch::gelu(exact, "tanh")), limit);
      auto sum = map(c.out, static_cast<int>(exact.size(2)), static_cast<int>(exact.size(3)));
      const auto expected = sum.to(torch::kFloat) + exact;
      fused.add_to(sum, x);
      EXPECT_LT(relative(sum, expected), limit);
      EXPECT_TRUE(sum.is_contiguous(torch::MemoryFormat::ChannelsLast));
    }
  }
}

TEST_P(FeatureMaps, ShufflesAddAndActivate) {
  for (const int channels : {4, 24, 32}) {
    const auto x = map(4 * channels, 6, 10), skip = map(channels, 12, 20);
    // What torch would have given pixel_shuffle: x holds the outputs of by_sub_pixel() weights.
    const auto order = by_sub_pixel(torch::arange(4 * channels));
    const auto plain = torch::empty_like(x).index_copy_(1, order, x);
    const auto sum = skip.to(torch::kFloat) + torch::pixel_shuffle(plain.to(torch::kFloat), 2);
    const auto both = add_shuffled(skip, x);
    EXPECT_LT(relative(both.sum, sum), rounding());
    EXPECT_LT(relative(both.active, activate(sum)), rounding());
    EXPECT_LT(relative(leaky(both.sum), activate(both.sum.to(torch::kFloat))), rounding());
    // From the activation of the skip, which is rounded once more.
    const auto again = add_shuffled_to_active(leaky(skip), x);
    EXPECT_LT(relative(again.sum, sum), 2 * rounding());
    EXPECT_TRUE(torch::equal(add_shuffled_active(leaky(skip), x), again.active));
    auto wide = map(channels + 8, 12, 20);
    const auto before = wide.clone();
    shuffle_into(x, wide, 3);
    EXPECT_TRUE(torch::equal(wide.narrow(1, 3, channels), torch::pixel_shuffle(plain, 2)));
    EXPECT_TRUE(torch::equal(wide.narrow(1, 0, 3), before.narrow(1, 0, 3)));
    EXPECT_TRUE(torch::equal(wide.narrow(1, channels + 3, 5), before.narrow(1, channels + 3, 5)));
  }
}

TEST_P(FeatureMaps, FoldsAsPixelUnshuffleDoes) {
  const auto picture = torch::rand({1, 3, 24, 40});
  for (const int factor : {1, 2, 4}) {
    auto to = map(3 * factor * factor + 7, 24 / factor, 40 / factor);
    const auto before = to.clone();
    fold_into(picture, factor, to, 2);
    EXPECT_TRUE(torch::equal(to.narrow(1, 2, 3 * factor * factor),
                             torch::pixel_unshuffle(picture, factor).to(GetParam())));
    EXPECT_TRUE(torch::equal(to.narrow(1, 0, 2), before.narrow(1, 0, 2)));
    clear_from(to, to.size(1) - 5);
    EXPECT_EQ(to.narrow(1, to.size(1) - 5, 5).abs().max().item<float>(), 0.0F);
  }
  auto small = map(3, 6, 10);
  EXPECT_ANY_THROW(fold_into(picture, 4, small, 0)) << "too few channels";
}

TEST_P(FeatureMaps, BlendsARestoredFrame) {
  const auto base = torch::rand({1, 3, 16, 32}), memory = torch::rand({1, 3, 16, 32});
  const auto heads = map(16, 8, 16);
  const auto order = by_sub_pixel(torch::arange(16));
  const auto full = torch::pixel_shuffle(torch::empty_like(heads).index_copy_(1, order, heads), 2)
                        .to(torch::kFloat);
  const auto restored = base + full.narrow(1, 0, 3);
  const auto share = torch::sigmoid(4 * full.narrow(1, 3, 1) - 2);
  EXPECT_LT(worst(blend_restored(heads, base, {}), restored.clamp(0, 1)), 1e-5F);
  EXPECT_LT(worst(blend_restored(heads, base, memory),
                  (restored + share * (memory - restored)).clamp(0, 1)),
            1e-5F);
}

TEST_P(FeatureMaps, MotionInputIsBothPicturesWarpedTheirFlowsAndTheTimes) {
  const auto a = torch::rand({1, 12, 8, 16}), b = torch::rand({1, 12, 8, 16});
  auto to_a = torch::randn({1, 2, 8, 16}) * 20;  // beyond the border too
  const auto to_b = torch::randn({1, 2, 8, 16}) * 20;
  const auto input = motion_input(a, b, to_a, to_b, 0.25F, 0.5F, GetParam());
  EXPECT_EQ(input.scalar_type(), GetParam());
  EXPECT_LT(worst(input.narrow(1, 0, 12), warp(a, to_a)), rounding());
  EXPECT_LT(worst(input.narrow(1, 12, 12), warp(b, to_b)), rounding());
  EXPECT_LT(relative(input.narrow(1, 24, 2), to_a / 16), rounding());
  EXPECT_LT(relative(input.narrow(1, 26, 2), to_b / 16), rounding());
  EXPECT_EQ(worst(input.narrow(1, 28, 1), torch::full({1, 1, 8, 16}, 0.25)), 0);
  EXPECT_EQ(worst(input.narrow(1, 29, 1), torch::full({1, 1, 8, 16}, 0.5)), 0);
  EXPECT_EQ(input.narrow(1, 30, 2).abs().max().item<float>(), 0);
  to_a.fill_(NAN);
  EXPECT_TRUE(
      torch::isfinite(motion_input(a, b, to_a, to_b, 0.25F, 0.5F, GetParam()).narrow(1, 0, 24))
          .all()
          .item<bool>());
}

TEST(FlowsOfMoment, EqualTheTensorOperations) {
  torch::manual_seed(8);
  const torch::NoGradGuard guard;
  for (const double size : {0.0, 3.0, 40.0}) {
    const auto later = torch::randn({1, 2, 16, 24}) * size,
               earlier = -later + torch::randn_like(later);
    const auto own = flows_of_moment(later, earlier, 0.3F, kFlowScale);
    // Pairs of pictures go the way of the tensor operations.
    const auto both =
        between(torch::cat({later, later}), torch::cat({earlier, earlier}), torch::full({2}, 0.3F));
    EXPECT_LT(worst(own.first, both.first.narrow(0, 0, 1)), 1e-3F);
    EXPECT_LT(worst(own.second, both.second.narrow(0, 0, 1)), 1e-3F);
  }
}

TEST(PictureSizes, EqualTheOperatorsOfTorch) {
  torch::manual_seed(9);
  const torch::NoGradGuard guard;
  for (const auto& [h, w] : {std::pair{18, 32}, {35, 61}, {64, 128}}) {
    const auto picture = torch::rand({1, 3, h, w});
    const auto twice = torch::cat({picture, picture});  // goes by torch's operator
    EXPECT_LT(worst(raise_base(picture, 64, 128), raise_base(twice, 64, 128).narrow(0, 0, 1)),
              1e-5F);
  }
  const auto picture = torch::rand({1, 3, 12, 20});
  EXPECT_LT(worst(halve(picture), torch::avg_pool2d(picture, 2)), 1e-6F);
  EXPECT_LT(worst(small_picture(picture), torch::pixel_unshuffle(torch::avg_pool2d(picture, 2), 2)),
            1e-6F);
}

}  // namespace
}  // namespace semcodec
