// The losses of a run that stops and goes on, and the guard that watches them.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "common/core/error.h"
#include "training/trainer/divergence_guard.h"
#include "training/trainer/loss_log.h"
#include "training/trainer/recovery.h"

namespace semcodec {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kColumns = {"loss",    "l1",      "lpips",   "vgg",
                                           "flow",    "warp",    "rate",    "d_image",
                                           "g_image", "d_video", "g_video", "spectrum"};

class LossLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ =
        (fs::temp_directory_path() / ("semcodec-losses-" + std::to_string(::getpid()))).string();
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }
  std::string csv() const {
    std::ostringstream text;
    text << std::ifstream(root_ + "/losses.csv").rdbuf();
    return text.str();
  }
  static void step(LossLog& log, double value) {
    log.add("loss", value);
    log.step_done();
  }
  static void report(LossLog& log, std::int64_t step) {
    log.report(step, 100, 1.0, 1e-3, 1, [](std::vector<double>&) {});
  }
  std::string root_;
};

TEST_F(LossLogTest, GoingOnFromACheckpointDropsLaterRowsAndKeepsTheSums) {
  std::string pending;
  {
    LossLog log(root_, kColumns, true);
    log.start_at(0);
    for (int i = 1; i <= 6; ++i) {
      step(log, i);
      if (i == 3) pending = log.pending();  // a checkpoint between two rows
      if (i % 2 == 0) report(log, i);
    }
  }
  const auto whole = csv();
  EXPECT_NE(whole.find("\n2,1.50000,"), std::string::npos) << whole;
  std::ofstream(root_ + "/losses.csv", std::ios::app) << "7,0.1";  // cut short by a kill
  LossLog log(root_, kColumns, true);
  log.start_at(3);
  log.restore(pending);
  EXPECT_EQ(csv().find("\n4,"), std::string::npos);
  for (int i = 4; i <= 6; ++i) {
    step(log, i);
    if (i % 2 == 0) report(log, i);
  }
  EXPECT_EQ(csv(), whole);
}

TEST_F(LossLogTest, AFreshRunBeginsAnEmptyFile) {
  std::ofstream(root_ + "/losses.csv") << "step,loss\n9,1\n";
  LossLog log(root_, kColumns, true);
  log.start_at(0);
  EXPECT_FALSE(fs::exists(root_ + "/losses.csv"));
}

TEST_F(LossLogTest, ARunOfAnEarlierVersionGetsTheNewColumns) {
  const std::string old = "step,loss,l1,lpips,vgg,flow,warp,rate,d_image,g_image,d_video,g_video";
  std::ofstream(root_ + "/losses.csv") << old << "\n2,1,,,,,,,,,,\n";
  LossLog log(root_, kColumns, true);
  log.start_at(2);
  EXPECT_EQ(csv(), old + ",spectrum\n2,1,,,,,,,,,,\n");
}

TEST_F(LossLogTest, OtherRanksWriteNothing) {
  LossLog log(root_, kColumns, false);
  log.start_at(0);
  step(log, 1);
  report(log, 1);
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST(DivergenceGuard, NumbersThatAreNone) {
  DivergenceGuard guard;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(guard.check(1.0, 0.1, true));
  EXPECT_TRUE(guard.check(nan, 0.1, true));
  EXPECT_TRUE(guard.check(1.0, INFINITY, true));
  EXPECT_FALSE(guard.check(1.0, 0.1, false)) << "one bad gradient is left out";
  EXPECT_FALSE(guard.check(1.0, 0.1, false));
  EXPECT_TRUE(guard.check(1.0, 0.1, false));
}

TEST(DivergenceGuard, AnErrorThatRises) {
  DivergenceGuard guard;
  for (int i = 0; i < 200; ++i) EXPECT_FALSE(guard.check(1.0, 0.04 + 0.02 * (i % 2), true));
  // A single bad batch is none of its business, nor is a loss that a new term joins.
  EXPECT_FALSE(guard.check(1.0, 0.9, true));
  for (int i = 0; i < 200; ++i) EXPECT_FALSE(guard.check(9.0, 0.05, true));
  int steps = 0;
  while (steps < 100 && !guard.check(1.0, 0.5, true)) ++steps;
  EXPECT_GT(steps, 2);
  EXPECT_LT(steps, 40);
  guard.restart();
  EXPECT_FALSE(guard.check(1.0, 0.05, true));
}

TEST(Recovery, GoesOnSlowerAndGivesUp) {
  const RetryOptions options{.retries = 2, .rate = 0.5};
  Recovery now;
  now = now.after(120, "the loss is no number", options, "c");
  EXPECT_EQ(now.rate_scale, 0.5);
  EXPECT_EQ(now.reseed, 1);
  EXPECT_EQ(now.sentence(100, "the loss is no number", options),
            "Step 120: the loss is no number; going back to step 100 with 0.5 times the learning "
            "rate and other samples (try 1 of 2).");
  std::map<std::string, std::string> kept;
  now.put(kept);
  now = Recovery::from(kept);
  now.reached(200);  // too near to the divergence
  now = now.after(110, "again", options, "c");
  EXPECT_EQ(now.diverged_at, 120) << "the farthest one counts";
  EXPECT_THROW(now.after(110, "again", options, "c"), Error);
  now.reached(221);
  EXPECT_EQ(now.tries, 0);
  EXPECT_EQ(now.rate_scale, 0.25) << "stays";
  EXPECT_EQ(Recovery::from({}).rate_scale, 1) << "a checkpoint of an earlier version";
}

}  // namespace
}  // namespace semcodec
