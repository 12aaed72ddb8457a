// Synthetic pairs: the flow is exact where the place is visible, motions have the lengths asked
// for. The stage: it lowers its error, goes on where it stopped, back when it goes wrong.

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <filesystem>
#include <memory>

#include "common/core/error.h"
#include "models/core/safetensors.h"
#include "models/flownet2/flow_estimator.h"
#include "models/kernels/resample.h"
#include "training/flow/flow_task.h"
#include "training/flow/plane_resize.h"
#include "training/flow/synthetic_motion.h"
#include "training/trainer/trainer.h"

namespace semcodec {
namespace {

// Soft waves of random direction: textured everywhere, but without edges that bilinear lookup
// would blur.
RgbImage waves(std::mt19937_64& random) {
  RgbImage image(320, 240);
  std::uniform_real_distribution<double> direction(-0.15, 0.15), phase(0.0, 6.28);
  for (int c = 0; c < 3; ++c) {
    const double ax = direction(random), ay = direction(random), p = phase(random);
    const double bx = direction(random), by = direction(random), q = phase(random);
    for (int y = 0; y < image.height; ++y)
      for (int x = 0; x < image.width; ++x)
        image.row(y)[3 * x + c] = static_cast<std::uint8_t>(
            128 + 60 * std::sin(ax * x + ay * y + p) + 60 * std::sin(bx * x - by * y + q));
  }
  return image;
}

torch::Tensor planes(const std::vector<float>& values, std::int64_t count, const MotionPair& p) {
  return torch::tensor(at::ArrayRef<float>(values)).view({1, count, p.height, p.width});
}

TEST(SyntheticMotion, WarpingTheSecondPictureRestoresTheFirst) {
  std::mt19937_64 random(1);
  SyntheticMotionOptions options;
  for (int i = 0; i < 12; ++i) {
    const auto pair = make_motion_pair(options, waves, random);
    const auto flow = planes(pair.flow, 2, pair), visible = planes(pair.visible, 1, pair);
    const auto first = planes(pair.image0, 3, pair), second = planes(pair.image1, 3, pair);
    const auto error = (resample(second, flow) - first).abs().mean(1, true);
    const auto still = (second - first).abs().mean(1, true);
    const double part = visible.mean().item<double>();
    EXPECT_GT(part, 0.3);
    // What is left is the light that differs between the two, noise, and edges of layers.
    EXPECT_LT(((error * visible).sum() / visible.sum()).item<double>(), 0.045);
    EXPECT_LE(((error * visible).sum() / visible.sum()).item<double>(),
              (still.mean() + 0.01).item<double>());
  }
}

TEST(SyntheticMotion, LengthsAreMostlyShortAndNeverFarTooLong) {
  std::mt19937_64 random(2);
  SyntheticMotionOptions options;
  std::int64_t count = 0, below_ten = 0, above_ten = 0;
  double longest = 0;
  for (int i = 0; i < 60; ++i) {
    const auto pair = make_motion_pair(options, waves, random);
    const std::size_t plane = pair.visible.size();
    for (std::size_t k = 0; k < plane; ++k) {
      const double length = std::hypot(pair.flow[k], pair.flow[plane + k]);
      longest = std::max(longest, length);
      ++count;
      ++(length < 10 ? below_ten : above_ten);
    }
  }
  EXPECT_GT(static_cast<double>(below_ten) / static_cast<double>(count), 0.65);
  EXPECT_GT(static_cast<double>(above_ten) / static_cast<double>(count), 0.03);
  EXPECT_LT(longest, 1.5 * options.max_displacement);
}

TEST(SyntheticMotion, IsTheSameForTheSameSeed) {
  std::mt19937_64 a(3), b(3);
  SyntheticMotionOptions options;
  options.degrade_probability = 0.5;
  for (int i = 0; i < 4; ++i) {
    const auto x = make_motion_pair(options, waves, a), y = make_motion_pair(options, waves, b);
    EXPECT_EQ(x.image0, y.image0);
    EXPECT_EQ(x.flow, y.flow);
  }
}

TEST(SyntheticMotion, DegradedPicturesLoseDetailAndKeepTheirMean) {
  std::mt19937_64 random(4);
  auto pair = make_motion_pair({}, waves, random);
  const auto before = planes(pair.image0, 3, pair);
  degrade_pair(pair, random);
  const auto after = planes(pair.image0, 3, pair);
  EXPECT_NEAR(before.mean().item<double>(), after.mean().item<double>(), 0.01);
  EXPECT_GT((before - after).abs().max().item<double>(), 1e-3);
}

TEST(PlaneResize, KeepsConstantsAndRamps) {
  std::vector<float> ramp(40 * 30);
  for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<float>(i % 40);
  const auto half = resize_plane(ramp.data(), 40, 30, 20, 15);
  ASSERT_EQ(half.size(), 300U);
  for (std::size_t x = 4; x < 16; ++x)
    EXPECT_NEAR(half[7 * 20 + x], 2.0F * static_cast<float>(x) + 0.5F, 1e-3F);
  const std::vector<float> flat(64, 0.25F);
  for (const float v : resize_plane(flat.data(), 8, 8, 13, 5)) EXPECT_NEAR(v, 0.25F, 1e-6F);
}

class FlowTraining : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ =
        (std::filesystem::temp_directory_path() / ("semcodec-flow-" + std::to_string(::getpid())))
            .string();
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  FlowOptions tiny(const std::string& name) const {
    FlowOptions options;
    options.output = root_ + "/" + name;
    options.device = "cpu";
    options.threads = 1;
    options.net = {.variant = FlowNet2Variant::cs, .width = 0.125, .max_displacement = 4};
    options.motion.width = options.motion.height = 64;
    options.motion.max_displacement = 8;
    options.motion.typical_displacement = 3;
    options.motion.degrade_probability = 0;
    options.batch = 2;
    options.steps = 12;
    options.warm_up = 2;
    options.log_every = 1;
    options.bf16 = false;
    return options;
  }
  struct Stage {
    Stage(const FlowOptions& options, const Ranks& ranks)
        : task(options, ranks, waves, waves), trainer(task) {}
    FlowTask task;
    Trainer trainer;
  };
  TensorMap checkpoint(const std::string& name, Metadata* metadata = nullptr) const {
    return load_safetensors(root_ + "/" + name + "/checkpoint.safetensors", metadata);
  }

