// .npy and .flo against bytes known from their descriptions, and the colours of the wheel.

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <limits>
#include <string>

#include "common/core/error.h"
#include "common/core/npy.h"
#include "models/flownet2/flow_file.h"

namespace semcodec {
namespace {

using Bytes = std::vector<std::uint8_t>;

float float_at(const Bytes& bytes, std::size_t at) {
  float value = 0;
  std::memcpy(&value, bytes.data() + at, 4);
  return value;
}

std::string npy_header(std::initializer_list<std::int64_t> shape, std::size_t count) {
  const std::vector<float> values(count, 1.5F);
  const std::vector<std::int64_t> sizes(shape);
  const Bytes bytes = encode_npy(values, sizes);
  const std::size_t length = bytes.at(8) + std::size_t{256} * bytes.at(9);
  EXPECT_EQ((10 + length) % 64, 0U);
  EXPECT_EQ(bytes.size(), 10 + length + 4 * count);
  EXPECT_EQ(bytes.at(9 + length), '\n');
  const std::string text(bytes.begin() + 10, bytes.begin() + 10 + static_cast<long>(length));
  return text.substr(0, text.find_last_not_of(" \n") + 1);
}

TEST(Npy, WritesTheHeaderThatNumPyDocuments) {
  const char* const begin = "{'descr': '<f4', 'fortran_order': False, 'shape': ";
  EXPECT_EQ(npy_header({2, 3}, 6), begin + std::string("(2, 3), }"));
  EXPECT_EQ(npy_header({2, 5, 1}, 10), begin + std::string("(2, 5, 1), }"));
  EXPECT_EQ(npy_header({7}, 7), begin + std::string("(7,), }"));
  EXPECT_EQ(npy_header({0, 4}, 0), begin + std::string("(0, 4), }"));
}

TEST(Npy, WritesValuesInOrder) {
  const std::array<float, 6> values{0, -1, 2.5F, 1e-30F, 3, 4};
  const std::array<std::int64_t, 2> shape{2, 3};
  const Bytes bytes = encode_npy(values, shape);
  EXPECT_EQ((Bytes{bytes.begin(), bytes.begin() + 8}),
            (Bytes{0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0}));
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(float_at(bytes, bytes.size() - 4 * (values.size() - i)), values[i]);
  }
  EXPECT_THROW(encode_npy(values, std::array<std::int64_t, 1>{5}), Error);
}

TEST(Flo, InterleavesBothDirections) {
  const std::array<float, 12> flow{1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6};
  const Bytes bytes = encode_flo(flow, 3, 2);
  ASSERT_EQ(bytes.size(), 12U + 48U);
  EXPECT_EQ((Bytes{bytes.begin(), bytes.begin() + 4}), (Bytes{'P', 'I', 'E', 'H'}));
  EXPECT_EQ((Bytes{bytes.begin() + 4, bytes.begin() + 12}), (Bytes{3, 0, 0, 0, 2, 0, 0, 0}));
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(float_at(bytes, 12 + 8 * i), flow[i]);
    EXPECT_EQ(float_at(bytes, 16 + 8 * i), -flow[i]);
  }
  EXPECT_THROW(encode_flo(flow, 2, 2), Error);
}

std::array<int, 3> colour(float u, float v, float longest) {
  const std::array<float, 2> flow{u, v};
  const RgbImage image = flow_colours(flow, 1, 1, longest);
  return {image.pixels[0], image.pixels[1], image.pixels[2]};
}

TEST(FlowColours, FollowTheWheel) {
  EXPECT_EQ(colour(0, 0, 1), (std::array{255, 255, 255}));
  // The wheel begins with red to the right.
  EXPECT_EQ(colour(1, -1e-6F, 1)[0], 255);
  EXPECT_LT(colour(1, -1e-6F, 1)[1] + colour(1, -1e-6F, 1)[2], 60);
  // Down is yellow, left cyan to blue, up blue to magenta.
  const auto down = colour(0, 1, 1), left = colour(-1, 0, 1), up = colour(0, -1, 1);
  EXPECT_GT(std::min(down[0], down[1]), 180);
  EXPECT_LT(down[2], 60);
  EXPECT_EQ(left[0], 0);
  EXPECT_EQ(left[2], 255);
  EXPECT_EQ(up[2], 255);
  EXPECT_LT(up[1], 60);
}

TEST(FlowColours, LengthIsSaturation) {
  const auto half = colour(0, 0.5F, 1), full = colour(0, 1, 1), beyond = colour(0, 3, 1);
  EXPECT_GT(half[2], full[2] + 90);
  EXPECT_LT(beyond[0], full[0]);
  // Without a given length the longest vector has full colour.
  EXPECT_EQ(colour(0, 7, 0), full);
  EXPECT_EQ(colour(1e10F, 0, 1), (std::array{0, 0, 0}));
  EXPECT_EQ(colour(std::numeric_limits<float>::quiet_NaN(), 0, 0), (std::array{0, 0, 0}));
}

}  // namespace
}  // namespace semcodec
