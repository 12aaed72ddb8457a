#include "decoder/playback/memory_estimate.h"

#include <gtest/gtest.h>

namespace semcodec {
namespace {

StreamInfo coded_at(int width, int height) {
  StreamInfo info;
  info.coded_width = width;
  info.coded_height = height;
  return info;
}

TEST(MemoryEstimate, GrowsWithTheSize) {
  EXPECT_LT(estimate_memory(coded_at(512, 256)), std::uint64_t{512} << 20);
  EXPECT_GT(estimate_memory(coded_at(2048, 2048)), estimate_memory(coded_at(1024, 1024)));
  EXPECT_GT(estimate_memory(coded_at(2048, 2048)), std::uint64_t{1} << 30);
}

TEST(MemoryEstimate, ThisMachineHasSome) { EXPECT_GT(available_memory(), std::uint64_t{1} << 20); }

TEST(FitInside, KeepsTheShapeAndEvenSides) {
  const auto fitted = [](int width, int height, int most_width, int most_height) {
    fit_inside(most_width, most_height, width, height);
    return std::pair(width, height);
  };
  EXPECT_EQ(fitted(1920, 1080, 2048, 2048), std::pair(1920, 1080));
  EXPECT_EQ(fitted(3840, 2160, 2048, 2048), std::pair(2048, 1152));
  EXPECT_EQ(fitted(2160, 3840, 2048, 2048), std::pair(1152, 2048));
  EXPECT_EQ(fitted(65535, 1, 2048, 2048), std::pair(2048, 2));
  EXPECT_EQ(fitted(101, 51, 100, 100), std::pair(100, 50));
  EXPECT_EQ(fitted(333, 333, 64, 128), std::pair(64, 64));
}

}  // namespace
}  // namespace semcodec