  const Ranks ranks_;
  std::string root_;
};

TEST_F(FlowTraining, AResumedRunIsTheUninterruptedOne) {
  Stage(tiny("whole"), ranks_).trainer.run();
  auto options = tiny("parts");
  options.stop_after = 6;
  Stage(options, ranks_).trainer.run();
  options.stop_after = 0;
  {
    Stage second(options, ranks_);
    ASSERT_TRUE(second.trainer.resume());
    EXPECT_EQ(second.trainer.step(), 6);
    second.trainer.run();
    EXPECT_EQ(second.trainer.step(), options.steps);
    second.trainer.export_result();
  }
  const auto whole = checkpoint("whole"), parts = checkpoint("parts");
  ASSERT_EQ(whole.size(), parts.size());
  for (const auto& [name, tensor] : whole) {
    EXPECT_TRUE(torch::allclose(tensor, parts.at(name), 1e-3, 1e-5)) << name;
  }
  // The export says its sizes, and they are enough to open it.
  Metadata metadata;
  load_safetensors(options.output + "/flow.safetensors", &metadata);
  EXPECT_EQ(metadata["input_scale"], "2");
  EXPECT_NO_THROW(
      FlowEstimator(options.output + "/flow.safetensors", torch::kCPU, torch::kFloat32));

  // A checkpoint of another network is refused.
  options.net.width = 0.25;
  Stage wider(options, ranks_);
  EXPECT_THROW(wider.trainer.resume(), Error);
}

TEST_F(FlowTraining, ALossThatIsNoNumberLeadsBackToTheLastCheckpoint) {
  auto options = tiny("fault");
  options.stop_after = 6;
  options.fault_at = 3;
  {
    Stage stage(options, ranks_);
    stage.trainer.run();
    EXPECT_EQ(stage.trainer.step(), 6);
    EXPECT_TRUE(std::isfinite(stage.task.end_point_error_on(4, false)));
  }
  // A run that comes back knows of it: with no try left, the same trouble ends it.
  options.stop_after = 0;
  options.fault_at = 8;
  options.retry.retries = 1;
  Stage again(options, ranks_);
  ASSERT_TRUE(again.trainer.resume());
  EXPECT_EQ(again.trainer.step(), 6);
  try {
    again.trainer.run();
    FAIL() << "forgot that it had gone back before";
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("after 1 returns to the last good checkpoint"), std::string::npos) << text;
  }
}

TEST_F(FlowTraining, LowersTheErrorOfOneMotion) {
  auto options = tiny("learn");
  options.net.variant = FlowNet2Variant::c;
  options.steps = 60;
  options.batch = 4;
  options.learning_rate = 1e-3;
  options.ema = 0.9;
  Stage stage(options, ranks_);
  const double before = stage.task.end_point_error_on(16, false);
  stage.trainer.run();
  EXPECT_LT(stage.task.end_point_error_on(16, false), before);
}

}  // namespace
}  // namespace semcodec
