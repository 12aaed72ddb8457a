#include "decoder/play/polled_input.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>

#include "common/core/error.h"

namespace semcodec {
namespace {

class PolledInput : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    fifo_ = std::string(folder_.data()) + "/fifo";
    ASSERT_EQ(mkfifo(fifo_.c_str(), 0600), 0);
  }
  void TearDown() override {
    unlink(fifo_.c_str());
    rmdir(folder_.data());
  }
  std::array<char, 18> folder_{"/tmp/polledXXXXXX"};
  std::string fifo_;
};

TEST_F(PolledInput, OnlyOrdinaryFilesNeverBlock) {
  EXPECT_TRUE(may_block(fifo_));
  EXPECT_FALSE(may_block("/proc/self/exe"));
  EXPECT_FALSE(may_block(folder_.data()));
  EXPECT_FALSE(may_block(fifo_ + "missing"));
}

TEST_F(PolledInput, ReadsWhatComesAndEndsWhenStopped) {
  // Also open for writing, so that opening does not wait and the end never comes.
  std::fstream keep(fifo_, std::ios::in | std::ios::out);
  bool stopped = false;
  auto source = polled_input(fifo_, [&] { return stopped; });
  keep << "abc" << std::flush;
  std::array<std::uint8_t, 8> bytes{};
  ASSERT_EQ(source(bytes), 3u);
  EXPECT_EQ(bytes[2], 'c');
  int asked = 0;
  auto waits = polled_input(fifo_, [&] { return ++asked > 2; });
  EXPECT_EQ(waits(bytes), 0u);
}

TEST_F(PolledInput, AMissingFileIsAnError) {
  EXPECT_THROW(polled_input(fifo_ + "missing", [] { return false; }), Error);
}

}  // namespace
}  // namespace semcodec
