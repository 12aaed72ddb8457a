#include "common/entropy/skip_model.h"

#include <gtest/gtest.h>

#include "common/entropy/frame_coder.h"
#include "tests/entropy/sample_frames.h"

namespace semcodec::entropy {
namespace {

TEST(SkipModel, LearnsAndComesBack) {
  std::vector<int> bits;
  for (int i = 0; i < 4000; ++i) bits.push_back(i % 97 == 5 ? 1 : 0);
  SkipModel writing(3);
  BinaryCoder out(BinaryCoder::Mode::write);
  for (std::size_t i = 0; i < bits.size(); ++i) writing.code(out, bits[i], i % 3);
  EXPECT_LT(writing.probability(0), 65536u / 20);
  const auto chunk = out.finish();
  EXPECT_LT(chunk.size(), 60u);  // 41 rare ones of 4000 hold 330 bits
  SkipModel reading(3);
  BinaryCoder in(chunk);
  for (std::size_t i = 0; i < bits.size(); ++i) ASSERT_EQ(reading.code(in, 0, i % 3), bits[i]) << i;
  EXPECT_FALSE(in.overrun());
}

TEST(SkipModel, SoftenedOnesMoveFaster) {
  SkipModel firm(1), soft(1);
  BinaryCoder sink(BinaryCoder::Mode::measure);
  for (int i = 0; i < 300; ++i) {
    firm.code(sink, 0, 0);
    soft.code(sink, 0, 0);
  }
  ASSERT_EQ(firm.probability(0), soft.probability(0));
  soft.limit_adaptation(20);
  firm.code(sink, 1, 0);
  soft.code(sink, 1, 0);
  EXPECT_GT(soft.probability(0), 4 * firm.probability(0));
}

// A scene at rest is skippable nearly everywhere, and a change in the midst of it is still told.
TEST(SkipModel, SpecksInPlanesOfSkipContextsComeBack) {
  FrameEncoder encoder(192, 128);
  FrameDecoder decoder(192, 128);
  SemanticFrame frame;
  frame.structure = {48, 32, 4, std::vector<std::uint8_t>(48 * 32, 0)};
  frame.labels = {48, 32, 5, std::vector<std::uint8_t>(48 * 32, 1)};
  frame.palette.assign(5, {10, 20, 30});
  test::Numbers numbers(3);
  for (int t = 0; t < 6; ++t) {
    frame.entry_point = t == 0;
    for (int n = 0; n < 4 * t; ++n) {
      const auto at = static_cast<std::size_t>(numbers.below(48 * 32));
      frame.structure.values[at] = static_cast<std::uint8_t>(numbers.below(4));
      frame.labels.values[at] = static_cast<std::uint8_t>(numbers.below(5));
    }
    SemanticFrame back = plane_header_of(frame);
    decoder.decode(encoder.encode(frame), back);
    ASSERT_EQ(back, frame) << t;
  }
}

}  // namespace
}  // namespace semcodec::entropy
