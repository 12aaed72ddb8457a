#include "common/packets/pacer.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/core/error.h"
#include "tests/entropy/sample_frames.h"

namespace semcodec {
namespace {

TEST(Pacer, NoWindowHoldsMoreThanTheRate) {
  test::Numbers numbers(9);
  for (const double window : {0.3, 1.0, 2.0}) {
    double now = 100;
    Pacer pacer(
        8000, window, 200, [&] { return now; }, [&](double s) { now += s; });
    std::vector<std::pair<double, double>> sent;  // time, bits
    for (int i = 0; i < 2000; ++i) {
      if (numbers.below(10) == 0) now += 0.1 * numbers.below(20);
      const auto bytes = static_cast<std::size_t>(20 + numbers.below(181));
      pacer.wait(bytes);
      sent.emplace_back(now, 8.0 * static_cast<double>(bytes));
    }
    for (std::size_t i = 0; i < sent.size(); ++i) {
      double bits = 0;
      for (std::size_t j = i; j < sent.size() && sent[j].first < sent[i].first + window; ++j) {
        bits += sent[j].second;
      }
      ASSERT_LE(bits, 8000 * window + 1e-6) << i;
    }
  }
}

TEST(Pacer, NobodyWaitsBelowTheRate) {
  double now = 0;
  Pacer pacer(
      8000, 2, 200, [&] { return now; }, [&](double s) { now += s; });
  for (int i = 0; i < 50; ++i) {
    pacer.wait(200);
    now += 0.25;
  }
  EXPECT_EQ(pacer.longest_wait(), 0);
  EXPECT_NEAR(now, 12.5, 1e-9);
}

TEST(Pacer, RefusesALinkTooThinForAPacket) { EXPECT_THROW(Pacer(1000, 1, 200), Error); }

}  // namespace
}  // namespace semcodec
