// LPIPS and the feature networks: shapes, symmetry, gradients, and how they react to blur.

#include "models/vgg/feature_net.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "common/core/error.h"
#include "models/core/safetensors.h"
#include "models/core/weights_path.h"
#include "models/lpips/lpips.h"
#include "models/lpips/squeezenet.h"
#include "models/lpips/unit_distance.h"
#include "models/vgg/vgg19.h"

namespace semcodec {
namespace {

torch::Tensor smooth_picture() {
  torch::manual_seed(3);
  const torch::Tensor coarse = torch::rand({1, 3, 8, 10});
  return torch::upsample_bicubic2d(coarse, {64, 80}, false).clamp(0, 1);
}

torch::Tensor blurred(const torch::Tensor& picture) {
  return torch::avg_pool2d(torch::replication_pad2d(picture, {3, 3, 3, 3}), 7, 1);
}

TEST(SqueezeNetShapes, SevenTapsAtTheirSizes) {
  SqueezeNet net;
  const torch::NoGradGuard no_grad;
  const auto taps = net->forward(torch::rand({2, 3, 64, 80}));
  ASSERT_EQ(taps.size(), 7U);
  // conv: floor((64 - 3) / 2) + 1 = 31; pools round up: 15, 7, 3.
  const std::int64_t heights[7] = {31, 15, 7, 3, 3, 3, 3};
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(taps[i].size(1), kSqueezeNetTaps[i]);
    EXPECT_EQ(taps[i].size(2), heights[i]);
  }
}

TEST(UnitDistance, KernelEqualsTorchsSteps) {
  torch::manual_seed(3);
  const auto head = torch::rand({1, 24, 1, 1});
  const auto plain = [&](const torch::Tensor& x, const torch::Tensor& y) {
    const auto unit = [](const torch::Tensor& f) { return f / f.norm(2, 1, true).add(1e-10); };
    return ((unit(x) - unit(y)).square() * head).sum(1).mean({1, 2});
  };
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    const double near = type == torch::kFloat32 ? 1e-5 : 1e-2;
    const auto make = [&] {
      return torch::randn({2, 24, 7, 9}).to(type).contiguous(torch::MemoryFormat::ChannelsLast);
    };
    const auto x = make().requires_grad_(true), y = make();
    const auto exact = x.detach().to(torch::kFloat64).requires_grad_(true);
    const auto got = unit_distance(x, y, head), want = plain(exact, y.to(torch::kFloat64));
    EXPECT_EQ(got.scalar_type(), torch::kFloat32);
    EXPECT_TRUE(torch::allclose(got.to(torch::kFloat64), want, near)) << got << want;
    const auto weight = torch::tensor({1.0, -3.0});
    (got * weight).sum().backward();
    (want * weight).sum().backward();
    const auto error = (x.grad().to(torch::kFloat64) - exact.grad()).abs().max().item<double>();
    EXPECT_LT(error, near * exact.grad().abs().max().item<double>());
    // Where only torch's steps can help: another layout, and a gradient for both.
    const auto both = make().contiguous().requires_grad_(true);
    EXPECT_TRUE(torch::allclose(unit_distance(x.detach(), both, head).to(torch::kFloat32),
                                unit_distance(both.detach(), x.detach(), head), 0.05, 0.01));
  }
}

TEST(UnitDistance, NothingHasNoGradient) {
  const auto zero = torch::zeros({1, 8, 4, 4}).contiguous(torch::MemoryFormat::ChannelsLast);
  const auto x = zero.clone().requires_grad_(true);
  const auto distance = unit_distance(x, zero, torch::ones({1, 8, 1, 1}));
  EXPECT_EQ(distance.item<float>(), 0);
  distance.sum().backward();
  EXPECT_TRUE(x.grad().isfinite().all().item<bool>());
}

TEST(Lpips, IsADistanceAndGrowsWithBlur) {
  auto lpips = Lpips::find();
  if (!lpips) GTEST_SKIP() << missing_weights("lpips-squeeze");
  const torch::Tensor a = smooth_picture();
  const torch::Tensor noisy = (a + 0.05 * torch::randn_like(a)).clamp(0, 1);
  EXPECT_EQ(lpips->forward(a, a).item<float>(), 0);
  const double there = lpips->forward(a, noisy).item<double>();
  EXPECT_NEAR(there, lpips->forward(noisy, a).item<double>(), 1e-6);
  EXPECT_GT(there, 0.01);
  EXPECT_LT(lpips->forward(a, (a + noisy) / 2).item<double>(), there);
  EXPECT_EQ(lpips->forward(torch::cat({a, a}), torch::cat({a, noisy})).size(0), 2);
  EXPECT_THROW(lpips->forward(a, a.narrow(2, 0, 40)), Error);
  EXPECT_THROW(lpips->forward(a.narrow(2, 0, 16), a.narrow(2, 0, 16)), Error);
}

