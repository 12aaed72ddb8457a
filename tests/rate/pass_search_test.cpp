#include "encoder/rate/pass_search.h"

#include <gtest/gtest.h>

#include "tests/rate/simulated_encoder.h"

namespace semcodec {
namespace {

struct Found {
  PassSearch search;
  PassRecord best;
  double miss = 0;
};

Found search(const Simulation& video, double target, int most = 4, bool trims = true) {
  PassSearch::Options options;
  options.target = target * video.seconds;
  options.duration = video.seconds;
  options.most = most;
  auto model = RateModel::typical(512, 272, true);
  model.trims = trims;
  Found found{PassSearch(options, model), {}, 0};
  while (const auto control = found.search.next()) {
    auto record = video.run(control.get());
    if (found.search.finish(record)) found.best = std::move(record);
  }
  found.miss = found.best.total / options.target - 1;
  return found;
}

TEST(PassSearch, MeetsTheTargetWithinATwentiethOnShortVideos) {
  for (const double target : {2e3, 4e3, 8e3, 16e3, 32e3}) {
    for (std::uint32_t seed = 1; seed <= 12; ++seed) {
      const Simulation video = short_video(seed);
      const auto found = search(video, target);
      EXPECT_LT(std::abs(found.miss), 0.05) << target << " seed " << seed;
      EXPECT_LE(found.search.passes(), 7);
    }
  }
}

TEST(PassSearch, WithoutTrimmingOneQualityMeetsTheTarget) {
  for (const double target : {2e3, 4e3, 8e3, 16e3, 32e3}) {
    for (std::uint32_t seed = 1; seed <= 12; ++seed) {
      Simulation video = short_video(seed);
      video.step = 0.02;
      const auto found = search(video, target, 4, false);
      EXPECT_LT(std::abs(found.miss), 0.05) << target << " seed " << seed;
      for (const CodedFrameCost& coded_frame : found.best.coded_frames) {
        EXPECT_EQ(coded_frame.choice.quality, found.best.coded_frames.front().choice.quality);
        EXPECT_EQ(coded_frame.choice.interval_scale, 1);
      }
    }
  }
}

TEST(PassSearch, TwoPassesSufficeForALongVideo) {
  for (const double target : {4e3, 8e3, 16e3}) {
    Simulation video;
    video.seconds = 300;
    video.scenes = {0, 0.8, -0.6, 0.3, 1, -0.2};
    const auto found = search(video, target);
    EXPECT_LT(std::abs(found.miss), 0.015) << target;
    EXPECT_LE(found.search.passes(), 3) << target;
    EXPECT_EQ(found.search.end(), PassSearch::End::reached);
  }
}

TEST(PassSearch, JumpsOfTheRateAreBridged) {
  Simulation video;
  video.seconds = 60;
  video.step = 0.55;  // nearly all of the growth comes in jumps of 46 %
  for (double target = 3000; target < 20000; target *= 1.13) {
    EXPECT_LT(std::abs(search(video, target).miss), 0.03) << target;
  }
}

TEST(PassSearch, QualityIsTheSameAllAlong) {
  Simulation video;
  video.seconds = 120;
  video.scenes = {0, 1.2, -0.8, 0.6};
  const auto found = search(video, 8e3);
  double trim = 0;
  for (const CodedFrameCost& coded_frame : found.best.coded_frames) {
    EXPECT_EQ(coded_frame.choice.quality, found.best.coded_frames.front().choice.quality);
    EXPECT_GT(coded_frame.choice.interval_scale, 0.75);
    EXPECT_LT(coded_frame.choice.interval_scale, 1.34);
    trim += std::abs(std::log2(coded_frame.choice.interval_scale));
  }
  EXPECT_LT(trim / static_cast<double>(found.best.coded_frames.size()), 0.15)
      << "the intervals are trimmed by a tenth on average at most";
}

TEST(PassSearch, SaysWhereTheScaleEnds) {
  Simulation video;
  video.zero = 9000;
  const auto low = search(video, 2e3);
  EXPECT_EQ(low.search.end(), PassSearch::End::floor);
  EXPECT_EQ(low.search.passes(), 2);
  EXPECT_NEAR(low.best.total, video.run(nullptr, 0).total, 0.001 * low.best.total);
  video.zero = 300;
  const auto high = search(video, 200e3);
  EXPECT_EQ(high.search.end(), PassSearch::End::ceiling);
  EXPECT_NEAR(high.best.total, video.run(nullptr, 100).total, 0.001 * high.best.total);
}

TEST(PassSearch, ALittleBelowTheScaleTheIntervalsGrow) {
  Simulation video;
  video.zero = 2500;
  ASSERT_GT(video.run(nullptr, 0).total, 1.15 * 2e3 * video.seconds);
  const auto found = search(video, 2e3);
  EXPECT_LT(std::abs(found.miss), 0.05);
  EXPECT_EQ(found.best.coded_frames.back().choice.quality, 0);
}

TEST(PassSearch, TheBestPassIsKeptWhenNoneIsGoodEnough) {
  Simulation video;
  video.seconds = 4;
  video.noise = 0.5;
  PassSearch::Options options;
  options.target = 4e3 * video.seconds;
  options.duration = video.seconds;
  options.tolerance = 0;  // cannot be met
  PassSearch search(options, RateModel::typical(512, 272, true));
  std::vector<double> totals;
  while (const auto control = search.next()) {
    auto record = video.run(control.get());
    totals.push_back(record.total);
    search.finish(std::move(record));
  }
  EXPECT_EQ(search.end(), PassSearch::End::tried);
  ASSERT_EQ(totals.size(), 4u);
  const auto off = [&](std::size_t i) { return std::abs(totals[i] - options.target); };
  for (std::size_t i = 1; i < totals.size(); ++i) {
    EXPECT_LE(off(static_cast<std::size_t>(search.best())), off(i)) << i;
  }
}

}  // namespace
}  // namespace semcodec
