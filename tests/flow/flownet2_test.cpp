// FlowNet2: the published size and names, shapes on odd sizes, files, and, with the shipped
// weights, that it finds a known motion.

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <filesystem>

#include "common/core/error.h"
#include "models/core/weights_path.h"
#include "models/flownet2/flow_estimator.h"
#include "models/kernels/resample.h"

namespace semcodec {
namespace {

std::int64_t parameter_count(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const auto& p : module.parameters()) count += p.numel();
  return count;
}

FlowNet2Options slim(FlowNet2Variant variant = FlowNet2Variant::full) {
  return {.variant = variant, .width = 0.125, .max_displacement = 8};
}

TEST(FlowNet2, HasThePublishedSizeAndNames) {
  const FlowNet2 net(FlowNet2Options{});
  EXPECT_EQ(parameter_count(*net), 162518834);
  const auto parameters = net->named_parameters();
  const auto shape = [&](const std::string& name) { return parameters[name].sizes().vec(); };
  using Shape = std::vector<std::int64_t>;
  EXPECT_EQ(shape("flownetc.conv1.0.weight"), (Shape{64, 3, 7, 7}));
  EXPECT_EQ(shape("flownetc.conv3_1.0.weight"), (Shape{256, 473, 3, 3}));
  EXPECT_EQ(shape("flownetc.upsampled_flow6_to_5.bias"), (Shape{2}));
  EXPECT_EQ(shape("flownets_1.conv1.0.weight"), (Shape{64, 12, 7, 7}));
  EXPECT_EQ(shape("flownets_2.deconv4.0.weight"), (Shape{1026, 256, 4, 4}));
  EXPECT_FALSE(parameters.contains("flownets_2.upsampled_flow6_to_5.bias"));
  EXPECT_EQ(shape("flownets_d.inter_conv5.0.weight"), (Shape{512, 1026, 3, 3}));
  EXPECT_EQ(shape("flownetfusion.predict_flow0.weight"), (Shape{2, 16, 3, 3}));
}

TEST(FlowNet2, TakesAnySizeInEveryVariant) {
  torch::manual_seed(7);
  const torch::NoGradGuard no_grad;
  for (const auto variant : {FlowNet2Variant::full, FlowNet2Variant::css, FlowNet2Variant::cs,
                             FlowNet2Variant::c, FlowNet2Variant::s, FlowNet2Variant::sd}) {
    FlowNet2 net(slim(variant));
    const auto a = torch::rand({2, 3, 70, 97}), b = torch::rand({2, 3, 70, 97});
    const auto flow = net->forward(a, b);
    EXPECT_EQ(flow.sizes().vec(), (std::vector<std::int64_t>{2, 2, 70, 97})) << to_text(variant);
    EXPECT_TRUE(torch::isfinite(flow).all().item<bool>());
    EXPECT_EQ(net->forward_reduced(a, b, 2).sizes().vec(),
              (std::vector<std::int64_t>{2, 2, 35, 49}));
    EXPECT_EQ(net->forward_reduced(a, b, 4).sizes().vec(),
              (std::vector<std::int64_t>{2, 2, 18, 25}));
  }
  FlowNet2 net(slim());
  EXPECT_EQ(net->forward(torch::rand({1, 3, 1, 1}), torch::rand({1, 3, 1, 1})).numel(), 2);
}

TEST(FlowNet2, EveryParameterLearns) {
  torch::manual_seed(8);
  FlowNet2 net(slim());
  const auto a = torch::rand({1, 3, 128, 128}), b = torch::rand({1, 3, 128, 128});
  const auto output = net->forward_training(a, b, false);
  ASSERT_EQ(output.members.size(), 5U);
  auto loss = torch::zeros({});
  for (const auto& member : output.members)
    for (const auto& level : member.pyramid) loss = loss + (level - 0.3).square().mean();
  loss.backward();
  for (const auto& item : net->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().sum().item<double>(), 0.0) << item.key();
  }
}

