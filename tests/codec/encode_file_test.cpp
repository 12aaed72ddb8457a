// encode_file: passes, progress, cancellation, what is left behind.

#include "semcodec/encode_file.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <set>

#include "semcodec/error.h"
#include "semcodec/stream_reader.h"

namespace semcodec {
namespace {

namespace fs = std::filesystem;
constexpr const char* kVideo = SEMCODEC_SOURCE_DIR "/samples/street.mp4";

class EncodeFile : public testing::Test {
 protected:
  EncodeFile() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    options_.encoder.profile = "hybrid";
    options_.encoder.effort = 9;
    options_.encoder.width = 128;
    options_.encoder.height = 64;
    options_.limit = 10;
  }
  ~EncodeFile() override { fs::remove_all(folder_); }
  std::string output() const { return (folder_ / "out.sem").string(); }

  fs::path folder_ = fs::temp_directory_path() / "semcodec-encode-file-test";
  EncodeFileOptions options_;
};

TEST_F(EncodeFile, SummaryAndProgressAgreeWithTheFile) {
  std::vector<EncodeProgress> reports;
  options_.progress = [&](const EncodeProgress& now) { reports.push_back(now); };
  const auto summary = encode_file(kVideo, output(), options_);
  EXPECT_EQ(summary.frames, 10);
  EXPECT_EQ(summary.stats.bytes, fs::file_size(output()));
  EXPECT_EQ(summary.passes, 1);
  EXPECT_FALSE(summary.cancelled);
  ASSERT_EQ(reports.size(), 11u);
  EXPECT_TRUE(reports.back().done);
  EXPECT_EQ(reports.back().frames, 10);
  EXPECT_EQ(reports.back().expected_frames, 10);
  StreamReader reader(output());
  while (reader.next()) {
  }
  EXPECT_EQ(reader.status(), StreamStatus::complete);
  EXPECT_EQ(reader.stats().frames, 10u);
}

TEST_F(EncodeFile, ATargetTakesTwoPasses) {
  std::set<std::string> tasks;
  options_.progress = [&](const EncodeProgress& now) { tasks.insert(now.task); };
  options_.encoder.bit_rate = 20000;
  options_.limit = 25;
  const auto summary = encode_file(kVideo, output(), options_);
  EXPECT_GE(summary.passes, 2);
  EXPECT_TRUE(tasks.contains("pass 1/2"));
  EXPECT_FALSE(summary.target.empty());
}

TEST_F(EncodeFile, CancellingLeavesAWholeShorterStream) {
  std::atomic<int> seen{0};  // asked in the reading thread
  options_.limit = 0;
  options_.progress = [&](const EncodeProgress& now) { seen = static_cast<int>(now.frames); };
  options_.cancelled = [&] { return seen >= 5; };
  const auto summary = encode_file(kVideo, output(), options_);
  EXPECT_TRUE(summary.cancelled);
  EXPECT_LT(summary.frames, 40);
  StreamReader reader(output());
  while (reader.next()) {
  }
  EXPECT_EQ(reader.status(), StreamStatus::complete);
}

TEST_F(EncodeFile, CancellingBeforeAFrameLeavesNothing) {
  options_.cancelled = [] { return true; };
  EXPECT_THROW(encode_file(kVideo, output(), options_), Error);
  EXPECT_FALSE(fs::exists(output()));
}

TEST_F(EncodeFile, ErrorsLeaveNothingBehind) {
  options_.skip = 100000;
  EXPECT_THROW(encode_file(kVideo, output(), options_), Error);
  EXPECT_THROW(encode_file("missing.mp4", output(), options_), Error);
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace semcodec
