// The frame store: round trip, and files that are not what they should be.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/core/error.h"
#include "training/frame_store.h"

namespace semcodec {
namespace {

class FrameStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = (std::filesystem::temp_directory_path() /
             ("semcodec-store-" + std::to_string(::getpid()) + ".frames"))
                .string();
  }
  void TearDown() override { std::filesystem::remove(path_); }

  void write(int frames) {
    FrameStoreWriter writer(path_, {4, 2, 3, 0, 30000, 1001});
    for (int i = 0; i < frames; ++i) {
      std::vector<std::uint8_t> frame(24, static_cast<std::uint8_t>(i));
      frame[5] = 200;
      writer.add(frame);
    }
    writer.finish();
  }
  std::string path_;
};

TEST_F(FrameStoreTest, RoundTrip) {
  write(3);
  const FrameStore store(path_);
  ASSERT_EQ(store.size(), 3U);
  EXPECT_EQ(store.header().width, 4);
  EXPECT_EQ(store.header().height, 2);
  EXPECT_NEAR(store.header().rate(), 29.97, 0.01);
  for (std::uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(store.frame(i)[0], i);
    EXPECT_EQ(store.frame(i)[5], 200);
  }
}

TEST_F(FrameStoreTest, NothingUnderTheNameBeforeFinish) {
  {
    FrameStoreWriter writer(path_, {4, 2, 3, 0, 25, 1});
    writer.add(std::vector<std::uint8_t>(24));
    EXPECT_FALSE(std::filesystem::exists(path_));
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(FrameStoreTest, AWrongFrameSizeIsAnError) {
  FrameStoreWriter writer(path_, {4, 2, 3, 0, 25, 1});
  EXPECT_THROW(writer.add(std::vector<std::uint8_t>(23)), Error);
}

TEST_F(FrameStoreTest, DamagedStoresAreRefused) {
  write(3);
  const auto size = std::filesystem::file_size(path_);
  std::filesystem::resize_file(path_, size - 1);
  EXPECT_THROW(FrameStore{path_}, Error) << "cut short";
  std::filesystem::resize_file(path_, 20);
  EXPECT_THROW(FrameStore{path_}, Error) << "cut inside the header";
  write(3);
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(27);  // the frame count's highest bytes: a product that would overflow
    file.write("\xff\xff\xff\xff\xff", 5);
  }
  EXPECT_THROW(FrameStore{path_}, Error) << "absurd count";
  EXPECT_THROW(FrameStore{"/no/such/store.frames"}, Error);
}

}  // namespace
}  // namespace semcodec
