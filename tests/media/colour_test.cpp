// Matrices, ranges and orientations against values computed without swscale.
#include "common/media/colour.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "common/media/av_handles.h"
#include "tests/media/clip.h"

namespace semcodec {
namespace {

using namespace test;

constexpr std::array<Colour, 4> kBars = {kRed, kGreen, kBlue, kYellow};

void expect_bars(const std::string& path, int tolerance) {
  const Clip clip = read_clip(path);
  ASSERT_EQ(clip.frames.size(), 1u);
  for (int q = 0; q < 4; ++q) {
    const Colour got = quarter_of(clip.frames[0].image, q);
    EXPECT_LE(colour_distance(got, kBars[static_cast<std::size_t>(q)]), tolerance)
        << "quarter " << q << ": " << got[0] << " " << got[1] << " " << got[2];
  }
}

TEST(Colour, HonoursMatrixAndRangeTags) {
  const TemporaryFolder folder;
  struct Matrix {
    const char* name;
    double kr, kb;
    int tag;
  };
  const std::array<Matrix, 5> matrices = {{{"bt601", 0.299, 0.114, AVCOL_SPC_SMPTE170M},
                                           {"bt601", 0.299, 0.114, AVCOL_SPC_BT470BG},
                                           {"bt709", 0.2126, 0.0722, AVCOL_SPC_BT709},
                                           {"smpte240m", 0.212, 0.087, AVCOL_SPC_SMPTE240M},
                                           {"bt2020", 0.2627, 0.0593, AVCOL_SPC_BT2020_NCL}}};
  for (const auto& matrix : matrices) {
    for (const bool full : {false, true}) {
      const std::string path = folder.path("flat.mkv");
      write_flat_clip(
          path, {.kr = matrix.kr, .kb = matrix.kb, .full_range = full, .matrix_tag = matrix.tag},
          kBars);
      SCOPED_TRACE(std::string(matrix.name) + (full ? " full" : " limited"));
      expect_bars(path, 3);
      const VideoInfo info = read_clip(path).info;
      EXPECT_EQ(info.matrix, matrix.name);
      EXPECT_EQ(info.full_range, full);
    }
  }
}

TEST(Colour, GuessesUntaggedVideoAsPlayersDo) {
  const TemporaryFolder folder;
  const std::string path = folder.path("flat.mkv");
  write_flat_clip(path, {.width = 720, .height = 576, .range_tag = false}, kBars);
  expect_bars(path, 3);
  write_flat_clip(
      path, {.width = 1280, .height = 720, .kr = 0.2126, .kb = 0.0722, .range_tag = false}, kBars);
  expect_bars(path, 3);
}

TEST(Colour, WritersColoursSurvive) {
  const TemporaryFolder folder;
  for (const char* name : {"bars.mp4", "bars.mkv", "bars.y4m"}) {
    for (const int width : {320, 1280}) {
      VideoWriter writer(folder.path(name),
                         {.time_base = {1, 25}, .frame_rate = {25, 1}, .crf = 4});
      writer.write(quarters(width, 96, kBars), 0);
      writer.finish();
      SCOPED_TRACE(std::string(name) + " " + std::to_string(width));
      expect_bars(folder.path(name), 4);
    }
  }
}

TEST(Colour, BlackAndWhiteStayPure) {
  const TemporaryFolder folder;
  const std::array<Colour, 4> extremes = {{{0, 0, 0}, {255, 255, 255}, {255, 255, 255}, {0, 0, 0}}};
  VideoWriter writer(folder.path("bw.mp4"), {.time_base = {1, 25}, .crf = 4});
  writer.write(quarters(128, 64, extremes), 0);
  writer.finish();
  const Clip clip = read_clip(folder.path("bw.mp4"));
  for (int q = 0; q < 4; ++q) {
    EXPECT_LE(
        colour_distance(quarter_of(clip.frames[0].image, q), extremes[static_cast<std::size_t>(q)]),
        2);
  }
}

TEST(Colour, HonoursTheRangeTagOfY4m) {
  const TemporaryFolder folder;
  for (const bool full : {false, true}) {
    const std::string path = folder.path("range.y4m");
    {
      std::ofstream file(path, std::ios::binary);
      file << "YUV4MPEG2 W16 H16 F25:1 Ip A1:1 C444 XCOLORRANGE=" << (full ? "FULL" : "LIMITED")
           << "\nFRAME\n"
           << std::string(256, static_cast<char>(126)) << std::string(512, static_cast<char>(128));
    }
    const Clip clip = read_clip(path);
    ASSERT_EQ(clip.frames.size(), 1u);
    EXPECT_EQ(clip.info.full_range, full);
    const int expected = full ? 126 : static_cast<int>(std::lround((126 - 16) * 255 / 219.0));
    EXPECT_NEAR(clip.frames[0].image.pixels[300], expected, 1);
  }
}

TEST(Colour, SubsampledChromaStaysInPlace) {
  // A vertical edge between two colours of equal luma: with chroma sited wrongly it would shift by
  // half a pixel or more, which the balance of both sides shows.
  const TemporaryFolder folder;
  RgbImage image(64, 32);
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 64; ++x) {
      std::uint8_t* pixel = image.row(y) + std::ptrdiff_t{3} * x;
      pixel[0] = x < 32 ? 180 : 100;
      pixel[1] = 128;
      pixel[2] = x < 32 ? 100 : 180;
    }
  }
  VideoWriter writer(folder.path("edge.y4m"), {.time_base = {1, 25}, .frame_rate = {25, 1}});
  writer.write(image, 0);
  writer.finish();
  const Clip clip = read_clip(folder.path("edge.y4m"));
  double balance = 0;  // mean of red minus blue over the row, 0 when the edge is where it was
  for (int x = 16; x < 48; ++x) {
    const std::uint8_t* pixel = clip.frames[0].image.row(16) + std::ptrdiff_t{3} * x;
    balance += (pixel[0] - pixel[2]) / 32.0;
  }
  EXPECT_NEAR(balance, 0, 80.0 / 32 * 0.35);  // a third of a pixel
}

