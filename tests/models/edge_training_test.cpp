// The edges stage: its losses by hand, a short run that learns, and a resumed run that goes on
// exactly where the first one stopped.

#include <gtest/gtest.h>

#include <filesystem>

#include "common/core/error.h"
#include "common/core/log.h"
#include "models/core/safetensors.h"
#include "training/edges/edge_task.h"
#include "training/trainer/trainer.h"

namespace semcodec {
namespace {

TEST(EdgeLosses, BalancedLossByHand) {
  // Four pixels: one edge (0.9), one undecided (0.2), two without an edge. Logits 0: each costs
  // log 2. Weights: edge 2/3, others lambda/3.
  const torch::Tensor annotation = torch::tensor({0.9F, 0.2F, 0.0F, 0.0F}).view({1, 1, 2, 2});
  const torch::Tensor logits = torch::zeros({1, 1, 2, 2});
  const double expected = std::log(2.0) * (2.0 / 3 + 2 * 1.1 / 3);
  EXPECT_NEAR(balanced_edge_loss(logits, annotation, 1.1, 0.3).item<double>(), expected, 1e-5);
  // Without any edge nothing is learned, and nothing divides by zero.
  EXPECT_EQ(balanced_edge_loss(logits, torch::zeros({1, 1, 2, 2}), 1.1, 0.3).item<double>(), 0);
}

TEST(EdgeLosses, SoftLossIsLeastAtTheTeacher) {
  const torch::Tensor target = torch::tensor({0.1F, 0.5F, 0.9F, 0.3F}).view({1, 1, 2, 2});
  const torch::Tensor logits = torch::logit(target).clone().requires_grad_();
  soft_edge_loss(logits, target).backward();
  EXPECT_LT(logits.grad().abs().max().item<double>(), 1e-6);
}

class EdgeTraining : public ::testing::Test {
 protected:
  void SetUp() override {
    log::set_level(log::Level::warning);
    at::set_num_threads(1);
    folder_ = std::filesystem::temp_directory_path() /
              ("semcodec-edges-" + std::to_string(::getpid()) + "-" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
    options_.output = (folder_ / "run").string();
    options_.device = "cpu";
    options_.threads = 1;
    options_.crop = 32;
    options_.batch = 2;
  }
  void TearDown() override {
    std::filesystem::remove_all(folder_);
    log::set_level(log::Level::info);
  }

  /// Bright squares on a dark ground, their outlines marked.
  static EdgePictures squares() {
    return {8, 8, [](std::size_t index) {
              EdgePicture picture{torch::full({3, 40, 40}, 40, torch::kUInt8),
                                  torch::zeros({1, 40, 40}, torch::kUInt8)};
              const auto at = static_cast<std::int64_t>(6 + index);
              picture.rgb.narrow(1, at, 18).narrow(2, at, 18).fill_(200);
              picture.edges.narrow(1, at - 1, 20).narrow(2, at - 1, 20).fill_(255);
              picture.edges.narrow(1, at + 1, 16).narrow(2, at + 1, 16).fill_(0);
              return picture;
            }};
  }
  struct Stage {
    Stage(const EdgeOptions& options, const Ranks& ranks)
        : task(options, ranks, squares()), trainer(task) {}
    EdgeTask task;
    Trainer trainer;
  };
  TensorMap checkpoint(const std::string& output, Metadata* metadata = nullptr) const {
    return load_safetensors(output + "/checkpoint.safetensors", metadata);
  }

  const Ranks ranks_;
  std::filesystem::path folder_;
  EdgeOptions options_;
};

TEST_F(EdgeTraining, LearnsTheOutlinesOfSquares) {
  options_.steps = 60;
  options_.learning_rate = 0.01;
  Stage stage(options_, ranks_);
  stage.trainer.run();
  EXPECT_EQ(stage.trainer.step(), 60);
  const EdgePicture picture = squares().get(3);
  const torch::NoGradGuard no_grad;
  const torch::Tensor map =
      stage.task.averaged()->forward(picture.rgb.unsqueeze(0).to(torch::kFloat32) / 255.0)[0];
  const torch::Tensor edge = picture.edges > 127;
  EXPECT_GT(map.masked_select(edge).mean().item<double>(),
            map.masked_select(edge.logical_not()).mean().item<double>() + 0.2);
}

TEST_F(EdgeTraining, AResumedRunIsTheUninterruptedOne) {
  options_.steps = 6;
  const std::string whole = (folder_ / "whole").string(), parts = (folder_ / "parts").string();
  options_.output = whole;
  Stage(options_, ranks_).trainer.run();
  options_.output = parts;
  options_.stop_after = 3;
  Stage(options_, ranks_).trainer.run();
  options_.stop_after = 0;
  Stage resumed(options_, ranks_);
  ASSERT_TRUE(resumed.trainer.resume());
  EXPECT_EQ(resumed.trainer.step(), 3);
  resumed.trainer.run();
  EXPECT_EQ(resumed.trainer.step(), 6);
  const TensorMap a = checkpoint(whole), b = checkpoint(parts);
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) {
    EXPECT_LT((tensor - b.at(name)).abs().to(torch::kFloat64).max().item<double>(), 1e-5) << name;
  }
}

TEST_F(EdgeTraining, ALossThatIsNoNumberLeadsBackToTheLastCheckpoint) {
  options_.steps = 6;
  options_.fault_at = 4;
  Stage stage(options_, ranks_);
  stage.trainer.run();
  EXPECT_EQ(stage.trainer.step(), 6);
  Metadata metadata;
  for (const auto& [name, tensor] : checkpoint(options_.output, &metadata)) {
    EXPECT_TRUE(tensor.isfinite().all().item<bool>()) << name;
  }
  EXPECT_EQ(metadata["rate_scale"].substr(0, 4), "0.50");
  EXPECT_EQ(metadata["reseed"], "1") << "other samples";
}

TEST_F(EdgeTraining, ATrainingThatKeepsDivergingEndsWithASentence) {
  options_.learning_rate = 1e30;
  options_.steps = 400;
  options_.retry.retries = 2;
  Stage stage(options_, ranks_);
  try {
    stage.trainer.run();
    FAIL() << "took weights of 1e28 for good";
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("after 2 returns to the last good checkpoint"), std::string::npos) << text;
  }
  Stage again(options_, ranks_);
  EXPECT_TRUE(again.trainer.resume()) << "the last good checkpoint is whole";
  EXPECT_EQ(again.trainer.step(), 0);
}

TEST_F(EdgeTraining, DistilsFromATeacherAndExportsWeightsThatLoad) {
  const std::string teacher = (folder_ / "teacher.safetensors").string();
  torch::manual_seed(5);
  save_safetensors(teacher, state_of(*PiDiNet(PiDiNetConfig::named("small"))));
  options_.teacher = teacher;
  options_.labels = 0;
  options_.steps = 3;
  options_.sample_every = 3;
  Stage stage(options_, ranks_);
  stage.trainer.run();
  stage.trainer.export_result();
  EXPECT_TRUE(std::filesystem::exists(options_.output + "/sample-3.ppm"));
  const std::string exported = options_.output + "/edges.safetensors";
  EXPECT_LT(std::filesystem::file_size(exported), 400'000U);
  EXPECT_EQ(load_pidinet(exported)->config().channels, 20);
}

TEST_F(EdgeTraining, WhatCannotLearnIsRefused) {
  const auto refused = [&](auto change) {
    EdgeOptions wrong = options_;
    change(wrong);
    EXPECT_THROW(Stage(wrong, ranks_), Error);
  };
  EXPECT_NO_THROW(Stage(options_, ranks_));
  refused([](auto& o) { o.size = "vast"; });
  refused([](auto& o) { o.labels = 0; });
  refused([](auto& o) { o.teacher = "/no/such.safetensors"; });
  save_safetensors(options_.output + "/checkpoint.safetensors", {{"a", torch::ones(1)}});
  Stage stage(options_, ranks_);
  EXPECT_THROW(stage.trainer.resume(), Error) << "a foreign checkpoint";
}

}  // namespace
}  // namespace semcodec
