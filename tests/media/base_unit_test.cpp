// Base pictures on the wire: what libaom codes comes back to the byte, and smaller in between.

#include "common/entropy/base_unit_coder.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/core/error.h"
#include "common/core/hash.h"
#include "common/core/random.h"
#include "common/media/base_codec.h"

namespace semcodec::entropy {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// Texture that moves, and a patch that moves otherwise.
RgbImage picture(int index, int width, int height) {
  RgbImage image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const bool patch = std::abs(x - 3 * index - 20) < 18 && std::abs(y - height / 2) < 14;
      const double at = patch ? x - 3 * index : x + index;
      const double wave = std::sin(at * 0.23) * std::cos(y * 0.19) + 0.4 * std::sin(at * y * 0.01);
      for (int c = 0; c < 3; ++c) {
        image.row(y)[3 * x + c] = static_cast<std::uint8_t>(128 + (50 - 12 * c) * wave);
      }
    }
  }
  return image;
}

struct Setting {
  int width, height, look_ahead, quantiser, effort, count;
};

BaseUnits code(const Setting& setting) {
  BaseCoderOptions options;
  options.width = setting.width;
  options.height = setting.height;
  options.look_ahead = setting.look_ahead;
  options.effort = setting.effort;
  const auto coder = make_base_coder(options);
  BaseUnits units;
  const auto take = [&] {
    while (auto unit = coder->pop()) units.push_back(std::move(*unit));
  };
  for (int i = 0; i < setting.count; ++i) {
    coder->push(picture(i, setting.width, setting.height), setting.quantiser);
    take();
  }
  coder->finish();
  take();
  return units;
}

TEST(BaseUnits, ComeBackToTheByte) {
  for (const Setting& setting : {Setting{128, 96, 35, 55, 5, 40}, Setting{64, 32, 35, 63, 3, 24},
                                 Setting{256, 144, 19, 40, 6, 20}, Setting{160, 90, 0, 50, 7, 16},
                                 Setting{16, 16, 35, 60, 5, 12}, Setting{144, 256, 35, 8, 6, 10}}) {
    const auto units = code(setting);
    ASSERT_EQ(units.size(), static_cast<std::size_t>(setting.count));
    BaseUnitCoder packer, unpacker;
    std::size_t plain = 0, packed_size = 0, larger = 0;
    for (const auto& unit : units) {
      const auto packed = packer.pack(unit);
      ASSERT_EQ(unpacker.unpack(packed), unit) << setting.width << "x" << setting.height;
      plain += unit.size();
      packed_size += packed.size();
      larger += packed.size() > unit.size() ? 1 : 0;
    }
    // None of them was stored as it is, which takes a byte more.
    EXPECT_EQ(larger, 0u) << setting.width << "x" << setting.height;
    EXPECT_LT(packed_size + 6 * units.size(), plain) << setting.width << "x" << setting.height;
  }
}

TEST(BaseUnits, BeginAnewAtEntryPoints) {
  const auto units = code({128, 96, 35, 55, 5, 12});
  BaseUnitCoder packer, once, again;
  std::vector<Bytes> first;
  for (const auto& unit : units) first.push_back(packer.pack(unit));
  packer.restart();
  for (std::size_t i = 0; i < units.size(); ++i) {
    const auto second = packer.pack(units[i]);
    EXPECT_EQ(second, first[i]);
    EXPECT_EQ(once.unpack(second), units[i]);
  }
  once.restart();
  EXPECT_EQ(once.unpack(first[0]), units[0]);
}

TEST(BaseUnits, AnyBytesCanBePacked) {
  const auto units = code({64, 48, 35, 58, 6, 10});
  Random random(5);
  BaseUnitCoder packer, unpacker;
  const auto round = [&](const Bytes& unit) {
    EXPECT_EQ(unpacker.unpack(packer.pack(unit)), unit);
  };
  round({});
  round({0});
  for (const auto& unit : units) {
    for (int i = 0; i < 40; ++i) {
      Bytes changed = unit;
      if (i % 2 == 0) changed.resize(random.below(static_cast<std::uint32_t>(unit.size() + 1)));
      for (int k = 0; k < 1 + i % 3 && !changed.empty(); ++k) {
        changed[random.below(
            std::min<std::uint32_t>(30, static_cast<std::uint32_t>(changed.size())))] ^=
            static_cast<std::uint8_t>(1u << random.below(8));
      }
      round(changed);
    }
    round(unit);
  }
}

TEST(BaseUnits, DamagedBytesAreRefusedOrGiveOtherUnits) {
  const auto units = code({64, 48, 35, 58, 6, 8});
  Random random(7);
  int refused = 0, given = 0;
  for (int i = 0; i < 4000; ++i) {
    BaseUnitCoder packer, unpacker;
    for (const auto& unit : units) {
      Bytes packed = packer.pack(unit);
      const auto size = static_cast<std::uint32_t>(packed.size());
      packed[random.below(std::min<std::uint32_t>(24, size))] ^=
          static_cast<std::uint8_t>(1u << random.below(8));
      if (i % 3 == 0) packed.resize(random.below(size));
      try {
        EXPECT_LT(unpacker.unpack(packed).size(), packed.size() + 400);
        ++given;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::corrupt);
        ++refused;
        break;
      }
    }
  }
  EXPECT_GT(refused, 100);
  EXPECT_GT(given, 100);
}

// The built-in headers are part of the stream format.
TEST(BaseUnits, PrimingIsFixed) {
  EXPECT_EQ(md5_hex(built_in_base_priming()), "f0fbb64554328f013a5dbc2102ee524d");
}

}  // namespace
}  // namespace semcodec::entropy