TEST(Colour, ReadsAllEightOrientations) {
  constexpr int kOne = 1 << 16;
  const RgbImage source = gradient(6, 4, 0);
  for (const bool mirrored : {false, true}) {
    for (int turns = 0; turns < 4; ++turns) {
      const int cosine = turns == 0 ? 1 : turns == 2 ? -1 : 0;
      const int sine = turns == 1 ? 1 : turns == 3 ? -1 : 0;
      const int flip = mirrored ? -1 : 1;
      const std::int32_t matrix[9] = {flip * cosine * kOne,
                                      flip * sine * kOne,
                                      0,
                                      -sine * kOne,
                                      cosine * kOne,
                                      0,
                                      0,
                                      0,
                                      1 << 30};
      const av::Orientation orientation = av::orientation_of(matrix);
      EXPECT_EQ(orientation.mirrored, mirrored);
      EXPECT_EQ(orientation.quarter_turns, turns);

      av::Frame frame = av::make_frame();
      frame->width = source.width;
      frame->height = source.height;
      frame->format = AV_PIX_FMT_RGB24;
      ASSERT_GE(av_frame_get_buffer(frame.get(), 0), 0);
      for (int y = 0; y < source.height; ++y) {
        std::copy_n(source.row(y), 3 * source.width, frame->data[0] + frame->linesize[0] * y);
      }
      const bool swap = turns % 2 != 0;
      const RgbImage upright =
          av::ToRgb().convert(*frame, swap ? 4 : 6, swap ? 6 : 4, orientation, "a test");
      // Each pixel lands where the matrix says, measured from the picture's centre.
      for (int y = 0; y < source.height; ++y) {
        for (int x = 0; x < source.width; ++x) {
          const int u = 2 * x - (source.width - 1);
          const int v = 2 * y - (source.height - 1);
          const int to_u = (matrix[0] * u + matrix[3] * v) / kOne;
          const int to_v = (matrix[1] * u + matrix[4] * v) / kOne;
          const int to_x = (to_u + upright.width - 1) / 2;
          const int to_y = (to_v + upright.height - 1) / 2;
          for (int c = 0; c < 3; ++c) {
            ASSERT_EQ(upright.row(to_y)[3 * to_x + c], source.row(y)[3 * x + c])
                << mirrored << turns << " " << x << "," << y;
          }
        }
      }
    }
  }
  const std::int32_t zeros[9] = {};
  EXPECT_TRUE(av::orientation_of(zeros).none());
  EXPECT_TRUE(av::orientation_of(nullptr).none());
}

}  // namespace
}  // namespace semcodec
