// StreamEncoder and StreamDecoder with the model that ships.

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "semcodec/byte_pipe.h"
#include "semcodec/decoder.h"
#include "semcodec/encoder.h"
#include "semcodec/error.h"
#include "tests/codec/moving_square.h"

namespace semcodec {
namespace {

using test::moving_square;
using Bytes = std::vector<std::uint8_t>;

VideoFormat clip_format() {
  VideoFormat video;
  video.width = test::kWidth;
  video.height = test::kHeight;
  video.time_base = {1, 25};
  video.frame_rate = {25, 1};
  return video;
}

StreamEncoderOptions quick(const std::string& profile) {
  StreamEncoderOptions options;
  options.profile = profile;
  options.effort = 9;
  options.deterministic = true;
  return options;
}

Bytes encoded(int frames, const StreamEncoderOptions& options) {
  StreamEncoder encoder(clip_format(), options);
  for (int i = 0; i < frames; ++i) encoder.push(moving_square(i), i);
  encoder.finish();
  return encoder.take();
}

StreamReader::Source source_of(const Bytes& bytes) {
  return [&bytes, position = std::size_t{0}](std::span<std::uint8_t> into) mutable {
    const auto count = std::min(into.size(), bytes.size() - position);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(position), count, into.begin());
    position += count;
    return count;
  };
}

std::vector<std::int64_t> times_of(StreamDecoder& decoder) {
  std::vector<std::int64_t> times;
  while (const auto frame = decoder.next()) {
    EXPECT_EQ(frame->image.width, test::kWidth);
    EXPECT_EQ(frame->image.height, test::kHeight);
    EXPECT_DOUBLE_EQ(frame->seconds, static_cast<double>(frame->pts) / 25);
    times.push_back(frame->pts);
  }
  return times;
}

TEST(StreamCodec, FramesComeBackInOrder) {
  for (const char* profile : {"hybrid", "semantic"}) {
    const auto stream = encoded(8, quick(profile));
    StreamDecoder decoder(source_of(stream), "clip");
    EXPECT_EQ(decoder.info().profile, profile);
    EXPECT_EQ(times_of(decoder), (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7}));
    EXPECT_EQ(decoder.status(), StreamStatus::complete);
  }
}

TEST(StreamCodec, TheSinkGetsTheSameBytesAsTake) {
  const auto options = quick("semantic");
  Bytes sunk;
  StreamEncoder encoder(
      [&](std::span<const std::uint8_t> bytes) {
        sunk.insert(sunk.end(), bytes.begin(), bytes.end());
      },
      clip_format(), options);
  for (int i = 0; i < 6; ++i) encoder.push(moving_square(i), i);
  encoder.finish();
  EXPECT_TRUE(encoder.take().empty());
  EXPECT_EQ(sunk, encoded(6, options));
  EXPECT_EQ(encoder.stats().bytes, sunk.size());
  EXPECT_EQ(encoder.stats().frames, 6u);
}

TEST(StreamCodec, OtherSizesAreScaledToTheCodedSize) {
  auto options = quick("hybrid");
  options.width = options.height = 64;
  const auto stream = encoded(2, options);
  StreamDecoder decoder(source_of(stream), "clip");
  const auto frame = decoder.next();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->image.width, 64);
  EXPECT_EQ(decoder.info().width, test::kWidth);
}

TEST(StreamCodec, SkipAndLimitChooseFrames) {
  const auto stream = encoded(8, quick("hybrid"));
  StreamDecoderOptions options;
  options.skip = 2;
  options.limit = 3;
  StreamDecoder decoder(source_of(stream), "clip", options);
  EXPECT_EQ(times_of(decoder), (std::vector<std::int64_t>{2, 3, 4}));
}

TEST(StreamCodec, CancelEndsTheFramesFromAnyThread) {
  const auto stream = encoded(8, quick("hybrid"));
  StreamDecoder decoder(source_of(stream), "clip");
  ASSERT_TRUE(decoder.next());
  std::thread other([&] { decoder.cancel(); });
  other.join();
  EXPECT_FALSE(decoder.next());
  EXPECT_FALSE(decoder.next());
}

TEST(StreamCodec, TheCancelledFunctionEndsTheFrames) {
  const auto stream = encoded(8, quick("hybrid"));
  StreamDecoderOptions options;
  options.cancelled = [] { return true; };
  StreamDecoder decoder(source_of(stream), "clip", options);
  EXPECT_FALSE(decoder.next());
}

TEST(StreamCodec, LiveOverAPipe) {
  BytePipe pipe;
  std::vector<std::int64_t> times;
  std::thread receiver([&] {
    StreamDecoderOptions options;
    options.low_delay = true;
    StreamDecoder decoder([&](std::span<std::uint8_t> into) { return pipe.read(into); }, "pipe",
                          options);
    times = times_of(decoder);
  });
  auto options = quick("hybrid");
  options.low_delay = true;
  options.index = false;
  StreamEncoder encoder([&](std::span<const std::uint8_t> bytes) { pipe.push(bytes); },
                        clip_format(), options);
  for (int i = 0; i < 8; ++i) encoder.push(moving_square(i), i);
  encoder.finish();
  pipe.close();
  receiver.join();
  EXPECT_EQ(times.size(), 8u);
}

TEST(StreamCodec, RefusesWhatMakesNoSense) {
  StreamEncoder nothing(clip_format(), quick("hybrid"));
  EXPECT_THROW(nothing.finish(), Error);
  RgbImage wrong = moving_square(0);
  wrong.pixels.pop_back();
  EXPECT_THROW(nothing.push(wrong, 0), Error);
  auto contradiction = quick("hybrid");
  contradiction.bit_rate = 9000;
  contradiction.max_rate = 4000;
  EXPECT_THROW(StreamEncoder(clip_format(), contradiction), Error);
  EXPECT_THROW(StreamDecoder("no-such-file.sem"), Error);
}

TEST(StreamCodec, AnotherModelIsRefusedUnlessAllowed) {
  auto stream = encoded(2, quick("hybrid"));
  StreamInfo other;
  {
    StreamDecoder decoder(source_of(stream), "clip");
    other = decoder.info();
  }
  other.model_hash = "0123456789abcdef";
  Bytes empty;
  StreamWriter writer(
      [&](std::span<const std::uint8_t> bytes) {
        empty.insert(empty.end(), bytes.begin(), bytes.end());
      },
      other);
  writer.finish();
  EXPECT_THROW(StreamDecoder(source_of(empty), "clip"), Error);
  StreamDecoderOptions options;
  options.any_model = true;
  StreamDecoder decoder(source_of(empty), "clip", options);
  EXPECT_FALSE(decoder.next());
}

}  // namespace
}  // namespace semcodec
