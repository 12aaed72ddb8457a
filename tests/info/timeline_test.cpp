#include "decoder/info/timeline.h"

#include <gtest/gtest.h>

#include <numeric>

namespace semcodec {
namespace {

TimelineFrame coded_frame(double seconds, std::uint64_t labels, std::uint64_t record_bytes) {
  TimelineFrame a;
  a.seconds = seconds;
  a.planes.labels = labels * kStatsUnitsPerBit;
  a.record_bytes = record_bytes;
  return a;
}

const std::vector<double>& part(const Timeline& timeline, const std::string& name) {
  for (const auto& [label, bits] : timeline.parts) {
    if (label == name) return bits;
  }
  throw std::runtime_error("no part " + name);
}

TEST(Timeline, CodedFramesCountForTheTimeBeforeThem) {
  const auto timeline = make_timeline(
      {coded_frame(0, 100, 20), coded_frame(0.4, 48, 12), coded_frame(1.2, 80, 20)}, 2.0, 4);
  EXPECT_DOUBLE_EQ(timeline.seconds_per_column, 0.5);
  const auto expect = [&](const char* name, const std::vector<double>& wanted) {
    const auto& bits = part(timeline, name);
    ASSERT_EQ(bits.size(), wanted.size());
    for (std::size_t i = 0; i < bits.size(); ++i) EXPECT_NEAR(bits[i], wanted[i], 1e-6) << name;
  };
  expect("labels", {100 + 48 + 10, 50, 20, 0});
  expect("records", {60 + 48 + 10, 50, 20, 0});
  expect("all", {160 + 96 + 20, 100, 40, 0});
  EXPECT_EQ(timeline.parts.size(), 3u) << "parts without bits are left out";
}

TEST(Timeline, ColumnsAreRoundAndNoMoreThanAskedFor) {
  for (const double seconds : {0.04, 1.0, 8.84, 61.0, 3600.0, 86400.0}) {
    for (const int columns : {10, 60, 200}) {
      const auto timeline =
          make_timeline({coded_frame(0, 8, 4), coded_frame(seconds, 8, 4)}, seconds, columns);
      const auto& all = part(timeline, "all");
      EXPECT_LE(all.size(), static_cast<std::size_t>(columns)) << seconds;
      EXPECT_NEAR(std::accumulate(all.begin(), all.end(), 0.0), 64, 1e-6) << "no bit is lost";
    }
  }
}

TEST(Timeline, NothingToShow) {
  EXPECT_TRUE(make_timeline({}, 10, 60).parts.empty());
  EXPECT_TRUE(make_timeline({coded_frame(0, 8, 4)}, 0, 60).parts.empty());
  EXPECT_EQ(draw_timeline({}, true), "");
}

TEST(Timeline, DrawsEachPartUpToItsPeak) {
  Timeline timeline;
  timeline.seconds_per_column = 0.5;
  timeline.parts = {{"labels", {800, 400, 0, 1}}};
  EXPECT_EQ(draw_timeline(timeline, true),
            "\nover time, 0.5 s a column; each line up to its peak\nlabels     █▄ ▁ 1.60 kbit/s\n");
  EXPECT_EQ(draw_timeline(timeline, false),
            "\nover time, 0.5 s a column; each line up to its peak\nlabels     #~ _ 1.60 kbit/s\n");
}

}  // namespace
}  // namespace semcodec
