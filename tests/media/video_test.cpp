// Pictures, times and sizes through the writer and back through the reader.
#include <gtest/gtest.h>

#include <cmath>

#include "common/core/error.h"
#include "common/media/picture.h"
#include "tests/media/clip.h"

namespace semcodec {
namespace {

using namespace test;

double seconds(std::int64_t pts, Rational time_base) {
  return static_cast<double>(pts) * time_base.value();
}

/// Times are the same to the microsecond, pictures to `decibel`.
void expect_same(const Clip& clip, int width, int height, const std::vector<std::int64_t>& times,
                 Rational time_base, double decibel, double tolerance = 1e-6) {
  ASSERT_EQ(clip.frames.size(), times.size());
  EXPECT_EQ(clip.warning, "");
  for (std::size_t i = 0; i < times.size(); ++i) {
    EXPECT_NEAR(seconds(clip.frames[i].pts, clip.info.time_base), seconds(times[i], time_base),
                tolerance)
        << "frame " << i;
    EXPECT_GT(psnr(clip.frames[i].image, gradient(width, height, static_cast<int>(i))), decibel)
        << "frame " << i;
  }
}

struct Container {
  const char* extension;
  double tolerance;  // Matroska counts milliseconds
};

class RoundTrip : public testing::TestWithParam<Container> {
 protected:
  std::string path() const { return folder_.path(std::string("clip.") + GetParam().extension); }
  TemporaryFolder folder_;
};

TEST_P(RoundTrip, KeepsPicturesTimesAndFacts) {
  const auto times = regular_times(30);
  write_clip(path(), 320, 180, times, {.time_base = {1, 25}, .frame_rate = {25, 1}});
  const Clip clip = read_clip(path());
  expect_same(clip, 320, 180, times, {1, 25}, 38, GetParam().tolerance);
  EXPECT_EQ(clip.info.width, 320);
  EXPECT_EQ(clip.info.height, 180);
  EXPECT_NEAR(clip.info.frame_rate.value(), 25, 0.01);
  EXPECT_NEAR(clip.info.duration, 1.2, 0.005);
  EXPECT_NEAR(static_cast<double>(clip.info.frame_count), 30, 1);
  EXPECT_FALSE(clip.info.full_range);
  EXPECT_EQ(clip.info.rotation, 0);
  EXPECT_EQ(clip.info.sample_aspect, (Rational{1, 1}));
  EXPECT_EQ(folder_.files().size(), 1u);
}

TEST_P(RoundTrip, KeepsOddSizes) {
  const auto times = regular_times(8);
  write_clip(path(), 123, 77, times, {.time_base = {1, 30}, .frame_rate = {30, 1}});
  const Clip clip = read_clip(path());
  expect_same(clip, 123, 77, times, {1, 30}, 36, GetParam().tolerance);
}

TEST_P(RoundTrip, KeepsTheSampleAspectRatio) {
  write_clip(path(), 180, 144, regular_times(3),
             {.time_base = {1, 25}, .frame_rate = {25, 1}, .sample_aspect = {16, 11}});
  EXPECT_EQ(read_clip(path()).info.sample_aspect, (Rational{16, 11}));
}

TEST_P(RoundTrip, ScalesToTheOutputSize) {
  write_clip(path(), 320, 240, regular_times(5),
             {.width = 160, .height = 90, .time_base = {1, 25}, .frame_rate = {25, 1}});
  const Clip clip = read_clip(path());
  ASSERT_EQ(clip.frames.size(), 5u);
  EXPECT_GT(psnr(clip.frames[0].image, gradient(160, 90, 0)), 35);
}

TEST_P(RoundTrip, HoldsASinglePicture) {
  write_clip(path(), 64, 64, {0}, {.time_base = {1, 10}, .frame_rate = {10, 1}});
  const Clip clip = read_clip(path());
  ASSERT_EQ(clip.frames.size(), 1u);
  EXPECT_NEAR(clip.info.duration, 0.1, 0.002);
}

INSTANTIATE_TEST_SUITE_P(Containers, RoundTrip,
                         testing::Values(Container{"mp4", 1e-6}, Container{"mkv", 6e-4},
                                         Container{"y4m", 1e-6}),
                         [](const auto& test) { return std::string(test.param.extension); });

TEST(Video, Mp4KeepsVariableTimesExactly) {
  const TemporaryFolder folder;
  std::vector<std::int64_t> times = {0};
  for (int i = 1; i < 40; ++i) times.push_back(times.back() + 1501 + 977 * (i % 5));
  for (const std::int64_t start : {0, 126000}) {
    auto shifted = times;
    for (auto& time : shifted) time += start;
    const std::string path = folder.path("vfr.mp4");
    write_clip(path, 160, 96, shifted, {.time_base = {1, 90000}});
    const Clip clip = read_clip(path);
    expect_same(clip, 160, 96, shifted, {1, 90000}, 35, 1e-9);
  }
}

TEST(Video, Mp4KeepsNtscTimesExactly) {
  const TemporaryFolder folder;
  const auto times = regular_times(60);
  write_clip(folder.path("ntsc.mp4"), 96, 64, times,
             {.time_base = {1001, 30000}, .frame_rate = {30000, 1001}});
  const Clip clip = read_clip(folder.path("ntsc.mp4"));
  expect_same(clip, 96, 64, times, {1001, 30000}, 35, 1e-9);
  EXPECT_NEAR(clip.info.frame_rate.value(), 30000.0 / 1001, 1e-4);
  EXPECT_NEAR(clip.info.duration, 60 * 1001.0 / 30000, 1e-3);
}

TEST(Video, LastPictureOfAVariableClipLastsAUsualStep) {
  const TemporaryFolder folder;
  write_clip(folder.path("last.mp4"), 64, 64, {0, 100, 300, 450}, {.time_base = {1, 1000}});
  EXPECT_NEAR(read_clip(folder.path("last.mp4")).info.duration, 0.6, 0.002);
}

TEST(Video, Y4mRepeatsAndDropsToAConstantRate) {
  const TemporaryFolder folder;
  const std::string path = folder.path("cfr.y4m");
  // At 10 a second: slots 0, 1, 1, 4, 5 - the third replaces the second, the fourth leaves a gap.
  write_clip(path, 64, 48, {0, 90, 110, 400, 500}, {.time_base = {1, 1000}, .frame_rate = {10, 1}});
  const Clip clip = read_clip(path);
  const std::vector<int> shown = {0, 2, 2, 2, 3, 4};
  ASSERT_EQ(clip.frames.size(), shown.size());
  for (std::size_t i = 0; i < shown.size(); ++i) {
    EXPECT_GT(psnr(clip.frames[i].image, gradient(64, 48, shown[i])), 38) << i;
  }
}

TEST(Video, Y4mLeavesOutABrokenGap) {
  const TemporaryFolder folder;
  const std::string path = folder.path("gap.y4m");
  write_clip(path, 16, 16, {0, 1, std::int64_t{1} << 40, (std::int64_t{1} << 40) + 1},
             {.time_base = {1, 10}, .frame_rate = {10, 1}});
  EXPECT_EQ(read_clip(path).frames.size(), 4u);
}

TEST(Video, TagsMp4AsBt709Limited) {
  const TemporaryFolder folder;
  write_clip(folder.path("tags.mp4"), 64, 64, {0, 1}, {.time_base = {1, 25}});
  const VideoInfo info = read_clip(folder.path("tags.mp4")).info;
  EXPECT_EQ(info.matrix, "bt709");
  EXPECT_FALSE(info.full_range);
  EXPECT_EQ(info.codec, "h264");
}

TEST(Video, NullFormatCountsAndLeavesNothing) {
  const TemporaryFolder folder;
  VideoWriter writer(folder.path("x.mp4"), {.time_base = {1, 25}, .format = "null"});
  writer.write(gradient(64, 64, 0), 0);
  writer.write(gradient(64, 64, 1), 1);
  writer.finish();
  EXPECT_EQ(writer.frames(), 2);
  EXPECT_EQ(writer.format(), "null");
  EXPECT_TRUE(folder.files().empty());
}

TEST(Video, AppliesTheDisplayMatrix) {
  const TemporaryFolder folder;
  const std::array<Colour, 4> colours = {kRed, kGreen, kBlue, kYellow};
  // Where each quarter of the coded picture is shown, for clockwise quarter turns.
  const std::array<std::array<Colour, 4>, 4> shown = {{{kRed, kGreen, kBlue, kYellow},
                                                       {kBlue, kRed, kYellow, kGreen},
                                                       {kYellow, kBlue, kGreen, kRed},
                                                       {kGreen, kYellow, kRed, kBlue}}};
  for (int turns = 0; turns < 4; ++turns) {
    const std::string path = folder.path("turned" + std::to_string(turns) + ".mp4");
    VideoWriter writer(path,
                       {.time_base = {1, 25}, .sample_aspect = {4, 3}, .rotation = turns * 90});
    writer.write(quarters(96, 64, colours), 0);
    writer.finish();
    const Clip clip = read_clip(path);
    EXPECT_EQ(clip.info.rotation, turns * 90);
    EXPECT_FALSE(clip.info.mirrored);
    EXPECT_EQ(clip.info.width, turns % 2 == 0 ? 96 : 64);
    EXPECT_EQ(clip.info.height, turns % 2 == 0 ? 64 : 96);
    EXPECT_EQ(clip.info.sample_aspect, turns % 2 == 0 ? (Rational{4, 3}) : (Rational{3, 4}));
    ASSERT_EQ(clip.frames.size(), 1u);
    EXPECT_EQ(clip.frames[0].image.width, clip.info.width);
    for (int q = 0; q < 4; ++q) {
      const auto& expected = shown[static_cast<std::size_t>(turns)][static_cast<std::size_t>(q)];
      EXPECT_LE(colour_distance(quarter_of(clip.frames[0].image, q), expected), 6)
          << turns << " turns, quarter " << q;
    }
    const Clip scaled = read_clip(path, {.width = 40, .height = 30});
    EXPECT_LE(colour_distance(quarter_of(scaled.frames[0].image, 0),
                              shown[static_cast<std::size_t>(turns)][0]),
              6);
  }
}

TEST(Video, ReaderScalesByAreaWithoutAliasing) {
  const TemporaryFolder folder;
  RgbImage board(256, 128);
  for (int y = 0; y < board.height; ++y) {
    for (int x = 0; x < 3 * board.width; ++x) board.row(y)[x] = (x / 3 + y) % 2 == 0 ? 0 : 255;
  }
  write_png(folder.path("board.png"), board);
  const Clip clip = read_clip(folder.path("board.png"), {.width = 50, .height = 37});
  ASSERT_EQ(clip.frames.size(), 1u);
  double sum = 0;
  for (const auto value : clip.frames[0].image.pixels) {
    EXPECT_NEAR(value, 127.5, 45);
    sum += value;
  }
  EXPECT_NEAR(sum / static_cast<double>(clip.frames[0].image.pixels.size()), 127.5, 2);
}

TEST(Video, SetOutputSizeActsOnThePictureAlreadyDecoded) {
  const TemporaryFolder folder;
  write_clip(folder.path("a.mp4"), 128, 64, regular_times(3), {.time_base = {1, 25}});
  VideoReader reader(folder.path("a.mp4"));
  reader.set_output_size(32, 16);
  EXPECT_EQ(reader.next()->image.width, 32);
  reader.set_output_size(0, 0);
  EXPECT_EQ(reader.next()->image.width, 128);
  EXPECT_THROW(reader.set_output_size(-1, 5), Error);
  EXPECT_THROW(reader.set_output_size(20000, 5), Error);
}

TEST(Video, SkipPassesOverPictures) {
  const TemporaryFolder folder;
  write_clip(folder.path("a.mp4"), 64, 64, regular_times(10), {.time_base = {1, 25}});
  VideoReader reader(folder.path("a.mp4"));
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(reader.skip());
  EXPECT_GT(psnr(reader.next()->image, gradient(64, 64, 4)), 35);
  while (reader.skip()) {
  }
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.next());
}

TEST(Video, PngKeepsEveryPixel) {
  const TemporaryFolder folder;
  const RgbImage image = gradient(67, 41, 3);
  write_png(folder.path("a.png"), image);
  const Clip clip = read_clip(folder.path("a.png"));
  ASSERT_EQ(clip.frames.size(), 1u);
  EXPECT_EQ(clip.frames[0].image.pixels, image.pixels);
  EXPECT_EQ(clip.info.matrix, "rgb");
  EXPECT_TRUE(clip.info.full_range);

  std::vector<std::uint8_t> grey(67 * 41);
  for (std::size_t i = 0; i < grey.size(); ++i) grey[i] = static_cast<std::uint8_t>(i);
  write_png(folder.path("grey.png"), 67, 41, 1, grey);
  const Clip read = read_clip(folder.path("grey.png"));
  for (std::size_t i = 0; i < grey.size(); ++i) {
    ASSERT_EQ(read.frames[0].image.pixels[3 * i], grey[i]);
  }
  EXPECT_THROW(write_png(folder.path("bad.png"), 67, 41, 3, grey), Error);
  EXPECT_FALSE(std::filesystem::exists(folder.path("bad.png")));
}

TEST(Video, ReadsNumberedPictures) {
  const TemporaryFolder folder;
  for (int i = 0; i < 3; ++i) {
    write_png(folder.path("p" + std::to_string(i) + ".png"), gradient(32, 32, i));
  }
  const Clip clip = read_clip(folder.path("p%d.png"));
  ASSERT_EQ(clip.frames.size(), 3u);
  EXPECT_EQ(clip.frames[2].image.pixels, gradient(32, 32, 2).pixels);
}

TEST(Video, OpensNamesThatLookLikeProtocols) {
  const TemporaryFolder folder;
  write_clip(folder.path("data:x 100%.mp4"), 64, 64, {0, 1}, {.time_base = {1, 25}});
  EXPECT_EQ(read_clip(folder.path("data:x 100%.mp4")).frames.size(), 2u);
}

}  // namespace
}  // namespace semcodec
