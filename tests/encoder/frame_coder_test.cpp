// The frame coder with edges, texture and intra codec that are made up, no networks.
#include "encoder/stages/frame_coder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace semcodec {
namespace {

constexpr int kWidth = 256, kHeight = 128;

/// Blocks of colour, and edges where they meet.
class FrameCoderTest : public ::testing::Test {
 protected:
  FrameCoderTest() : edges_(static_cast<std::size_t>(kWidth) * kHeight) {
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        std::uint8_t* pixel = picture_.row(y) + 3 * x;
        const int block = x / 24 + 7 * (y / 24);
        pixel[0] = static_cast<std::uint8_t>(block * 61 % 256);
        pixel[1] = static_cast<std::uint8_t>(block * 97 % 256);
        pixel[2] = static_cast<std::uint8_t>(block * 31 % 256);
        const bool edge = x % 24 == 0 || y % 24 == 0;
        edges_[static_cast<std::size_t>(y) * kWidth + static_cast<std::size_t>(x)] =
            edge ? 0.9F : 0;
      }
    }
  }

  AnalysedFrame frame(std::int64_t pts, bool entry_point) const {
    AnalysedFrame out;
    out.plan.frame = {picture_, pts, false};
    out.plan.seconds = static_cast<double>(pts) / 1000;
    out.plan.entry_point = entry_point;
    out.edges = std::make_unique<HostEdgeMap>(edges_.data(), kWidth, kHeight);
    if (!entry_point) {
      out.motion = {kWidth / 16, kHeight / 16, std::vector<std::int16_t>(128, 3),
                    std::vector<std::int16_t>(128, -1)};
      out.distortion = [](int, int, int dx, int dy) {
        return 200.0F * static_cast<float>(std::abs(dx - 3) + std::abs(dy + 1));
      };
    }
    return out;
  }

  FrameCoderOptions options() const {
    FrameCoderOptions out;
    out.coded_width = kWidth;
    out.coded_height = kHeight;
    return out;
  }

  /// The bits of a coded frame's planes, which the coder then knows as the frame before.
  double write(const SemanticFrame& frame) {
    return 8.0 * static_cast<double>(bits_.encode(frame).size());
  }

  RgbImage picture_{kWidth, kHeight};
  std::vector<float> edges_;
  FrameEncoder bits_{kWidth, kHeight};
};

TEST_F(FrameCoderTest, PlanesHaveTheSizesOfTheOperatingPoint) {
  FrameCoder coder(options(), 60, bits_, {}, {});
  const auto coded = coder.code(frame(0, true));
  const OperatingPoint& point = coder.point();
  EXPECT_EQ(coded.quality, 60);
  EXPECT_EQ(coded.frame.labels.width, std::lround(1.0 * kWidth / point.colour.cell));
  EXPECT_EQ(coded.frame.labels.levels, point.colour.clusters);
  EXPECT_EQ(coded.frame.structure.levels, point.structure.levels);
  EXPECT_TRUE(coded.frame.entry_point);
  EXPECT_TRUE(coded.frame.texture.empty());
  EXPECT_FALSE(coded.frame.intra_picture);
  EXPECT_GT(std::count(coded.frame.structure.values.begin(), coded.frame.structure.values.end(), 0),
            0);
  EXPECT_GT(
      *std::max_element(coded.frame.structure.values.begin(), coded.frame.structure.values.end()),
      0);
}

TEST_F(FrameCoderTest, BitsRiseWithTheQuality) {
  double before = 0;
  for (const double quality : {5.0, 40.0, 95.0}) {
    FrameCoder coder(options(), quality, bits_, {}, {});
    const double now = static_cast<double>(bits_.cost(coder.code(frame(0, true)).frame));
    EXPECT_GT(now, before) << quality;
    before = now;
  }
}

TEST_F(FrameCoderTest, FallsInQualityUntilARoomIsKeptAndStaysThere) {
  FrameCoder free(options(), 90, bits_, {}, {});
  const double wanted = cost_bits(bits_.cost(free.code(frame(0, true)).frame));
  FrameCoder coder(options(), 90, bits_, {}, {});
  auto tight = frame(0, true);
  tight.room = wanted / 2;
  const auto coded = coder.code(tight);
  EXPECT_LT(coded.quality, 90);
  EXPECT_EQ(coder.quality(), coded.quality);
  EXPECT_LE(write(coded.frame), tight.room);

  FrameCoder same(options(), coded.quality, bits_, {}, {});
  EXPECT_EQ(same.code(frame(0, true)).frame.labels, coded.frame.labels)
      << "what was tried before leaves no trace";

  auto hopeless = frame(0, true);
  hopeless.room = 10;
  EXPECT_EQ(coder.code(hopeless).quality, 0) << "the least there is";
}

TEST_F(FrameCoderTest, VectorsGiveWayToWhatCostsLess) {
  FrameCoder coder(options(), 60, bits_, {}, {});
  write(coder.code(frame(0, true)).frame);
  auto noisy = frame(400, false);
  noisy.motion.dx[37] = 9;  // hardly better than its neighbours' vector
  noisy.distortion = [](int, int, int dx, int dy) {
    return dx == 9 ? 0.0F
                   : 0.01F + 200.0F * static_cast<float>(std::abs(dx - 3) + std::abs(dy + 1));
  };
  const auto coded = coder.code(noisy);
  EXPECT_EQ(coded.frame.motion.dx[37], 3);
  auto clear = frame(400, false);
  clear.motion.dx[37] = 9;
  clear.distortion = [](int x, int y, int dx, int dy) {
    const int best = x == 37 % 16 && y == 37 / 16 ? 9 : 3;
    return 200.0F * static_cast<float>(std::abs(dx - best) + std::abs(dy + 1));
  };
  EXPECT_EQ(coder.code(clear).frame.motion.dx[37], 9);
}

TEST_F(FrameCoderTest, TextureIsAskedForWithTheOtherPlanesThere) {
  auto with = options();
  with.overrides.texture_channels = 2;
  int asked = 0;
  FrameCoder coder(with, 60, bits_, {},
                   [&](const RgbImage& picture, const SemanticFrame& frame, int channels) {
                     ++asked;
                     EXPECT_EQ(picture.width, kWidth);
                     EXPECT_FALSE(frame.labels.empty());
                     EXPECT_FALSE(frame.structure.empty());
                     return std::vector<Plane>(static_cast<std::size_t>(channels),
                                               Plane{4, 2, 5, std::vector<std::uint8_t>(8, 1)});
                   });
  const auto coded = coder.code(frame(0, true));
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(coded.frame.texture.size(), 2u);
}

TEST_F(FrameCoderTest, OnlyEntryPointsGetIntraPictures) {
  auto with = options();
  with.overrides.key_quality = 30;
  int qualities = 0;
  with.key_codec.encode = [&](const RgbImage&, int quality, bool) {
    qualities = quality;
    IntraPicture out;
    out.codec = "av1";
    out.bytes.resize(100);
    return out;
  };
  with.key_codec.decode = [&](const IntraPicture&, int, int) { return picture_; };
  FrameCoder coder(with, 60, bits_, {}, {});
  const auto entry = coder.code(frame(0, true));
  ASSERT_TRUE(entry.frame.intra_picture);
  EXPECT_EQ(qualities, 30);
  EXPECT_FALSE(entry.key) << "set by hand, not chosen";
  bits_.encode(entry.frame);
  EXPECT_FALSE(coder.code(frame(400, false)).frame.intra_picture);
}

}  // namespace
}  // namespace semcodec
