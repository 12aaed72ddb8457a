// Pairing by time. The first byte of a picture says which output frame it is.

#include <gtest/gtest.h>

#include <vector>

#include "evaluation/alignment.h"

namespace semcodec {
namespace {

Aligner::Pull frames_at(std::vector<double> times) {
  return [times = std::move(times), i = std::size_t{0}]() mutable -> std::optional<TimedFrame> {
    if (i == times.size()) return std::nullopt;
    TimedFrame frame{times[i], RgbImage(1, 1)};
    frame.image.pixels[0] = static_cast<std::uint8_t>(i++);
    return frame;
  };
}

/// The output frame paired with each source frame, as "0 1h 2": h = held, | before = a gap.
std::string pairing(Aligner& aligner) {
  std::string text;
  while (auto pair = aligner.next()) {
    if (!text.empty()) text += pair->follows ? " " : " | ";
    text += std::to_string(pair->source.image.pixels[0]) + ":" +
            std::to_string(pair->output.pixels[0]) + (pair->held ? "h" : "");
  }
  return text;
}

TEST(Aligner, PairsEqualTimes) {
  Aligner aligner(frames_at({0, 1, 2}), frames_at({0, 1, 2}), 1, false);
  EXPECT_EQ(pairing(aligner), "0:0 1:1 2:2");
  EXPECT_EQ(aligner.paired(), 3);
  EXPECT_EQ(aligner.source_unpaired() + aligner.output_unpaired(), 0);
}

TEST(Aligner, TakesTheNearestWithinHalfAFrame) {
  Aligner aligner(frames_at({0, 1, 2, 3}), frames_at({0.3, 0.8, 2.4, 3.6}), 1, false);
  EXPECT_EQ(pairing(aligner), "0:0 1:1 2:2");
  EXPECT_EQ(aligner.source_unpaired(), 1);
  EXPECT_EQ(aligner.output_unpaired(), 1);
}

TEST(Aligner, CountsFramesThatWereLost) {
  Aligner aligner(frames_at({0, 1, 2, 3, 4}), frames_at({0, 3, 4, 5, 6}), 1, false);
  EXPECT_EQ(pairing(aligner), "0:0 | 3:1 4:2");
  EXPECT_EQ(aligner.source_frames(), 5);
  EXPECT_EQ(aligner.output_frames(), 5);
  EXPECT_EQ(aligner.source_unpaired(), 2);
  EXPECT_EQ(aligner.output_unpaired(), 2);
}

TEST(Aligner, UsesAnOutputFrameOnce) {
  Aligner aligner(frames_at({0, 0.5, 1}), frames_at({0.25, 1}), 0.5, false);
  EXPECT_EQ(pairing(aligner), "0:0 | 2:1");
}

TEST(Aligner, HoldsWhatAPlayerWouldShow) {
  Aligner aligner(frames_at({0, 1, 2, 3, 4}), frames_at({1, 3}), 1, true);
  EXPECT_EQ(pairing(aligner), "1:0 2:0h 3:1 4:1h");
  EXPECT_EQ(aligner.held(), 2);
  EXPECT_EQ(aligner.paired(), 2);
  EXPECT_EQ(aligner.source_unpaired(), 1);
}

TEST(Aligner, ShiftsTheOutput) {
  Aligner aligner(frames_at({0, 1, 2}), frames_at({100, 101, 102}), 1, false, -100);
  EXPECT_EQ(pairing(aligner), "0:0 1:1 2:2");
}

TEST(Aligner, DropsExtraFramesOfAFasterOutput) {
  Aligner aligner(frames_at({0, 1, 2}), frames_at({0, 0.5, 1, 1.5, 2, 2.5}), 1, false);
  EXPECT_EQ(pairing(aligner), "0:0 1:2 2:4");
  EXPECT_EQ(aligner.output_unpaired(), 3);
}

TEST(Aligner, CopesWithNothing) {
  Aligner no_output(frames_at({0, 1}), frames_at({}), 1, true);
  EXPECT_EQ(pairing(no_output), "");
  EXPECT_EQ(no_output.source_unpaired(), 2);
  Aligner no_source(frames_at({}), frames_at({0, 1}), 1, false);
  EXPECT_EQ(pairing(no_source), "");
  EXPECT_EQ(no_source.output_unpaired(), 2);
}

}  // namespace
}  // namespace semcodec
