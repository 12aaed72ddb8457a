#include <gtest/gtest.h>

#include "encoder/rate/anchor_schedule.h"
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

int anchors(AnchorSchedule& schedule, double fps, int frames, double interval) {
  int count = 0;
  for (int i = 0; i < frames; ++i) {
    if (!schedule.due(i / fps, interval)) continue;
    schedule.sent(i / fps, interval, false);
    ++count;
  }
  return count;
}

TEST(AnchorSchedule, MeanIntervalIsTheOneAskedFor) {
  for (const double interval : {0.2, 0.26, 0.3, 0.347, 0.41, 1.0}) {
    AnchorSchedule schedule(1 / 25.0, 0, {});
    const int count = anchors(schedule, 25, 2500, interval);
    EXPECT_NEAR(count, 100 / interval, 1.5) << interval;
  }
}

TEST(AnchorSchedule, IntervalsShorterThanAFrameMakeEveryFrameAnAnchor) {
  AnchorSchedule schedule(1 / 25.0, 0, {});
  EXPECT_EQ(anchors(schedule, 25, 50, 0), 50);
  AnchorSchedule unknown_rate(0, 0, {});
  EXPECT_EQ(anchors(unknown_rate, 25, 50, 0.01), 50);
}

TEST(AnchorSchedule, AForcedAnchorStartsTheGridAfresh) {
  AnchorSchedule schedule(0.04, 0, {});
  schedule.sent(0, 0.4, true);
  schedule.sent(0.2, 0.4, true);
  EXPECT_FALSE(schedule.due(0.4, 0.4));
  EXPECT_TRUE(schedule.due(0.6, 0.4));
}

TEST(AnchorSchedule, ALateAnchorIsNotPaidBack) {
  AnchorSchedule schedule(0.04, 0, {});
  schedule.sent(0, 0.4, true);
  schedule.sent(1.0, 0.4, false);  // postponed
  EXPECT_FALSE(schedule.due(1.2, 0.4));
  EXPECT_TRUE(schedule.due(1.4, 0.4));
}

TEST(AnchorSchedule, ARequestedKeyIsDueUntilItIsSent) {
  AnchorSchedule schedule(0.04, 0, {});
  schedule.sent(0, 0.3, true);
  EXPECT_FALSE(schedule.key_due(0.04));
  schedule.request_key();
  EXPECT_TRUE(schedule.key_due(0.04));
  schedule.sent(0.04, 0.3, true);
  EXPECT_FALSE(schedule.key_due(0.08));
}

TEST(AnchorSchedule, LatencyCapsTheInterval) {
  AnchorSchedule schedule(0.04, 0.2, {});
  schedule.sent(0, 1, true);
  EXPECT_FALSE(schedule.overdue(0.16));
  EXPECT_TRUE(schedule.overdue(0.2));
  EXPECT_TRUE(schedule.due(0.2, 1));
}

TEST(AnchorSchedule, KeysFallOnTheNearestFrameAndOnlyOnce) {
  AnchorSchedule schedule(0.04, 0, {1.99, 0.41});
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
