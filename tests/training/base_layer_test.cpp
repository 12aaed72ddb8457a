// Base layers: the file, what is refused, and the draws of operating points.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

#include "common/core/error.h"
#include "common/core/file.h"
#include "common/core/little_endian.h"
#include "training/base/base_layer.h"
#include "training/base/draw_base_plan.h"

namespace semcodec {
namespace {

namespace fs = std::filesystem;

class BaseLayerTest : public ::testing::Test {
 protected:
  void TearDown() override { fs::remove(path_); }

  BaseLayer layer() const { return {{96, 64, 48, 32, 55, 3, 1, 2}, {{1, 2, 3}, {4}}}; }
  /// The sentence that reading the file ends with; empty when it is read.
  std::string refusal() const {
    try {
      read_base_layer(path_);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::corrupt);
      return error.what();
    }
    return {};
  }
  /// A sound file after `change`.
  void write_changed(const std::function<void(std::vector<std::uint8_t>&)>& change) const {
    write_base_layer(path_, layer());
    auto bytes = read_file(path_);
    change(bytes);
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  std::string path_ =
      (fs::temp_directory_path() / ("semcodec-layer-" + std::to_string(::getpid()) + "-0.base"))
          .string();
};

TEST_F(BaseLayerTest, RoundTrip) {
  write_base_layer(path_, layer());
  const auto read = read_base_layer(path_);
  EXPECT_EQ(read.plan, layer().plan);
  EXPECT_EQ(read.units, layer().units);
  EXPECT_EQ(read_base_plan(path_), layer().plan);
  EXPECT_EQ(read.plan.frame(1), 4);
  EXPECT_DOUBLE_EQ(read.plan.scale(), 0.5);
}

TEST_F(BaseLayerTest, HeadersThatCannotBeAreRefused) {
  struct Case {
    const char* what;
    std::size_t at;
    std::uint64_t value;
  };
  for (const Case& c : {Case{"magic", 0, 0}, Case{"version", 8, 2}, Case{"coded width", 12, 0},
                        Case{"coded width", 12, 1 << 20}, Case{"larger than coded", 20, 98},
                        Case{"odd width", 20, 47}, Case{"too small", 24, 14},
                        Case{"quantiser", 28, 64}, Case{"interval", 32, 0},
                        Case{"interval", 32, 0xffffffff}, Case{"first frame", 36, 0x80000000},
                        Case{"no pictures", 40, 0}, Case{"more than bytes", 40, 1 << 27},
                        Case{"pictures", 40, 0xffffffff}, Case{"one more", 40, 3}}) {
    write_changed([&](auto& bytes) { put_little(&bytes[c.at], c.value, 4); });
    EXPECT_NE(refusal().find(path_), std::string::npos) << c.what;
  }
}

TEST_F(BaseLayerTest, UnitsThatCannotBeAreRefused) {
  write_changed([](auto& bytes) { put_little(&bytes[64], 0, 4); });
  EXPECT_NE(refusal().find("picture 0"), std::string::npos);
  write_changed([](auto& bytes) { put_little(&bytes[64], 0xfffffff0, 4); });
  EXPECT_NE(refusal().find("picture 0"), std::string::npos);
  write_changed([](auto& bytes) { bytes.pop_back(); });
  EXPECT_NE(refusal().find("picture 1"), std::string::npos);
  write_changed([](auto& bytes) { bytes.push_back(0); });
  EXPECT_NE(refusal().find("behind its last picture"), std::string::npos);
  write_changed([](auto& bytes) { bytes.resize(63); });
  EXPECT_FALSE(refusal().empty());
  fs::remove(path_);
  EXPECT_THROW(read_base_layer(path_), Error);
}

TEST_F(BaseLayerTest, Paths) {
  EXPECT_EQ(base_layer_path("a/clip.frames", 2), "a/clip-2.base");
  EXPECT_EQ(pictures_path("a/clip-2.base"), "a/clip-2.pictures");
  EXPECT_TRUE(base_layers_of("no/such.frames").empty());
}

TEST(DrawBasePlan, CoversTheOperatingPoints) {
  const BaseClip clip{"clip", 512, 288, 200, 25};
  std::set<int> widths, quantisers;
  for (int i = 0; i < 300; ++i) {
    const auto plan = draw_base_plan(clip, 1, i);
    ASSERT_TRUE(plan);
    widths.insert(plan->width);
    quantisers.insert(plan->quantiser);
    EXPECT_GE(plan->quantiser, 40);
    EXPECT_LE(plan->quantiser, 63);
    EXPECT_LT(plan->first, plan->interval);
    EXPECT_LE(plan->interval, 8);  // 3.1 a second
    EXPECT_LT(plan->frame(plan->pictures - 1), clip.frames);
    EXPECT_GE(plan->frame(plan->pictures), clip.frames) << "the clip is used to its end";
    EXPECT_EQ(plan->height % 2, 0);
  }
  EXPECT_EQ(widths, (std::set<int>{128, 192, 256, 384, 512}));
  EXPECT_GT(quantisers.size(), 15U);
}

TEST(DrawBasePlan, DependsOnNameSeedAndIndexAlone) {
  const BaseClip clip{"clip", 512, 288, 200, 25};
  auto other = clip;
  other.name = "other";
  int differ_by_seed = 0, differ_by_name = 0;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(*draw_base_plan(clip, 1, i), *draw_base_plan(clip, 1, i));
    differ_by_seed += *draw_base_plan(clip, 1, i) != *draw_base_plan(clip, 2, i);
    differ_by_name += *draw_base_plan(clip, 1, i) != *draw_base_plan(other, 1, i);
  }
  EXPECT_GT(differ_by_seed, 10);
  EXPECT_GT(differ_by_name, 10);
}

TEST(DrawBasePlan, ShortClipsGetAsManyPicturesAsASampleNeeds) {
  BaseClip clip{"clip", 512, 288, 8, 30};
  for (int i = 0; i < 100; ++i) EXPECT_GE(draw_base_plan(clip, 1, i)->pictures, kMinBasePictures);
  clip.frames = kMinBasePictures;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(draw_base_plan(clip, 1, i)->pictures, kMinBasePictures);
  clip.frames = kMinBasePictures - 1;
  EXPECT_FALSE(draw_base_plan(clip, 1, 0));
}

}  // namespace
}  // namespace semcodec
