#include "codec/encode/link_control.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "common/core/error.h"

namespace semcodec {
namespace {

class LinkControlTest : public testing::Test {
 protected:
  LinkControlTest()
      : path_((std::filesystem::temp_directory_path() /
               ("semcodec-control-" + std::to_string(getpid())))
                  .string()) {}
  ~LinkControlTest() override { std::filesystem::remove(path_); }
  std::string path_;
};

TEST_F(LinkControlTest, LinesAreCommands) {
  std::string why;
  const auto both = parse_link_command(R"({"rate": 6000, "entry_point": true})", why);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->rate, 6000);
  EXPECT_TRUE(both->entry_point);
  EXPECT_FALSE(both->max_rate);
  EXPECT_EQ(parse_link_command(R"({"max_rate": 9600.5})", why)->max_rate, 9600.5);
  for (const char* bad : {"", "nonsense", "[]", R"({"rate": "6k"})", R"({"rate": -1})",
                          R"({"rate": 1e12})", R"({"entry_point": 1})", R"({"speed": 9})"}) {
    why.clear();
    EXPECT_FALSE(parse_link_command(bad, why)) << bad;
    EXPECT_FALSE(why.empty());
  }
}

TEST_F(LinkControlTest, AFileThatGrowsIsFollowed) {
  std::ofstream file(path_);
  file << "{\"rate\": 5000}\nnonsense\n{\"entry_" << std::flush;
  LinkControl control(path_);
  const auto first = control.poll();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].rate, 5000);
  EXPECT_TRUE(control.poll().empty());
  file << "point\": true}\n" << std::flush;
  const auto second = control.poll();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_TRUE(second[0].entry_point);
}

TEST_F(LinkControlTest, AFifoOutlivesItsWriters) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  LinkControl control(path_);
  EXPECT_TRUE(control.poll().empty());
  for (int i = 0; i < 3; ++i) {
    const int writer = ::open(path_.c_str(), O_WRONLY);
    const std::string line = "{\"rate\": " + std::to_string(1000 + i) + "}\n";
    ASSERT_EQ(::write(writer, line.data(), line.size()), static_cast<ssize_t>(line.size()));
    ::close(writer);
    const auto commands = control.poll();
    ASSERT_EQ(commands.size(), 1u);
    EXPECT_EQ(commands[0].rate, 1000 + i);
  }
}

TEST_F(LinkControlTest, WhatIsNotThereIsRefused) {
  EXPECT_THROW(LinkControl("/nonexistent"), Error);
}

}  // namespace
}  // namespace semcodec
