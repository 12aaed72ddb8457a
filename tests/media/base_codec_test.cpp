// Base pictures: what the AV1 coder gives, unit by unit, decodes to the pictures it was given.

#include "common/media/base_codec.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/core/error.h"

namespace semcodec {
namespace {

using Units = std::vector<std::vector<std::uint8_t>>;

/// A smooth pattern that moves by two pixels a frame.
RgbImage picture(int index, int width = 128, int height = 96) {
  RgbImage image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double wave = std::sin((x + 2 * index) * 0.12) + std::cos(y * 0.09);
      std::uint8_t* pixel = image.row(y) + 3 * x;
      pixel[0] = static_cast<std::uint8_t>(128 + 50 * wave);
      pixel[1] = static_cast<std::uint8_t>(120 + 30 * wave);
      pixel[2] = static_cast<std::uint8_t>(100 - 20 * wave);
    }
  }
  return image;
}

Units code(const BaseCoderOptions& options, int count, int quantiser) {
  const auto coder = make_base_coder(options);
  Units units;
  const auto take = [&] {
    while (auto unit = coder->pop()) units.push_back(std::move(*unit));
  };
  for (int i = 0; i < count; ++i) {
    coder->push(picture(i), quantiser);
    take();
  }
  coder->finish();
  take();
  return units;
}

double psnr(const RgbImage& a, const RgbImage& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) {
    const double d = double{1} * a.pixels[i] - b.pixels[i];
    sum += d * d;
  }
  return 10 * std::log10(255 * 255 / (sum / static_cast<double>(a.pixels.size()) + 1e-9));
}

std::size_t bytes_of(const Units& units) {
  std::size_t sum = 0;
  for (const auto& unit : units) sum += unit.size();
  return sum;
}

BaseCoderOptions options_of(int width, int height, int look_ahead) {
  BaseCoderOptions options;
  options.width = width;
  options.height = height;
  options.look_ahead = look_ahead;
  options.effort = 6;
  return options;
}

TEST(BaseCodec, GivesOneUnitAPictureAndDecodesThem) {
  for (const int look_ahead : {0, 19}) {
    const auto units = code(options_of(128, 96, look_ahead), 24, 20);
    ASSERT_EQ(units.size(), 24u) << look_ahead;
    BaseDecoder decoder;
    for (int i = 0; i < 24; ++i) {
      const auto& unit = units[static_cast<std::size_t>(i)];
      EXPECT_NE(unit[0], 0x12) << "a temporal delimiter";
      EXPECT_GT(psnr(decoder.decode(unit, 128, 96), picture(i)), 33) << look_ahead << ", " << i;
    }
  }
}

TEST(BaseCodec, WithoutLookAheadUnitsDoNotWait) {
  const auto coder = make_base_coder(options_of(64, 48, 0));
  for (int i = 0; i < 4; ++i) {
    coder->push(picture(i), 40);
    EXPECT_TRUE(coder->pop().has_value()) << i;
    EXPECT_FALSE(coder->pop().has_value()) << i;
  }
}

TEST(BaseCodec, TheQuantiserMayChangeFromPictureToPicture) {
  const auto coarse = code(options_of(64, 48, 0), 8, 63), fine = code(options_of(64, 48, 0), 8, 10);
  EXPECT_LT(3 * bytes_of(coarse), 2 * bytes_of(fine));
  const auto coder = make_base_coder(options_of(64, 48, 0));
  Units units;
  for (int i = 0; i < 8; ++i) {
    coder->push(picture(i), i < 4 ? 63 : 10);
    units.push_back(*coder->pop());
  }
  EXPECT_EQ(Units(units.begin(), units.begin() + 4), Units(coarse.begin(), coarse.begin() + 4));
  EXPECT_GT(bytes_of(units), bytes_of(coarse));
}

TEST(BaseCodec, IsTheSameEveryTime) {
  EXPECT_EQ(code(options_of(64, 48, 19), 12, 50), code(options_of(64, 48, 19), 12, 50));
}

TEST(BaseCodec, OneDecoderTakesOneVideoAfterTheOther) {
  BaseDecoder decoder;
  for (const int width : {128, 64, 32}) {
    for (const auto& unit : code(options_of(width, 48, 0), 3, 30)) {
      EXPECT_EQ(decoder.decode(unit, width, 48).width, width);
    }
  }
}

TEST(BaseCodec, DamageIsAnErrorAndTheNextKeyFrameHelps) {
  const auto units = code(options_of(64, 48, 0), 3, 30);
  BaseDecoder decoder;
  decoder.decode(units[0], 64, 48);
  auto broken = units[1];
  broken.resize(broken.size() / 2);
  EXPECT_THROW(decoder.decode(broken, 64, 48), Error);
  EXPECT_THROW(decoder.decode(units[2], 64, 48), Error) << "its references are gone";
  EXPECT_EQ(decoder.decode(units[0], 64, 48).height, 48);
  EXPECT_THROW(decoder.decode(units[0], 128, 96), Error) << "another size than promised";
  EXPECT_THROW(decoder.decode({}, 64, 48), Error);
  const std::vector<std::uint8_t> noise(200, 0x5A);
  EXPECT_THROW(decoder.decode(noise, 64, 48), Error);
}

TEST(BaseCodec, OptionsThatLibaomRefusesAreAnError) {
  EXPECT_THROW(make_base_coder(options_of(0, 48, 0)), Error);
  EXPECT_THROW(make_base_coder(options_of(64, 48, 1000)), Error);
}

}  // namespace
}  // namespace semcodec
