// Semantic labels: in a stream and back, and the networks that give them.

#include <gtest/gtest.h>
#include <torch/script.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "common/core/error.h"
#include "common/semantic/class_plane.h"
#include "models/baselines/baseline.h"
#include "models/generator/class_maps.h"
#include "models/generator/conditions.h"
#include "models/segmentation/segmenter.h"

namespace semcodec {
namespace {

namespace fs = std::filesystem;

TEST(ClassPlane, EveryClassHasAColourOfItsOwnAndNoneIsBlack) {
  std::set<std::array<std::uint8_t, 3>> colours;
  for (int i = 0; i < kMaxClasses; ++i) colours.insert(class_colour(i));
  EXPECT_EQ(colours.size(), static_cast<std::size_t>(kMaxClasses));
  EXPECT_EQ(colours.count({0, 0, 0}), 0U);
  // PASCAL VOC's colour map has these at 1 and 15.
  EXPECT_EQ(class_colour(0), (std::array<std::uint8_t, 3>{128, 0, 0}));
  EXPECT_EQ(class_colour(14), (std::array<std::uint8_t, 3>{192, 128, 128}));
}

TEST(ClassPlane, TheMostFrequentClassOfACellStays) {
  const std::vector<std::uint8_t> ids = {3, 3, 1, 2,   //
                                         3, 0, 2, 1};  //
  const auto plane = class_plane(ids.data(), 4, 2, 4);
  EXPECT_EQ(plane.values, (std::vector<std::uint8_t>{3, 1}));
  EXPECT_EQ(plane.levels, 4);
  EXPECT_THROW(class_plane(ids.data(), 4, 2, 3), Error) << "there is a class 3";
}

TEST(ClassMaps, ClassesComeBackFromARenderedStream) {
  constexpr int kWidth = 64, kHeight = 32, kClasses = 200;
  std::vector<std::uint8_t> ids(kWidth * kHeight);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    ids[i] = static_cast<std::uint8_t>((i / 2 % (kWidth / 2) + i / (2 * kWidth) * 7) % kClasses);
  }
  SemanticFrame frame;
  frame.labels = class_plane(ids.data(), kWidth, kHeight, kClasses);
  frame.palette = class_palette(kClasses);
  const auto condition = render_condition(frame, kWidth, kHeight);
  const auto maps = class_maps(condition.narrow(1, 0, 3), kClasses);
  EXPECT_TRUE(torch::equal(maps.sum(1), torch::ones({1, kHeight / 2, kWidth / 2})));
  const auto found = maps.argmax(1);
  for (int y = 0; y < kHeight / 2; ++y) {
    for (int x = 0; x < kWidth / 2; ++x) {
      const auto at = static_cast<std::size_t>(y * kWidth / 2 + x);
      ASSERT_EQ(found[0][y][x].item<int>(), frame.labels.values[at]) << x << ", " << y;
    }
  }
  EXPECT_EQ(class_maps(torch::zeros({1, 3, 4, 4}), 20).sum().item<float>(), 0) << "no class";

  BaselineConfig config = published_baseline("vid2vid");
  config.condition = "labels";
  EXPECT_THROW(condition_channels(config), Error) << "of how many classes?";
  config.classes = kClasses;
  EXPECT_EQ(condition_channels(config), kClasses);
  EXPECT_TRUE(torch::equal(select_condition(condition, config), maps));
}

/// Scores of two classes: how bright a pixel is, and a constant in between.
std::string bright_or_dark(const char* result) {
  torch::jit::Module module("BrightOrDark");
  module.define(std::string("def forward(self, x):\n"
                            "  bright = x.mean([1], True)\n"
                            "  scores = torch.cat([bright * 0, bright], 1)\n"
                            "  return ") +
                result + "\n");
  const auto path =
      (fs::temp_directory_path() / ("semcodec-script-" + std::to_string(::getpid()) + ".pt"))
          .string();
  module.save(path);
  return path;
}

TEST(Segmenter, TakesAnyTorchScriptNetwork) {
  RgbImage picture(32, 16);
  for (int x = 16; x < 32; ++x) {
    for (int y = 0; y < 16; ++y) std::fill_n(picture.row(y) + 3 * x, 3, std::uint8_t{250});
  }
  for (const char* result : {"scores", "{\"out\": scores}", "(scores, x)"}) {
    const auto path = bright_or_dark(result);
    const auto ids = Segmenter(path).segment(picture, 16, 8);
    ASSERT_EQ(ids.size(), 128U);
    for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(ids[i], i % 16 < 8 ? 0 : 1) << result;
    fs::remove(path);
  }
}

TEST(Segmenter, SaysWhatItCannotUse) {
  const auto path = bright_or_dark("x.mean()");
  Segmenter mean(path);
  EXPECT_THROW(mean.segment(RgbImage(32, 16), 16, 8), Error) << "no scores";
  fs::remove(path);
  EXPECT_THROW(Segmenter("no-such-file.pt"), Error);
}

}  // namespace
}  // namespace semcodec
