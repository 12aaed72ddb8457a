#include "common/entropy/frame_coder.h"

#include <gtest/gtest.h>

#include "common/core/error.h"
#include "common/core/hash.h"
#include "tests/entropy/sample_frames.h"

namespace semcodec {
namespace {

using test::Numbers;
using test::SampleShape;

constexpr int kWorkWidth = 192;
constexpr int kWorkHeight = 128;

void expect_round_trip(const std::vector<SemanticFrame>& frames) {
  FrameEncoder encoder(kWorkWidth, kWorkHeight);
  FrameDecoder decoder(kWorkWidth, kWorkHeight);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EncodeStats written, read;
    const std::uint64_t predicted = encoder.cost(frames[i]);
    const auto chunk = encoder.encode(frames[i], &written);
    SemanticFrame decoded = plane_header_of(frames[i]);
    decoder.decode(chunk, decoded, &read);
    ASSERT_EQ(decoded, frames[i]) << "frame " << i;
    EXPECT_EQ(predicted, written.total());
    EXPECT_EQ(written.total(), read.total());
    // The chunk is as long as the stated cost, give or take its last bytes.
    const double bits = static_cast<double>(written.total()) / kStatsUnitsPerBit;
    EXPECT_LE(static_cast<double>(chunk.size()) * 8, bits * 1.002 + 24) << "frame " << i;
  }
}

TEST(FrameCoder, RoundTripsScenes) {
  std::vector<SemanticFrame> frames;
  for (int t = 0; t < 8; ++t) frames.push_back(test::scene_frame(t, SampleShape{}, t % 5 == 0));
  expect_round_trip(frames);
}

TEST(FrameCoder, RoundTripsNoiseOfManySizes) {
  for (int seed = 1; seed <= 60; ++seed) {
    Numbers numbers(static_cast<std::uint64_t>(seed));
    std::vector<SemanticFrame> frames;
    for (int t = 0; t < 3; ++t) {
      SampleShape s;
      const auto size = [&] { return 1 + numbers.below(seed % 3 == 0 ? 3 : 20); };
      const auto levels = [&] {
        return seed % 2 == 0 ? 2 + numbers.below(255) : 2 + numbers.below(6);
      };
      s = {size(), size(),   size(),           size(), levels(), size(),
           size(), levels(), numbers.below(4), size(), size(),   levels()};
      frames.push_back(test::noise_frame(numbers, s, t == 0));
    }
    expect_round_trip(frames);
  }
}

TEST(FrameCoder, RoundTripsOneByOne) {
  const SampleShape one{1, 1, 1, 1, 2, 1, 1, 2, 1, 1, 1, 2};
  std::vector<SemanticFrame> frames;
  for (int t = 0; t < 6; ++t) frames.push_back(test::scene_frame(t, one, t == 0));
  expect_round_trip(frames);
}

TEST(FrameCoder, RoundTripsMissingPartsAndCuts) {
  std::vector<SemanticFrame> frames;
  for (int t = 0; t < 16; ++t) {
    SemanticFrame frame = test::scene_frame(t, SampleShape{}, t == 0);
    if ((t & 1) != 0) frame.structure = {};
    if ((t & 2) != 0) {
      frame.labels = {};
      frame.palette.clear();
    }
    if ((t & 4) != 0) frame.motion = {};
    if ((t & 8) != 0) frame.texture.clear();
    if (t == 6) {
      frame.motion = {};
      frame.cut = true;
    }
    frames.push_back(frame);
  }
  expect_round_trip(frames);
}

TEST(FrameCoder, TheExtremesOfMotionAndColour) {
  Numbers numbers(5);
  SemanticFrame first = test::scene_frame(0, SampleShape{}, true);
  SemanticFrame second = test::scene_frame(1, SampleShape{}, false);
  for (std::size_t i = 0; i < second.motion.dx.size(); ++i) {
    second.motion.dx[i] = numbers.below(2) == 0 ? kMotionMin : kMotionMax;
    second.motion.dy[i] = numbers.below(2) == 0 ? kMotionMin : kMotionMax;
  }
  for (auto& colour : second.palette) {
    for (auto& part : colour) part = numbers.below(2) == 0 ? 0 : 255;
  }
  expect_round_trip({first, second});
}

TEST(FrameCoder, AStillSceneCostsNearlyNothing) {
  SemanticFrame frame = test::scene_frame(0, SampleShape{}, true);
  FrameEncoder encoder(kWorkWidth, kWorkHeight);
  const std::size_t first = encoder.encode(frame).size();
  frame.entry_point = false;
  std::size_t last = 0;
  for (int t = 0; t < 20; ++t) last = encoder.encode(frame).size();
  EXPECT_LT(last * 20, first);
}

TEST(FrameCoder, MotionMakesAMovedSceneCheaper) {
  // Noise that moves by exactly 2 structure cells = 16 pixels of the coded size.
  Numbers numbers(11);
  SemanticFrame first;
  first.entry_point = true;
  first.structure = test::noise_plane(numbers, 24, 16, 4);
  SemanticFrame second;
  second.structure = test::noise_plane(numbers, 24, 16, 4);
  for (int y = 0; y < 16; ++y) {
    for (int x = 0; x < 22; ++x) {
      second.structure.values[static_cast<std::size_t>(24 * y + x)] =
          first.structure.values[static_cast<std::size_t>(24 * y + x + 2)];
    }
  }
  SemanticFrame guided = second;
  guided.motion = {1, 1, {16 * kMotionUnitsPerPixel}, {0}};
  FrameEncoder encoder(kWorkWidth, kWorkHeight);
  encoder.encode(first);
  EXPECT_LT(encoder.cost(guided) * 10, encoder.cost(second) * 9);
}

TEST(FrameCoder, AnEntryPointStartsAfresh) {
  FrameEncoder used(kWorkWidth, kWorkHeight);
  FrameEncoder fresh(kWorkWidth, kWorkHeight);
  // 16 frames, after which the counter of frames stands where it stood.
  for (int t = 0; t < 16; ++t) used.encode(test::scene_frame(t, SampleShape{}, t == 0));
  const SemanticFrame entry = test::scene_frame(9, SampleShape{}, true);
  EXPECT_EQ(used.encode(entry), fresh.encode(entry));
  const SemanticFrame next = test::scene_frame(10, SampleShape{}, false);
  EXPECT_EQ(used.encode(next), fresh.encode(next));
}

TEST(FrameCoder, CopiesAreIndependent) {
  FrameEncoder encoder(kWorkWidth, kWorkHeight);
  encoder.encode(test::scene_frame(0, SampleShape{}, true));
  FrameEncoder copy = encoder;
  copy.encode(test::scene_frame(5, SampleShape{}, false));
  copy.encode(test::scene_frame(6, SampleShape{}, false));
  FrameEncoder again(kWorkWidth, kWorkHeight);
  again.encode(test::scene_frame(0, SampleShape{}, true));
  const SemanticFrame next = test::scene_frame(1, SampleShape{}, false);
  EXPECT_EQ(encoder.encode(next), again.encode(next));
}

TEST(FrameCoder, AMissingFrameIsNoticed) {
  // Within a group; the loss of whole records is noticed by their number.
  for (int group = 2; group <= 18; ++group) {
    FrameEncoder encoder(kWorkWidth, kWorkHeight);
    FrameDecoder decoder(kWorkWidth, kWorkHeight);
    const SampleShape tiny{1, 1, 3, 2, 4, 3, 2, 4, 0, 1, 1, 2};
    for (int t = 0; t < group; ++t) {
      const SemanticFrame frame = test::scene_frame(t, tiny, t == 0);
      SemanticFrame out = plane_header_of(frame);
      decoder.decode(encoder.encode(frame), out);
    }
    encoder.encode(test::scene_frame(group, tiny, false));  // lost
    const SemanticFrame next = test::scene_frame(group + 1, tiny, false);
    SemanticFrame out = plane_header_of(next);
    EXPECT_THROW(decoder.decode(encoder.encode(next), out), Error) << group;
  }
}

TEST(FrameCoder, NeedsAnEntryPointFirst) {
  FrameEncoder encoder(kWorkWidth, kWorkHeight);
  FrameDecoder decoder(kWorkWidth, kWorkHeight);
  const SemanticFrame frame = test::scene_frame(1, SampleShape{}, false);
  EXPECT_THROW(encoder.encode(frame), Error);
  SemanticFrame out = plane_header_of(frame);
  EXPECT_THROW(decoder.decode({}, out), Error);
}

TEST(FrameCoder, RefusesSizesOutOfRange) {
  FrameDecoder decoder(kWorkWidth, kWorkHeight);
  SemanticFrame frame;
  frame.entry_point = true;
  frame.structure = {kMaxPlaneDimension + 1, 1, 4, {}};
  EXPECT_THROW(decoder.decode({}, frame), Error);
  frame.structure = {4, 4, 1, {}};
  EXPECT_THROW(decoder.decode({}, frame), Error);
  frame.structure = {-4, 4, 4, {}};
  EXPECT_THROW(decoder.decode({}, frame), Error);
}

TEST(FrameCoder, AnyBytesDecodeToValidPlanesOrAnError) {
  Numbers numbers(3);
  int errors = 0;
  for (int trial = 0; trial < 400; ++trial) {
    FrameDecoder decoder(kWorkWidth, kWorkHeight);
    SampleShape s;
    if (trial % 3 == 1) s.colours = 256, s.structure_levels = 200, s.texture_levels = 33;
    std::vector<std::uint8_t> chunk(static_cast<std::size_t>(numbers.below(400)));
    for (auto& byte : chunk) {
      byte = static_cast<std::uint8_t>(trial % 5 == 0 ? 255 : numbers.below(256));
    }
    try {
      for (int t = 0; t < 2; ++t) {
        SemanticFrame frame = plane_header_of(test::scene_frame(t, s, t == 0));
        decoder.decode(chunk, frame);
        validate(frame);
        if (!chunk.empty()) chunk[0] = static_cast<std::uint8_t>(chunk[0] - 16);  // the counter
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::corrupt);
      ++errors;
    }
  }
  EXPECT_GT(errors, 0);
}

TEST(FrameCoder, AChunkCutShortIsNoticed) {
  Numbers numbers(8);
  const SampleShape s{1, 1, 40, 40, 4, 20, 20, 16, 0, 1, 1, 2};
  const SemanticFrame frame = test::noise_frame(numbers, s, true);
  FrameEncoder encoder(kWorkWidth, kWorkHeight);
  auto chunk = encoder.encode(frame);
  chunk.resize(chunk.size() - 12);
  FrameDecoder decoder(kWorkWidth, kWorkHeight);
  SemanticFrame out = plane_header_of(frame);
  EXPECT_THROW(decoder.decode(chunk, out), Error);
  // And it wants an entry point before it goes on.
  SemanticFrame next = plane_header_of(test::scene_frame(1, s, false));
  EXPECT_THROW(decoder.decode(chunk, next), Error);
}

// The coded bytes are the format: whoever changes them makes a new format version.
TEST(FrameCoder, BytesAreFixed) {
  FrameEncoder encoder(kWorkWidth, kWorkHeight);
  std::vector<std::uint8_t> all;
  for (int t = 0; t < 6; ++t) {
    const auto chunk = encoder.encode(test::scene_frame(t, SampleShape{}, t == 0));
    all.insert(all.end(), chunk.begin(), chunk.end());
  }
  Numbers numbers(1);
  for (int t = 0; t < 2; ++t) {
    const auto chunk = encoder.encode(
        test::noise_frame(numbers, {3, 2, 9, 7, 40, 11, 5, 60, 3, 4, 4, 17}, t == 0));
    all.insert(all.end(), chunk.begin(), chunk.end());
  }
  EXPECT_EQ(md5_hex(all), "874f8787bfd4650d4363ad4e4712e341");
}

}  // namespace
}  // namespace semcodec
