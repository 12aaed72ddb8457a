#include "common/entropy/binary_coder.h"

#include <gtest/gtest.h>

#include "common/core/hash.h"
#include "tests/entropy/sample_frames.h"

namespace semcodec::entropy {
namespace {

using test::Numbers;

TEST(Tables, SquashAndStretchAreInverse) {
  for (int x = -kStretchMax; x < kStretchMax; ++x) {
    ASSERT_LE(squash(x), squash(x + 1)) << x;
    ASSERT_EQ(squash(x) + squash(-x), 65536u) << x;
  }
  EXPECT_EQ(squash(0), 32768u);
  // 1 / (1 + e^-1) = 0.731058...
  EXPECT_NEAR(static_cast<double>(squash(256)), 0.7310585786 * 65536, 1.0);
  for (std::uint32_t p = 24; p < 65536; p += 16) {
    ASSERT_NEAR(static_cast<double>(squash(stretch(p))), p, 70.0) << p;
  }
  EXPECT_NEAR(cost_of(32768), 65536.0, 40.0);
  EXPECT_NEAR(cost_of(8192), 3 * 65536.0, 150.0);
}

// The tables are part of the format: a change would make old streams undecodable.
TEST(Tables, AreFixed) {
  std::vector<std::uint8_t> bytes;
  const auto put = [&](std::int64_t v) {
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
  };
  for (const auto v : kTables.squash) put(v);
  for (const auto v : kTables.stretch) put(v);
  EXPECT_EQ(md5_hex(bytes), "61969e45c220a15bf44f1f10278e5e67");
}

TEST(BinaryCoder, RoundTripsAtAllProbabilities) {
  for (int seed = 1; seed <= 200; ++seed) {
    Numbers numbers(static_cast<std::uint64_t>(seed));
    const int count = numbers.below(300);
    const int style = seed % 4;
    std::vector<int> bits;
    std::vector<std::uint32_t> p;
    for (int i = 0; i < count; ++i) {
      p.push_back(style == 0   ? 1u
                  : style == 1 ? 65535u
                               : static_cast<std::uint32_t>(1 + numbers.below(65535)));
      bits.push_back(style == 2 ? 1 : numbers.below(65536) < static_cast<int>(p.back()) ? 1 : 0);
    }
    BinaryCoder writer(BinaryCoder::Mode::write);
    for (std::size_t i = 0; i < bits.size(); ++i) writer.code(bits[i], p[i]);
    const std::uint64_t ideal_bits = writer.cost() / 65536;
    const auto bytes = writer.finish();
    EXPECT_LE(bytes.size(), ideal_bits / 8 + 3) << seed;
    BinaryCoder reader(bytes);
    for (std::size_t i = 0; i < bits.size(); ++i) {
      ASSERT_EQ(reader.code(0, p[i]), bits[i]) << seed << " " << i;
    }
    EXPECT_FALSE(reader.overrun()) << seed;
  }
}

TEST(BinaryCoder, NothingCostsNothing) {
  BinaryCoder writer(BinaryCoder::Mode::write);
  EXPECT_TRUE(writer.finish().empty());
}

TEST(BinaryCoder, ReadingOnPastTheEndIsNoticed) {
  const std::vector<std::uint8_t> bytes{1, 2, 3};
  BinaryCoder reader(bytes);
  for (int i = 0; i < 400; ++i) reader.code(0, 32768);
  EXPECT_TRUE(reader.overrun());
}

}  // namespace
}  // namespace semcodec::entropy