TEST(FlowNet2, MembersAreCutApartWhenAskedTo) {
  torch::manual_seed(9);
  FlowNet2 net(slim());
  const auto a = torch::rand({1, 3, 64, 64}), b = torch::rand({1, 3, 64, 64});
  net->forward_training(a, b, true).flow.sum().backward();
  for (const auto& item : net->named_parameters())
    EXPECT_EQ(item.value().grad().defined(), item.key().starts_with("flownetfusion."))
        << item.key();
}

TEST(FlowNet2, RefusesOptionsOutOfRange) {
  EXPECT_THROW(FlowNet2(FlowNet2Options{.width = 0.0}), Error);
  EXPECT_THROW(FlowNet2((FlowNet2Options{.width = 0.125, .max_displacement = 7})), Error);
  EXPECT_THROW(flownet2_variant_from_text("csss"), Error);
}

TEST(FlowEstimator, ReadsBackWhatWasExported) {
  torch::manual_seed(10);
  const std::string path =
      (std::filesystem::temp_directory_path() / "semcodec_flow_estimator_test.safetensors")
          .string();
  FlowNet2 net(slim());
  save_safetensors(path, state_of(*net), flow_metadata(slim(), 2));
  FlowEstimator estimator(path, torch::kCPU, torch::kFloat);
  EXPECT_EQ(estimator.options(), slim());
  EXPECT_EQ(estimator.input_scale(), 2);
  const auto a = torch::rand({1, 3, 75, 101}), b = torch::rand({1, 3, 75, 101});
  FlowEstimator same(net, 2, torch::kCPU, torch::kFloat);
  EXPECT_TRUE(torch::allclose(estimator.flow(a, b), same.flow(a, b), 1e-4, 1e-4));
  EXPECT_EQ(estimator.flow(a, b).sizes().vec(), (std::vector<std::int64_t>{1, 2, 75, 101}));
  EXPECT_EQ(estimator.flow_quarter(a, b).sizes().vec(), (std::vector<std::int64_t>{1, 2, 19, 26}));

  auto metadata = flow_metadata(slim(), 2);
  metadata["width"] = "1e9";
  save_safetensors(path, state_of(*net), metadata);
  EXPECT_THROW(FlowEstimator(path, torch::kCPU, torch::kFloat), Error);
  std::filesystem::remove(path);
}

// A smooth random picture, so that a shift by whole pixels is the only explanation.
torch::Tensor texture(std::int64_t height, std::int64_t width) {
  auto sum = torch::zeros({1, 3, height, width});
  for (const std::int64_t cells : {6, 12, 24, 48, 96}) {
    const auto noise = torch::randn({1, 3, cells, cells});
    sum += torch::upsample_bicubic2d(noise, {height, width}, false) / std::sqrt(double(cells));
  }
  return (sum * 0.4 + 0.5).clamp(0, 1);
}

TEST(FlowEstimator, ShippedWeightsFindATranslation) {
  const auto path = find_project_file("models/zoo/default/flow.safetensors");
  if (!path)
    GTEST_SKIP() << "models/zoo/default/flow.safetensors is not there; train it with "
                    "semcodec-train (docs/training.md) or check the project out completely";
  torch::manual_seed(11);
  FlowEstimator estimator(*path, torch::kCPU, torch::kFloat);
  const auto big = texture(320, 576);
  const auto crop = [&](int dx, int dy) {
    return big.slice(2, 32 + dy, 32 + dy + 256).slice(3, 32 + dx, 32 + dx + 512);
  };
  for (const auto& [dx, dy] : {std::pair{0, 0}, {3, -2}, {-8, 4}, {12, 6}}) {
    // image0(x) = big(x + 32), image1(x) = big(x + 32 + d), so the flow is −d.
    const auto flow = estimator.flow(crop(0, 0), crop(dx, dy));
    const auto inner = flow.slice(2, 32, 224).slice(3, 32, 480);
    const auto u = inner.select(1, 0) + dx, v = inner.select(1, 1) + dy;
    const double error = (u.square() + v.square()).sqrt().mean().item<double>();
    // Made to catch a wrong sign, unit or scale; the slim network measures at most .17 |d| here.
    EXPECT_LT(error, 0.6 + 0.125 * std::hypot(dx, dy)) << dx << ", " << dy;
  }
}

}  // namespace
}  // namespace semcodec
