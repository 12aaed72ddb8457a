#include "common/app/pace_clock.h"

#include <gtest/gtest.h>

namespace semcodec {
namespace {

TEST(PaceClock, PicturesThatAreEarlyWaitForTheirTime) {
  PaceClock clock(PaceClock::Kind::player);
  EXPECT_EQ(clock.wait(5, 100), 0);
  for (int i = 1; i < 10; ++i) EXPECT_NEAR(clock.wait(5 + 0.04 * i, 100), 0.04 * i, 1e-9);
}

TEST(PaceClock, APlayerGoesOnFromAPictureThatCameLate) {
  PaceClock clock(PaceClock::Kind::player);
  clock.wait(0, 0);
  EXPECT_EQ(clock.wait(1, 3), 0);
  EXPECT_NEAR(clock.wait(1.04, 3), 0.04, 1e-9);
  // A little late is no reason to move the others.
  EXPECT_EQ(clock.wait(1.08, 3.09), 0);
  EXPECT_NEAR(clock.wait(1.12, 3.09), 0.03, 1e-9);
}

TEST(PaceClock, ACameraDoesNotWaitForWhoIsLate) {
  PaceClock clock(PaceClock::Kind::camera);
  clock.wait(0, 0);
  EXPECT_EQ(clock.wait(1, 3), 0);
  EXPECT_EQ(clock.wait(2, 3), 0);
  EXPECT_NEAR(clock.wait(3.5, 3), 0.5, 1e-9);
}

/// A picture every 0.04 s, one of them held up by a second, and all that follow on time again.
double wait_after_a_stall(PaceClock::Kind kind) {
  PaceClock clock(kind);
  double wait = 0;
  for (int i = 0; i < 1000; ++i) {
    const double time = 0.04 * i;
    wait = clock.wait(time, time + (i == 10 ? 1 : 0));
  }
  return wait;
}

TEST(PaceClock, LivePicturesWorkOffTheDelayOfAStall) {
  EXPECT_NEAR(wait_after_a_stall(PaceClock::Kind::player), 1, 1e-6);
  EXPECT_LT(wait_after_a_stall(PaceClock::Kind::live), 0.1);
  EXPECT_GE(wait_after_a_stall(PaceClock::Kind::live), 0);
}

TEST(PaceClock, ALeapInTheTimesIsNotWaitedFor) {
  PaceClock clock(PaceClock::Kind::player);
  clock.wait(0, 0);
  EXPECT_EQ(clock.wait(1e9, 0), 0);
  EXPECT_NEAR(clock.wait(1e9 + 0.5, 0), 0.5, 1e-6);
  EXPECT_EQ(clock.wait(3, 0), 0);
}

TEST(PaceClock, APauseEndsWhenItIsStopped) {
  int asked = 0;
  pause_for(1000, [&] { return ++asked == 2; });
  EXPECT_EQ(asked, 2);
  pause_for(0, {});
}

}  // namespace
}  // namespace semcodec
