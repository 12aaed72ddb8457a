// The governor between rate control and peak limit, with a control that says what it is told to.
#include "encoder/stages/rate_governor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace semcodec {
namespace {

class Scripted : public RateControl {
 public:
  RateChoice choice() const override { return next; }
  void update(const CodedFrameCost& cost) override { seen.push_back(cost); }
  bool set_target(double rate) override {
    target = rate;
    return takes_targets;
  }
  RateChoice next{70, 1};
  double target = 0;
  bool takes_targets = true;
  std::vector<CodedFrameCost> seen;
};

SpentBits frame(double seconds, double bits, double quality) {
  return {seconds, bits, 100, bits, quality, false};
}

TEST(RateGovernor, WithoutControlAndPeakTheQualityIsConstant) {
  RateGovernor governor(nullptr, std::nullopt, 42);
  EXPECT_FALSE(governor.active());
  EXPECT_EQ(governor.quality(), 42);
  EXPECT_EQ(governor.interval_scale(), 1);
  EXPECT_TRUE(std::isinf(governor.room(0, false)));
  EXPECT_TRUE(governor.any_fits(0));
  EXPECT_FALSE(governor.set_target(8000));
  governor.account(frame(0, 1e9, 42));
  EXPECT_EQ(governor.quality(), 42);
}

TEST(RateGovernor, TellsTheControlWhatAFrameTookAndTakesItsChoice) {
  auto control = std::make_shared<Scripted>();
  RateGovernor governor(control, std::nullopt, 10);
  EXPECT_EQ(governor.quality(), 70) << "not the constant quality";
  control->next = {55, 1.25};
  governor.account({0.4, 900, 100, 1500, 70, true});
  ASSERT_EQ(control->seen.size(), 1u);
  EXPECT_EQ(control->seen[0].seconds, 0.4);
  EXPECT_EQ(control->seen[0].bits, 900);
  EXPECT_EQ(control->seen[0].spent, 1500);
  EXPECT_TRUE(control->seen[0].entry_point);
  EXPECT_EQ(control->seen[0].choice.quality, 70);
  EXPECT_EQ(control->seen[0].choice.interval_scale, 1) << "what the frame was made with";
  EXPECT_EQ(governor.quality(), 55);
  EXPECT_EQ(governor.interval_scale(), 1.25);
}

TEST(RateGovernor, ANewTargetTakesEffectAtOnceWhereTheControlTakesIt) {
  auto control = std::make_shared<Scripted>();
  RateGovernor governor(control, std::nullopt, 10);
  control->next = {20, 1};
  EXPECT_TRUE(governor.set_target(4000));
  EXPECT_EQ(control->target, 4000);
  EXPECT_EQ(governor.quality(), 20);
  control->takes_targets = false;
  control->next = {90, 1};
  EXPECT_FALSE(governor.set_target(8000));
  EXPECT_EQ(governor.quality(), 20);
}

TEST(RateGovernor, KeepsAQuarterOfTheBucketForEntryPoints) {
  RateGovernor governor(nullptr, LeakyBucket(8000, 1), 60);
  EXPECT_DOUBLE_EQ(governor.room(0, true), 8000);
  EXPECT_DOUBLE_EQ(governor.room(0, false), 6000);
  governor.account(frame(0, 6000, 60));
  EXPECT_DOUBLE_EQ(governor.room(0, true), 2000);
  EXPECT_DOUBLE_EQ(governor.room(0.5, true), 6000) << "the link took 4000 bits meanwhile";
}

TEST(RateGovernor, WaitsWhereEvenTheSmallestFrameWouldNotFit) {
  RateGovernor governor(nullptr, LeakyBucket(8000, 1), 60);
  EXPECT_TRUE(governor.any_fits(0));
  governor.account(frame(0, 5900, 60));
  // Motion and record stay, a quarter of the rest: 100 + 80 + 1430.
  EXPECT_FALSE(governor.any_fits(0));
  EXPECT_TRUE(governor.any_fits(0.2));
}

TEST(RateGovernor, AQualityThatThePeakLoweredRisesAgainSlowly) {
  RateGovernor governor(nullptr, LeakyBucket(8000, 1), 60);
  governor.account(frame(0, 3000, 40));
  EXPECT_EQ(governor.quality(), 40) << "it had to be made at 40";
  governor.account(frame(1, 1000, 40));
  EXPECT_EQ(governor.quality(), 41.5);
  for (int i = 2; i < 60; ++i) governor.account(frame(i, 1000, governor.quality()));
  EXPECT_EQ(governor.quality(), 60);
}

}  // namespace
}  // namespace semcodec
