// The edge trainer: its losses by hand, a short run that learns, and a resumed run that goes on
// exactly where the first one stopped.

#include <gtest/gtest.h>

#include <filesystem>

#include "common/core/error.h"
#include "common/core/log.h"
#include "models/core/safetensors.h"
#include "training/edges/edge_trainer.h"

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
    options_.size = "tiny";
    options_.distillation = 0;
    options_.labels = 1;
    options_.crop = 32;
    options_.batch = 2;
    options_.checkpoint = (folder_ / "run.safetensors").string();
  }
  void TearDown() override {
    std::filesystem::remove_all(folder_);
    log::set_level(log::Level::info);
  }

  /// Bright squares on a dark ground, their outlines marked.
  static EdgePictures squares() {
    return {8, [](std::size_t index) {
              EdgePicture picture{torch::full({3, 40, 40}, 40, torch::kUInt8),
                                  torch::zeros({1, 40, 40}, torch::kUInt8)};
              const auto at = static_cast<std::int64_t>(6 + index);
              picture.rgb.narrow(1, at, 18).narrow(2, at, 18).fill_(200);
              picture.edges.narrow(1, at - 1, 20).narrow(2, at - 1, 20).fill_(255);
              picture.edges.narrow(1, at + 1, 16).narrow(2, at + 1, 16).fill_(0);
              return picture;
            }};
  }
  static std::function<bool()> after(int steps) {
    return [left = steps]() mutable { return left-- <= 0; };
  }

  std::filesystem::path folder_;
  EdgeTrainingOptions options_;
};

TEST_F(EdgeTraining, LearnsTheOutlinesOfSquares) {
  options_.steps = 60;
  options_.learning_rate = 0.01;
  EdgeTrainer trainer(options_, squares(), torch::kCPU, false);
  trainer.run([] { return false; });
  EXPECT_EQ(trainer.step(), 60);
  const EdgePicture picture = squares().get(3);
  const torch::NoGradGuard no_grad;
  PiDiNet net = trainer.averaged();
  const torch::Tensor map = net->forward(picture.rgb.unsqueeze(0).to(torch::kFloat32) / 255.0)[0];
  const torch::Tensor edge = picture.edges > 127;
  EXPECT_GT(map.masked_select(edge).mean().item<double>(),
            map.masked_select(edge.logical_not()).mean().item<double>() + 0.2);
}

TEST_F(EdgeTraining, AResumedRunIsTheUninterruptedOne) {
  options_.steps = 6;
  const std::string whole = (folder_ / "whole.safetensors").string();
  const std::string parts = (folder_ / "parts.safetensors").string();
  options_.checkpoint = whole;
  EdgeTrainer(options_, squares(), torch::kCPU, false).run([] { return false; });
  options_.checkpoint = parts;
  EdgeTrainer(options_, squares(), torch::kCPU, false).run(after(3));
  EdgeTrainer resumed(options_, squares(), torch::kCPU, true);
  EXPECT_EQ(resumed.step(), 3);
  resumed.run([] { return false; });
  EXPECT_EQ(resumed.step(), 6);
  const TensorMap a = load_safetensors(whole), b = load_safetensors(parts);
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) {
    EXPECT_LT((tensor - b.at(name)).abs().to(torch::kFloat64).max().item<double>(), 1e-5) << name;
  }
}

TEST_F(EdgeTraining, ALossThatIsNoNumberLeadsBackToTheLastCheckpoint) {
  options_.steps = 6;
  options_.fault_at = 4;
  EdgeTrainer trainer(options_, squares(), torch::kCPU, false);
  trainer.run([] { return false; });
  EXPECT_EQ(trainer.step(), 6);
  Metadata metadata;
  load_safetensors(options_.checkpoint, &metadata);
  EXPECT_EQ(metadata["rate_scale"].substr(0, 4), "0.50");
  EXPECT_EQ(metadata["reseed"], "1") << "other samples";
  for (const auto& [name, tensor] : load_safetensors(options_.checkpoint)) {
    EXPECT_TRUE(tensor.isfinite().all().item<bool>()) << name;
  }
}

TEST_F(EdgeTraining, ATrainingThatKeepsDivergingEndsWithASentence) {
  options_.learning_rate = 1e30;
  options_.steps = 400;
  options_.retry.retries = 2;
  EdgeTrainer trainer(options_, squares(), torch::kCPU, false);
  try {
    trainer.run([] { return false; });
    FAIL() << "took weights of 1e28 for good";
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("after 2 returns to the last good checkpoint"), std::string::npos) << text;
  }
  EdgeTrainer again(options_, squares(), torch::kCPU, true);
  EXPECT_EQ(again.step(), 0) << "the last good checkpoint is whole";
}

TEST_F(EdgeTraining, DistilsFromATeacherAndExportsWeightsThatLoad) {
  const std::string teacher = (folder_ / "teacher.safetensors").string();
  torch::manual_seed(5);
  save_safetensors(teacher, state_of(*PiDiNet(PiDiNetConfig::named("small"))));
  options_.teacher = teacher;
  options_.distillation = 1;
  options_.labels = 0;
  options_.steps = 3;
  EdgeTrainer trainer(options_, squares(), torch::kCPU, false);
  trainer.run([] { return false; });
  const std::string exported = (folder_ / "edges.safetensors").string();
  trainer.export_weights(exported);
  EXPECT_LT(std::filesystem::file_size(exported), 400'000U);
  EXPECT_EQ(load_pidinet(exported)->config().channels, 20);
}

TEST_F(EdgeTraining, OptionsAndForeignCheckpointsAreRefused) {
  const auto refused = [&](auto change) {
    EdgeTrainingOptions wrong = options_;
    change(wrong);
    EXPECT_THROW(wrong.check(), Error);
  };
  EXPECT_NO_THROW(options_.check());
  refused([](auto& o) { o.crop = 33; });
  refused([](auto& o) { o.batch = 0; });
  refused([](auto& o) { o.size = "vast"; });
  refused([](auto& o) { o.labels = 0; });
  refused([](auto& o) { o.distillation = 1; });
  refused([](auto& o) { o.checkpoint.clear(); });
  refused([](auto& o) { o.learning_rate = 0; });
  save_safetensors(options_.checkpoint, {{"a", torch::ones(1)}});
  EXPECT_THROW(EdgeTrainer(options_, squares(), torch::kCPU, true), Error);
}

}  // namespace
}  // namespace semcodec
