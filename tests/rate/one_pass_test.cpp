#include "encoder/rate/one_pass.h"

#include <gtest/gtest.h>

#include "tests/rate/simulated_encoder.h"

namespace semcodec {
namespace {

double miss(const Simulation& video, double target, bool known_length) {
  OnePassControl::Options options;
  options.target = target;
  if (known_length) options.duration = video.seconds;
  OnePassControl control(options, RateModel::typical(512, 272, true));
  return video.run(&control).total / (target * video.seconds) - 1;
}

TEST(OnePass, MeetsTheTargetWithinATenthOnShortVideos) {
  for (const double target : {2e3, 4e3, 8e3, 16e3, 32e3}) {
    for (std::uint32_t seed = 1; seed <= 12; ++seed) {
      const Simulation video = short_video(seed);
      EXPECT_LT(std::abs(miss(video, target, true)), 0.1) << target << " seed " << seed;
    }
  }
}

TEST(OnePass, MeetsTheTargetOnAVideoOfUnknownLength) {
  for (const double target : {4e3, 8e3, 16e3}) {
    Simulation video;
    video.seconds = 30;
    video.scenes = {0, 0.8, -0.6, 0.3};
    EXPECT_LT(std::abs(miss(video, target, false)), 0.1) << target;
  }
}

TEST(OnePass, MeetsTheTargetWhenAPipeEndsEarly) {
  for (const double seconds : {5.0, 8.0, 12.0, 20.0}) {
    for (const double target : {4e3, 8e3, 16e3}) {
      for (std::uint32_t seed = 1; seed <= 12; ++seed) {
        Simulation video = short_video(seed);
        video.seconds = seconds;
        EXPECT_LT(std::abs(miss(video, target, false)), 0.1)
            << seconds << " s, " << target << " seed " << seed;
      }
    }
  }
}

TEST(OnePass, CopesWithAVideoFarFromTheModel) {
  Simulation video;
  video.seconds = 20;
  video.zero = 4000;  // a busy scene costs three times the usual
  video.step = 0.4;
  EXPECT_LT(std::abs(miss(video, 12e3, true)), 0.05);
  video.zero = 400;
  EXPECT_LT(std::abs(miss(video, 8e3, true)), 0.05);
}

TEST(OnePass, MakesRoomForAudioThatCounts) {
  Simulation video;
  video.seconds = 30;
  video.other = 6000;
  EXPECT_LT(std::abs(miss(video, 14e3, true)), 0.05);
}

TEST(OnePass, StaysAtTheEndsOfTheScaleWhereItMust) {
  Simulation video;
  video.zero = 9000;
  EXPECT_GT(miss(video, 2e3, true), 1);
  OnePassControl floor({.target = 2e3, .duration = {}}, RateModel::typical(512, 272, true));
  const auto low = video.run(&floor);
  EXPECT_EQ(low.coded_frames.back().choice.quality, 0);
  EXPECT_LE(low.coded_frames.back().choice.interval_scale, 1)
      << "rarer coded frames than quality 0 has";
  video.zero = 300;
  OnePassControl ceiling({.target = 1e6, .duration = {}}, RateModel::typical(512, 272, true));
  EXPECT_EQ(video.run(&ceiling).coded_frames.back().choice.quality, 100);
}

TEST(OnePass, SmallErrorsMoveTheIntervalAndLeaveTheQuality) {
  Simulation video;
  video.seconds = 60;
  video.noise = 0.1;
  video.step = 0;
  OnePassControl control({.target = 8e3, .duration = 60.0}, RateModel::typical(512, 272, true));
  const auto record = video.run(&control);
  int moves = 0;
  for (std::size_t i = record.coded_frames.size() / 4; i < record.coded_frames.size(); ++i) {
    moves +=
        record.coded_frames[i].choice.quality != record.coded_frames[i - 1].choice.quality ? 1 : 0;
  }
  EXPECT_LE(moves, 5) << "of " << record.coded_frames.size() << " coded frames";
}

// What --control asks for: the choice moves at once, and what was spent before is no debt.
TEST(OnePass, ObeysAnotherTarget) {
  const auto model = RateModel::typical(512, 272, true);
  OnePassControl control({.target = 12e3, .duration = {}}, model);
  CodedFrameCost cost{0, 4000, 4000, true, control.choice()};
  double spent = 4000, now = 0;
  const auto run = [&](double seconds) {
    const double from = spent, until = now + seconds;
    while (now < until) {
      control.update(cost);
      const RateChoice choice = control.choice();
      const double interval = 0.3 * choice.interval_scale;
      now += interval;
      const double bits = std::exp2(model.zero + model.octaves(choice)) * interval;
      spent += bits;
      cost = {now, bits, spent, false, choice};
    }
    return (spent - from) / seconds;
  };
  EXPECT_NEAR(run(30) / 12e3, 1, 0.1);
  const double before = model.octaves(control.choice());
  EXPECT_TRUE(control.set_target(4e3));
  EXPECT_LT(model.octaves(control.choice()), before - 1);
  EXPECT_NEAR(run(30) / 4e3, 1, 0.1);
  EXPECT_TRUE(control.set_target(16e3));
  EXPECT_NEAR(run(30) / 16e3, 1, 0.1);
}

TEST(OnePass, PaperProfileUsesTheQualityAlone) {
  const auto model = RateModel::typical(512, 272, false);
  OnePassControl control({.target = 80e3, .duration = 10.0}, model);
  CodedFrameCost cost{0, 9000, 9500, true, control.choice()};
  for (int i = 1; i < 50; ++i) {
    control.update(cost);
    EXPECT_EQ(control.choice().interval_scale, 1);
    cost = {i * 0.04, 6000, cost.spent + 6000, false, control.choice()};
  }
  EXPECT_LT(control.choice().quality, model.quality(std::log2(80e3) - model.zero))
      << "150 kbit/s against 80 allowed should lower the quality";
}

}  // namespace
}  // namespace semcodec
