// The networks of models/baselines: shapes, gradients, published sizes, files.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "common/core/error.h"
#include "models/baselines/baseline.h"
#include "models/baselines/baseline_cost.h"
#include "models/baselines/fast_vid2vid.h"
#include "models/baselines/pix2pixhd.h"
#include "models/baselines/xdog.h"
#include "models/core/safetensors.h"

namespace semcodec {
namespace {

namespace fs = std::filesystem;

constexpr int kWidth = 64, kHeight = 32;

BaselineConfig small(const std::string& kind) {
  auto config = published_baseline(kind);
  config.channels = 8;
  config.downsamplings = 2;
  config.blocks = 2;
  config.condition = "planes";
  return config;
}

class EachKind : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { torch::manual_seed(3); }
};

TEST_P(EachKind, GivesFramesOfTheirConditionsSize) {
  auto net = make_baseline(small(GetParam()));
  BaselineSequence sequence(net);
  const auto condition = torch::rand({2, 4, kHeight, kWidth});
  const auto first = sequence.next(condition), second = sequence.next(condition);
  for (const auto* out : {&first, &second}) {
    EXPECT_EQ(out->frame.sizes(), at::IntArrayRef({2, 3, kHeight, kWidth}));
    EXPECT_EQ(out->raw.sizes(), out->frame.sizes());
    EXPECT_GE(out->frame.min().item<float>(), 0.0F);
    EXPECT_LE(out->frame.max().item<float>(), 1.0F);
  }
  EXPECT_TRUE(torch::equal(first.frame, first.raw)) << "there is nothing yet to be warped";
  EXPECT_FALSE(first.flow.defined());
  ASSERT_EQ(second.flow.defined(), net->temporal());
  if (!net->temporal()) return;
  EXPECT_EQ(second.flow.sizes(), at::IntArrayRef({2, 2, kHeight, kWidth}));
  EXPECT_EQ(second.weight.sizes(), at::IntArrayRef({2, 1, kHeight, kWidth}));
  EXPECT_FALSE(torch::equal(second.frame, second.raw));
  sequence.restart();
  EXPECT_TRUE(torch::equal(sequence.next(condition).frame, first.frame)) << "a scene begins anew";
}

TEST_P(EachKind, EveryParameterGetsAFiniteGradient) {
  auto config = small(GetParam());
  config.enhancer = GetParam() == "pix2pixHD";
  auto net = make_baseline(config);
  BaselineSequence sequence(net);
  torch::Tensor loss;
  for (int i = 0; i < 3; ++i) {
    const auto out = sequence.next(torch::rand({1, 4, kHeight, kWidth}));
    const auto term = (out.frame - 0.3).square().mean();
    loss = loss.defined() ? loss + term : term;
  }
  loss.backward();
  for (const auto& item : net->named_parameters()) {
    const auto& gradient = item.value().grad();
    ASSERT_TRUE(gradient.defined()) << item.key();
    EXPECT_TRUE(torch::isfinite(gradient).all().item<bool>()) << item.key();
    // A bias in front of a normalisation is subtracted again; all weights move something.
    if (item.value().dim() == 4) {
      EXPECT_GT(gradient.abs().max().item<float>(), 0.0F) << item.key();
    }
  }
}

TEST_P(EachKind, ItsFileHoldsAllOfIt) {
  const auto path = (fs::temp_directory_path() /
                     ("semcodec-baseline-" + std::to_string(::getpid()) + ".safetensors"))
                        .string();
  auto config = small(GetParam());
  config.key_interval = 5;
  auto net = make_baseline(config);
  save_baseline(*net, path, "of a test");
  auto loaded = load_baseline(path);
  EXPECT_EQ(loaded->config().kind, config.kind);
  EXPECT_EQ(loaded->config().condition, "planes");
  EXPECT_EQ(loaded->config().key_interval, 5);
  const auto condition = torch::rand({1, 4, kHeight, kWidth});
  const torch::NoGradGuard guard;
  EXPECT_LT(
      (BaselineSequence(net).next(condition).frame - BaselineSequence(loaded).next(condition).frame)
          .abs()
          .max()
          .item<float>(),
      0.01F)
      << "half precision";
  // Other sizes than the tensors have, and no sizes at all.
  Metadata metadata;
  auto tensors = load_safetensors(path, &metadata);
  metadata["channels"] = "512";
  save_safetensors(path, tensors, metadata);
  EXPECT_THROW(load_baseline(path), Error);
  save_safetensors(path, tensors, {});
  EXPECT_THROW(load_baseline(path), Error);
  fs::remove(path);
}

INSTANTIATE_TEST_SUITE_P(Baselines, EachKind, ::testing::ValuesIn(baseline_kinds()),
                         [](const auto& kind) {
                           auto name = kind.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(Baselines, UnknownOnesAreRefused) {
  EXPECT_THROW(published_baseline("pix2pix"), Error);
  auto config = small("vid2vid");
  config.condition = "sound";
  EXPECT_THROW(make_baseline(config), Error);
  config = small("vid2vid");
  config.blocks = 0;
  EXPECT_THROW(make_baseline(config), Error);
}

TEST(Baselines, KeyFramesMeetHalfWay) {
  // A texture that moves 8 pixels to the right between the key frames: 4 pixels at the middle.
  const auto x = torch::arange(64).view({1, 1, 1, 64}).expand({1, 3, 32, 64}).to(torch::kFloat32);
  const auto picture = [&](double shift) { return 0.5 + 0.4 * torch::sin((x - shift) * 0.35); };
  const auto back = torch::cat({torch::full({1, 1, 8, 16}, -8.0F), torch::zeros({1, 1, 8, 16})}, 1);
  const auto middle = interpolate_keys(picture(0), picture(8), back, -back, torch::tensor({0.5F}));
  const auto inner = [](const torch::Tensor& t) { return t.narrow(3, 12, 40); };
  EXPECT_LT((inner(middle) - inner(picture(4))).abs().mean().item<float>(), 0.02F);
  EXPECT_GT((inner(picture(0)) - inner(picture(4))).abs().mean().item<float>(), 0.2F);
}

TEST(Xdog, InkLiesAtDarkLines) {
  auto picture = torch::full({1, 3, 32, 48}, 0.7F);
  EXPECT_EQ(xdog_sketch(picture).abs().max().item<float>(), 0.0F) << "blank paper";
  picture.narrow(3, 20, 2).fill_(0.5F);
  const auto sketch = xdog_sketch(picture);
  EXPECT_EQ(sketch.sizes(), at::IntArrayRef({1, 1, 32, 48}));
  EXPECT_GT(sketch.narrow(3, 20, 2).min().item<float>(), 0.5F);
  EXPECT_EQ(sketch.narrow(3, 0, 12).max().item<float>(), 0.0F);
}

// One-hot labels of 35 classes and an edge map, as the authors feed Cityscapes.
constexpr int kLabels = 36;

/// GMAC of a frame of 512x256, from one of 32x32.
NetworkCost published_size(Baseline& net, int channels) {
  const BaselineInput input{torch::zeros({1, channels, 32, 32}),
                            net.temporal() ? torch::zeros({1, 6, 32, 32}) : torch::Tensor()};
  return measure_cost([&] { net.forward(input); }).scaled(512.0 * 256 / (32 * 32) * 1e-9);
}

TEST(PublishedSizes, Pix2PixHd) {
  Pix2PixHd net(published_baseline("pix2pixHD"), kLabels);
  EXPECT_EQ(count_parameters(net), 182546755);
}

TEST(PublishedSizes, Vid2VidWithItsForegroundBranch) {
  auto config = published_baseline("vid2vid");
  double sum = 0;
  {
    Vid2Vid net(config, kLabels, false);
    const auto cost = published_size(net, 3 * kLabels);
    EXPECT_NEAR(cost.macs, 910.4, 0.1);
    sum = cost.macs_of_outputs;
  }
  // The branch that we leave out is a global generator of half as many channels on all labels.
  config.kind = "pix2pixHD";
  config.channels = 64;
  Pix2PixHd foreground(config, 3 * kLabels);
  sum += published_size(foreground, 3 * kLabels).macs_of_outputs;
  EXPECT_NEAR(sum, 1254, 1.5);
}

TEST(PublishedSizes, FastVid2VidWithItsForegroundBranch) {
  const auto config = published_baseline("fast-vid2vid");
  FastVid2Vid net(config, kLabels);
  const auto cost = published_size(net, 3 * kLabels);
  // Its foreground branch, by hand (products a pixel of the frame): stem at half size, stages at
  // 1/4, 1/16, 1/64 of the pixels, nine inverted residuals, doublings at output size, head.
  const double stage = 64 * 128 * 9 / 4.0, block = (2 * 512.0 * 512 + 9 * 512) / 64;
  const double foreground =
      108 * 64 * 49 / 4.0 + stage * 3 + 9 * block + 3 * 4 * stage + 64 * 3 * 49;
  const double whole = cost.macs_of_outputs + foreground * 512 * 256 * 1e-9;
  EXPECT_NEAR(whole / config.key_interval, 151, 1);
}

TEST(PublishedSizes, TheSentenceSaysBoth) {
  auto net = make_baseline(small("fast-vid2vid"));
  const auto cost = baseline_cost(*net, 512, 256);
  EXPECT_NEAR(cost.on_average.macs * 3, cost.of_a_frame.macs, 1);
  const auto text = cost_sentence(*net);
  EXPECT_NE(text.find("M parameters"), std::string::npos) << text;
  EXPECT_NE(text.find("151 GMAC"), std::string::npos) << text;
}

}  // namespace
}  // namespace semcodec
