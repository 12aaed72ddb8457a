// Which jobs of a training run again, and which do not.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "common/core/error.h"
#include "training/stages/child.h"
#include "training/stages/stage_runner.h"

namespace semcodec {
namespace {

namespace fs = std::filesystem;

class StageRunnerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ =
        (fs::temp_directory_path() / ("semcodec-stages-" + std::to_string(::getpid()))).string();
    fs::remove_all(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  /// Three jobs that note their runs; `status` of the second one.
  std::vector<Job> jobs() {
    std::vector<Job> all;
    for (int i = 1; i <= 3; ++i) {
      Job job;
      job.stage = i;
      job.name = job.title = "job" + std::to_string(i);
      job.settings = {{"steps", i == 2 ? steps_ : "1"}};
      const std::string result = root_ + "/" + job.name + ".result";
      job.results = {result};
      job.clear = [this, i] { ran_ += "c" + std::to_string(i) + " "; };
      job.work = [this, i, result] {
        ran_ += std::to_string(i) + " ";
        std::ofstream(result) << "x";  // also when it is interrupted, as the stages do
        return i == 2 ? status_ : 0;
      };
      all.push_back(job);
    }
    return all;
  }
  /// What ran, "" when nothing did, and the exit code that run_jobs() ended with.
  std::pair<std::string, int> run() {
    ran_.clear();
    int code = 0;
    try {
      run_jobs(jobs(), root_);
    } catch (const Error& error) {
      code = error.exit_code();
      sentence_ = error.what();
    }
    return {ran_, code};
  }

  std::string root_, ran_, steps_ = "5", sentence_;
  int status_ = 0;
};

using Outcome = std::pair<std::string, int>;

TEST_F(StageRunnerTest, WhatIsDoneIsNotDoneAgain) {
  EXPECT_EQ(run(), Outcome("c1 1 c2 2 c3 3 ", 0));
  EXPECT_EQ(run(), Outcome("", 0));
  fs::remove(root_ + "/job2.result");
  EXPECT_EQ(run(), Outcome("2 3 ", 0)) << "its result is gone, and later ones may rest on it";
}

TEST_F(StageRunnerTest, AChangedSettingRunsTheStageAndThoseAfterIt) {
  run();
  steps_ = "6";
  EXPECT_EQ(run(), Outcome("c2 2 c3 3 ", 0));
  EXPECT_EQ(run(), Outcome("", 0));
}

TEST_F(StageRunnerTest, AnInterruptedStageIsNotDoneAlthoughItExported) {
  status_ = 130;
  EXPECT_EQ(run(), Outcome("c1 1 c2 2 ", 130));
  EXPECT_NE(sentence_.find("stage 2/3 job2"), std::string::npos) << sentence_;
  EXPECT_TRUE(fs::exists(root_ + "/job2.result"));
  status_ = 0;
  EXPECT_EQ(run(), Outcome("2 c3 3 ", 0)) << "goes on without being cleared";
}

TEST_F(StageRunnerTest, AFailureKeepsItsExitCodeAndNamesTheStage) {
  status_ = 3;
  EXPECT_EQ(run(), Outcome("c1 1 c2 2 ", 3));
  EXPECT_NE(sentence_.find("stage 2/3 job2"), std::string::npos) << sentence_;
  steps_ = "7";  // refined by another setting: begins anew
  status_ = 0;
  EXPECT_EQ(run(), Outcome("c2 2 c3 3 ", 0));
}

TEST_F(StageRunnerTest, TwoTrainingsDoNotWorkInOneFolder) {
  std::string inner;
  Job job;
  job.name = job.title = "only";
  job.work = [&] {
    try {
      run_jobs({}, root_);
    } catch (const Error& error) {
      inner = error.what();
    }
    return 0;
  };
  run_jobs({job}, root_);
  EXPECT_NE(inner.find("Another training"), std::string::npos) << inner;
}

TEST(StageRunner, ChangesAreNamed) {
  const auto text = describe_change("[a]\nx = 1\ny = 2\n", "[a]\nx = 1\ny = 3\nz = 4\n");
  EXPECT_EQ(text, "y is 3 (was 2), z is 4 (was not set)");
  EXPECT_EQ(describe_change("[a]\nx = 1\n", "[a]\nx = 1\n"), "");
}

TEST_F(StageRunnerTest, WhatIsSetAsideIsKept) {
  for (int i = 0; i < 2; ++i) {
    fs::create_directories(root_ + "/run");
    std::ofstream(root_ + "/run/file") << i;
    set_aside(root_ + "/run");
  }
  EXPECT_FALSE(fs::exists(root_ + "/run"));
  EXPECT_TRUE(fs::exists(root_ + "/run.before-1/file"));
  EXPECT_TRUE(fs::exists(root_ + "/run.before-2/file"));
}

TEST(Child, ExitCodesSignalsAndMissingPrograms) {
  EXPECT_EQ(run_child({"true"}), 0);
  EXPECT_EQ(run_child({"sh", "-c", "exit 7"}), 7);
  EXPECT_EQ(run_child({"sh", "-c", "kill -9 $$"}), 128 + 9);
  EXPECT_THROW(run_child({"/no/such/program"}), Error);
}

}  // namespace
}  // namespace semcodec
