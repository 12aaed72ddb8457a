#include "common/media/intra_codec.h"

#include <gtest/gtest.h>

#include <random>

#include "common/core/error.h"
#include "tests/media/clip.h"

namespace semcodec {
namespace {

using namespace test;

class Intra : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!can_encode_intra(GetParam()) || !can_decode_intra(GetParam())) {
      GTEST_SKIP() << "libav has no " << GetParam()
                   << " here; install the package libavcodec-extra";
    }
  }
};

TEST_P(Intra, RoundTripsAtEverySize) {
  for (const auto& [width, height] : {std::pair{320, 180}, {448, 256}, {123, 77}, {16, 16}}) {
    const RgbImage image = gradient(width, height, 2);
    const auto bytes = encode_intra(image, GetParam(), 80);
    const RgbImage back = decode_intra(bytes, GetParam(), width, height);
    ASSERT_EQ(back.width, width);
    ASSERT_EQ(back.height, height);
    EXPECT_GT(psnr(back, image), 36) << width << "x" << height;
  }
}

TEST_P(Intra, KeepsColours) {
  const std::array<Colour, 4> colours = {kRed, kGreen, kBlue, kYellow};
  const auto bytes = encode_intra(quarters(128, 96, colours), GetParam(), 85);
  const RgbImage back = decode_intra(bytes, GetParam(), 128, 96);
  for (int q = 0; q < 4; ++q) {
    EXPECT_LE(colour_distance(quarter_of(back, q), colours[static_cast<std::size_t>(q)]), 6);
  }
}

TEST_P(Intra, QualityTradesBytesForFidelity) {
  RgbImage image = gradient(256, 144, 0);
  std::mt19937 random(3);
  for (auto& value : image.pixels) {
    value =
        static_cast<std::uint8_t>(std::clamp(value + static_cast<int>(random() % 41) - 20, 0, 255));
  }
  const auto small = encode_intra(image, GetParam(), 10);
  const auto middle = encode_intra(image, GetParam(), 50);
  const auto large = encode_intra(image, GetParam(), 90);
  EXPECT_LT(small.size(), middle.size());
  EXPECT_LT(middle.size(), large.size());
  EXPECT_LT(psnr(decode_intra(small, GetParam(), 256, 144), image),
            psnr(decode_intra(large, GetParam(), 256, 144), image));
}

TEST_P(Intra, CarriesNoSignatureAndIsReproducible) {
  const RgbImage image = gradient(64, 64, 0);
  const auto bytes = encode_intra(image, GetParam(), 0);
  EXPECT_LT(bytes.size(), 400u);
  EXPECT_EQ(encode_intra(image, GetParam(), 0), bytes);
}

TEST_P(Intra, RefusesDamageAndWrongSizes) {
  const auto bytes = encode_intra(gradient(128, 96, 0), GetParam(), 60);
  EXPECT_THROW(decode_intra(bytes, GetParam(), 130, 96), Error);
  EXPECT_THROW(decode_intra({}, GetParam(), 128, 96), Error);
  EXPECT_THROW(decode_intra(bytes, GetParam(), 0, 96), Error);
  const std::vector<std::uint8_t> text(500, 'x');
  EXPECT_THROW(decode_intra(text, GetParam(), 128, 96), Error);
  std::mt19937 random(5);
  int decoded = 0;
  for (int round = 0; round < 60; ++round) {
    auto damaged = bytes;
    if (round % 2 == 0) damaged.resize(random() % damaged.size() + 1);
    for (int i = 0; i < 3; ++i) {
      damaged[random() % damaged.size()] = static_cast<std::uint8_t>(random());
    }
    try {
      const RgbImage image = decode_intra(damaged, GetParam(), 128, 96);
      EXPECT_EQ(image.pixels.size(), std::size_t{128} * 96 * 3);
      ++decoded;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::corrupt);
    }
  }
  EXPECT_LT(decoded, 60);
}

INSTANTIATE_TEST_SUITE_P(Codecs, Intra, testing::Values("h264", "hevc", "av1"),
                         [](const auto& test) { return std::string(test.param); });

TEST(IntraCodec, RefusesUnknownCodecs) {
  EXPECT_FALSE(can_encode_intra("vp9"));
  EXPECT_THROW(encode_intra(gradient(64, 64, 0), "vp9", 50), Error);
  EXPECT_THROW(decode_intra(std::vector<std::uint8_t>{1}, "vp9", 64, 64), Error);
}

}  // namespace
}  // namespace semcodec
