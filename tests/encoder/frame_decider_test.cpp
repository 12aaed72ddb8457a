// Which frames become coded ones, with a sink that only takes notes.
#include "encoder/stages/frame_decider.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>

#include "semcodec/planes.h"

namespace semcodec {
namespace {

constexpr int kWidth = 64, kHeight = 64;

/// Stripes that move with `phase`; `scene` gives them colours of their own.
RgbImage picture(int phase, int scene = 0) {
  RgbImage out(kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const bool bright = ((x + 4 * phase) / 8 + (scene % 2 == 0 ? 0 : y / 8)) % 2 == 0;
      std::uint8_t* pixel = out.row(y) + 3 * x;
      pixel[0] = static_cast<std::uint8_t>(bright ? 220 - 180 * (scene % 2) : 30 + 60 * scene);
      pixel[1] = static_cast<std::uint8_t>(bright ? 40 + 90 * (scene % 3) : 200 - 90 * (scene % 2));
      pixel[2] = static_cast<std::uint8_t>(scene % 2 == 0 ? 90 : 220);
    }
  }
  return out;
}

class Notes : public FrameDecider::Sink {
 public:
  bool wait(const SourceFrame&, double seconds, std::size_t) override { return seconds < ahead; }
  void follow(const SourceFrame& frame) override { followed.push_back(frame.pts); }
  double interval() const override { return every; }
  bool room(double) const override { return has_room; }
  double code(CodedFramePlan plan) override {
    plans.push_back(std::move(plan));
    return every;
  }

  std::vector<std::int64_t> coded() const {
    std::vector<std::int64_t> out;
    for (const auto& plan : plans) out.push_back(plan.frame.pts);
    return out;
  }
  std::vector<std::int64_t> entries() const {
    std::vector<std::int64_t> out;
    for (const auto& plan : plans) {
      if (plan.entry_point) out.push_back(plan.frame.pts);
    }
    return out;
  }

  double every = 0.2, ahead = 0;
  bool has_room = true;
  std::vector<CodedFramePlan> plans;
  std::vector<std::int64_t> followed;
};

/// 25 frames a second, a pts unit each.
DeciderOptions options() {
  DeciderOptions out;
  out.time_base = {1, 25};
  out.frame_seconds = 0.04;
  return out;
}

using Times = std::vector<std::int64_t>;

TEST(FrameDecider, CodesAtTheIntervalAndAtTheEnd) {
  Notes sink;
  FrameDecider decider(options(), sink);
  for (int i = 0; i < 13; ++i) decider.push(picture(i), i);
  decider.finish();
  EXPECT_EQ(sink.coded(), (Times{0, 5, 10, 12}));
  EXPECT_EQ(sink.entries(), (Times{0}));
  EXPECT_EQ(sink.plans[1].interpolated_pts, (Times{1, 2, 3, 4}));
  EXPECT_EQ(sink.plans[3].interpolated_pts, (Times{11}));
  EXPECT_DOUBLE_EQ(sink.plans[2].seconds, 0.4);
  EXPECT_EQ(sink.followed.size(), 13u);
  EXPECT_EQ(decider.frames(), 13);
}

TEST(FrameDecider, ACutEndsTheSceneBeforeIt) {
  Notes sink;
  FrameDecider decider(options(), sink);
  for (int i = 0; i < 8; ++i) decider.push(picture(i), i);
  for (int i = 8; i < 16; ++i) decider.push(picture(i, 3), i);
  decider.finish();
  ASSERT_EQ(decider.scenes(), 1);
  EXPECT_EQ(sink.coded(), (Times{0, 5, 7, 8, 13, 15}));
  EXPECT_EQ(sink.entries(), (Times{0, 8}));
  EXPECT_TRUE(sink.plans[3].frame.cut);
  EXPECT_TRUE(sink.plans[3].interpolated_pts.empty());

  Notes without;
  auto blind = options();
  blind.scene_cut = false;
  FrameDecider other(blind, without);
  for (int i = 0; i < 16; ++i) other.push(picture(i, i < 8 ? 0 : 3), i);
  other.finish();
  EXPECT_EQ(without.entries(), (Times{0}));
}

TEST(FrameDecider, WhereNothingChangesAFrameWaitsForItsPatience) {
  Notes sink;
  FrameDecider decider(options(), sink);
  for (int i = 0; i < 40; ++i) decider.push(picture(0), i);
  decider.finish();
  EXPECT_EQ(sink.coded(), (Times{0, 15, 30, 39})) << "three intervals of five frames";

  Notes grid;
  auto fixed = options();
  fixed.patience = 1;
  FrameDecider other(fixed, grid);
  for (int i = 0; i < 12; ++i) other.push(picture(0), i);
  other.finish();
  EXPECT_EQ(grid.coded(), (Times{0, 5, 10, 11}));
}

TEST(FrameDecider, EntryPointsComeWhenDueWantedOrAskedFor) {
  Notes sink;
  auto wanted = options();
  wanted.keyint = 0.8;
  wanted.keys = {0.28};
  FrameDecider decider(wanted, sink);
  for (int i = 0; i < 40; ++i) {
    if (i == 33) decider.request_entry_point();
    decider.push(picture(i), i);
  }
  decider.finish();
  EXPECT_EQ(sink.entries(), (Times{0, 7, 27, 33}));
}

TEST(FrameDecider, WithoutRoomOnlyWhatIsForcedIsCoded) {
  Notes sink;
  sink.has_room = false;
  auto bounded = options();
  bounded.most_interval = 0.8;
  FrameDecider decider(bounded, sink);
  for (int i = 0; i < 50; ++i) decider.push(picture(i), i);
  decider.finish();
  EXPECT_EQ(sink.coded(), (Times{0, 20, 40, 49}));
}

TEST(FrameDecider, FramesWaitInTheQueueAndOtherThingsBehindThem) {
  Notes sink;
  sink.ahead = 0.4;
  FrameDecider decider(options(), sink);
  std::string order;
  for (int i = 0; i < 15; ++i) {
    decider.push(picture(i), i);
    if (i == 1) {
      decider.after_frames([&] { order = std::to_string(sink.followed.size()); });
      EXPECT_TRUE(order.empty()) << "frame 1 waits";
    }
  }
  EXPECT_EQ(order, "2");
  EXPECT_EQ(sink.followed.size(), 5u);
  EXPECT_EQ(decider.waiting().size(), 10u);
  EXPECT_FALSE(decider.ended());
  decider.finish();
  EXPECT_TRUE(decider.ended());
  EXPECT_EQ(sink.coded(), (Times{0, 5, 10, 14}));
  bool called = false;
  decider.after_frames([&] { called = true; });
  EXPECT_TRUE(called) << "nothing waits";
}

TEST(FrameDecider, NeverMoreInterpolatedFramesThanAStreamMayCarry) {
  Notes sink;
  sink.every = 1e6;
  auto patient = options();
  patient.patience = 1e6;
  FrameDecider decider(patient, sink);
  for (int i = 0; i < 2 * kMaxInterpolatedFrames; ++i) decider.push(picture(0), i);
  decider.finish();
  ASSERT_GE(sink.plans.size(), 3u);
  for (const auto& plan : sink.plans) {
    EXPECT_LE(plan.interpolated_pts.size(), static_cast<std::size_t>(kMaxInterpolatedFrames));
  }
}

}  // namespace
}  // namespace semcodec
