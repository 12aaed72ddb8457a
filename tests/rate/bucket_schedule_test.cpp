#include <gtest/gtest.h>

#include "encoder/rate/frame_schedule.h"
#include "encoder/rate/leaky_bucket.h"

namespace semcodec {
namespace {

TEST(LeakyBucket, FillsAndDrains) {
  LeakyBucket bucket(1000, 2);
  EXPECT_DOUBLE_EQ(bucket.room(0), 2000);
  bucket.add(0, 1500);
  EXPECT_DOUBLE_EQ(bucket.room(0), 500);
  EXPECT_DOUBLE_EQ(bucket.room(0.5), 1000);
  EXPECT_DOUBLE_EQ(bucket.room(10), 2000) << "it drains to empty, not below";
  bucket.add(1, 1500);
  EXPECT_EQ(bucket.overflows(), 0u);
  EXPECT_DOUBLE_EQ(bucket.room(1), 0);
  EXPECT_DOUBLE_EQ(bucket.fullest(), 1);
  bucket.add(1.1, 300);
  EXPECT_EQ(bucket.overflows(), 1u);
  EXPECT_DOUBLE_EQ(bucket.fullest(), 1.1);
}

int coded_frames(FrameSchedule& schedule, double fps, int frames, double interval) {
  int count = 0;
  for (int i = 0; i < frames; ++i) {
    if (!schedule.due(i / fps, interval)) continue;
    schedule.sent(i / fps, interval, false);
    ++count;
  }
  return count;
}

TEST(FrameSchedule, MeanIntervalIsTheOneAskedFor) {
  for (const double interval : {0.2, 0.26, 0.3, 0.347, 0.41, 1.0}) {
    FrameSchedule schedule(1 / 25.0, 0, {});
    const int count = coded_frames(schedule, 25, 2500, interval);
    EXPECT_NEAR(count, 100 / interval, 1.5) << interval;
  }
}

TEST(FrameSchedule, IntervalsShorterThanAFrameMakeEveryFrameAnCodedFrame) {
  FrameSchedule schedule(1 / 25.0, 0, {});
  EXPECT_EQ(coded_frames(schedule, 25, 50, 0), 50);
  FrameSchedule unknown_rate(0, 0, {});
  EXPECT_EQ(coded_frames(unknown_rate, 25, 50, 0.01), 50);
}

TEST(FrameSchedule, AForcedCodedFrameStartsTheGridAfresh) {
  FrameSchedule schedule(0.04, 0, {});
  schedule.sent(0, 0.4, true);
  schedule.sent(0.2, 0.4, true);
  EXPECT_FALSE(schedule.due(0.4, 0.4));
  EXPECT_TRUE(schedule.due(0.6, 0.4));
}

TEST(FrameSchedule, ALateCodedFrameIsNotPaidBack) {
  FrameSchedule schedule(0.04, 0, {});
  schedule.sent(0, 0.4, true);
  schedule.sent(1.0, 0.4, false);  // postponed
  EXPECT_FALSE(schedule.due(1.2, 0.4));
  EXPECT_TRUE(schedule.due(1.4, 0.4));
}

TEST(FrameSchedule, ARequestedKeyIsDueUntilItIsSent) {
  FrameSchedule schedule(0.04, 0, {});
  schedule.sent(0, 0.3, true);
  EXPECT_FALSE(schedule.key_due(0.04));
  schedule.request_key();
  EXPECT_TRUE(schedule.key_due(0.04));
  schedule.sent(0.04, 0.3, true);
  EXPECT_FALSE(schedule.key_due(0.08));
}

TEST(FrameSchedule, LatencyCapsTheInterval) {
  FrameSchedule schedule(0.04, 0.2, {});
  schedule.sent(0, 1, true);
  EXPECT_FALSE(schedule.overdue(0.16));
  EXPECT_TRUE(schedule.overdue(0.2));
  EXPECT_TRUE(schedule.due(0.2, 1));
}

TEST(FrameSchedule, KeysFallOnTheNearestFrameAndOnlyOnce) {
  FrameSchedule schedule(0.04, 0, {1.99, 0.41});
  schedule.sent(0, 1, true);
  EXPECT_FALSE(schedule.key_due(0.36));
  EXPECT_TRUE(schedule.key_due(0.40));
  schedule.sent(0.40, 1, true);
  EXPECT_FALSE(schedule.key_due(0.44));
  EXPECT_TRUE(schedule.key_due(2.0));
  schedule.sent(2.0, 1, true);
  EXPECT_FALSE(schedule.key_due(100));
}

}  // namespace
}  // namespace semcodec