TEST(Lpips, GradientsAreFiniteAlsoWhereNothingDiffers) {
  auto lpips = Lpips::find();
  if (!lpips) GTEST_SKIP() << missing_weights("lpips-squeeze");
  for (const bool flat : {false, true}) {
    const torch::Tensor target = flat ? torch::zeros({1, 3, 64, 80}) : smooth_picture();
    torch::Tensor picture = (flat ? target : blurred(target)).clone().requires_grad_();
    lpips->forward(picture, target).sum().backward();
    EXPECT_TRUE(torch::isfinite(picture.grad()).all().item<bool>());
    if (!flat) {
      EXPECT_GT(picture.grad().abs().sum().item<double>(), 0);
    }
  }
}

class FeatureNets : public ::testing::TestWithParam<const char*> {};

TEST_P(FeatureNets, TapsWeightsAndGradients) {
  const std::string kind = GetParam();
  auto path = find_weights(kind);
  const std::string made = (std::filesystem::temp_directory_path() /
                            ("semcodec-vgg19-" + std::to_string(::getpid()) + ".safetensors"))
                               .string();
  if (!path && kind == "vgg19") {
    // torchvision's file is large and nobody's duty to have: its shape is tested with random
    // weights, as large as keep the activations' size.
    torch::manual_seed(11);
    TensorMap state = state_of(*Vgg19());
    for (auto& [name, tensor] : state) tensor = tensor.detach() * (tensor.dim() == 4 ? 2.4 : 1.0);
    save_safetensors(made, state);
    path = made;
  }
  if (!path) GTEST_SKIP() << missing_weights(kind);
  const auto net = load_feature_net(kind, *path);
  std::filesystem::remove(made);
  EXPECT_EQ(net->name(), kind);
  const torch::Tensor target = smooth_picture();
  const auto taps = net->features(target);
  ASSERT_EQ(taps.size(), net->tap_weights().size());
  for (std::size_t i = 1; i < taps.size(); ++i) {
    EXPECT_GE(taps[i].size(1), taps[i - 1].size(1));
    EXPECT_LE(taps[i].size(2), taps[i - 1].size(2));
  }
  if (kind.starts_with("vgg19")) {
    const std::int64_t channels[5] = {64, 128, 256, 512, 512};
    for (std::size_t i = 0; i < taps.size(); ++i) {
      EXPECT_EQ(taps[i].size(1), channels[i]);
      EXPECT_EQ(taps[i].size(2), 64 >> i);
    }
  }
  EXPECT_EQ(perceptual_l1(*net, target, target).item<double>(), 0);
  torch::Tensor picture = blurred(target).requires_grad_();
  const torch::Tensor loss = perceptual_l1(*net, picture, target);
  loss.backward();
  EXPECT_GT(loss.item<double>(), 0.001);
  EXPECT_LT(loss.item<double>(), 10);
  EXPECT_TRUE(torch::isfinite(picture.grad()).all().item<bool>());
  EXPECT_GT(picture.grad().abs().sum().item<double>(), 0);
  // Half-way to the target must look more alike.
  EXPECT_LT(perceptual_l1(*net, (picture + target) / 2, target).item<double>(),
            loss.item<double>());
}

INSTANTIATE_TEST_SUITE_P(Kinds, FeatureNets,
                         ::testing::Values("vgg19", "vgg19-distilled", "vgg19-normalised",
                                           "squeezenet1_1"),
                         [](const auto& given) {
                           std::string name = given.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(FeatureNet, UnknownKindsAndForeignFilesAreRefused) {
  EXPECT_THROW(load_feature_net("resnet", "nowhere"), Error);
  const auto path = find_weights("squeezenet1_1");
  if (!path) GTEST_SKIP() << missing_weights("squeezenet1_1");
  EXPECT_THROW(load_feature_net("vgg19", *path), Error);
}

}  // namespace
}  // namespace semcodec
