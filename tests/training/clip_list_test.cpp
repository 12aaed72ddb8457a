// Which clips a folder holds, in each layout.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "common/core/error.h"
#include "training/prepare/annotations.h"
#include "training/prepare/clip_list.h"

namespace semcodec {
namespace {

namespace fs = std::filesystem;

class ClipListTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("semcodec-clips-" + std::to_string(::getpid()));
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }
  void touch(const std::string& name) {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << "x";
  }
  std::vector<ClipSource> list(ClipLayout layout) { return list_clips({root_.string()}, layout); }
  fs::path root_;
};

TEST_F(ClipListTest, EveryFileIsAClipAndHasANameOfItsOwn) {
  touch("a/drive.mp4");
  touch("b/drive.mp4");
  touch("b/.hidden.mp4");
  touch("picture.png");
  const auto clips = list(ClipLayout::videos);
  ASSERT_EQ(clips.size(), 3U);
  EXPECT_EQ(clips[0].name, "drive");
  EXPECT_EQ(clips[1].name, "b-drive");
  EXPECT_EQ(clips[2].name, "picture");
}

TEST_F(ClipListTest, AFolderOfPicturesIsASequenceInTheOrderOfItsNumbers) {
  for (const char* name :
       {"walk/f10.png", "walk/f9.png", "walk/f8.PNG", "alone/one.jpg", "x.mkv"}) {
    touch(name);
  }
  const auto clips = list(ClipLayout::sequence);
  ASSERT_EQ(clips.size(), 3U);
  EXPECT_EQ(clips[0].name, "walk");
  ASSERT_EQ(clips[0].files.size(), 3U);
  EXPECT_EQ(fs::path(clips[0].files[0]).filename(), "f8.PNG");
  EXPECT_EQ(fs::path(clips[0].files[2]).filename(), "f10.png");
  EXPECT_EQ(clips[1].name, "one") << "a picture alone is a still";
  EXPECT_EQ(clips[2].name, "x");
}

TEST_F(ClipListTest, CityscapesSequencesAreCutWhereFrameNumbersJump) {
  for (const int i : {0, 1, 2}) {
    touch("aachen/aachen_000003_00000" + std::to_string(i) + "_leftImg8bit.png");
  }
  for (const int i : {7, 8, 30, 31}) {
    touch("hanover/hanover_000000_0000" + std::string(i < 10 ? "0" : "") + std::to_string(i) +
          "_leftImg8bit.png");
  }
  touch("aachen/aachen_000003_000002_gtFine_labelIds.png");
  touch("README.txt");
  const auto clips = list(ClipLayout::cityscapes);
  ASSERT_EQ(clips.size(), 3U);
  EXPECT_EQ(clips[0].name, "aachen_000003_000000");
  EXPECT_EQ(clips[0].files.size(), 3U);
  EXPECT_EQ(clips[1].name, "hanover_000000_000007");
  EXPECT_EQ(clips[2].name, "hanover_000000_000030");
  EXPECT_EQ(clips[2].files.size(), 2U);
  EXPECT_EQ(clips[0].rate, 17);
}

TEST_F(ClipListTest, ApolloScapeCamerasAreClipsWithTheRateOfTheirNames) {
  const std::string folder = "road02/ColorImage/Record008/Camera 5/";
  // 10 a second, with two pictures missing between the third and the fourth.
  for (const char* time : {"034559600", "034559700", "034559800", "034600100", "034600200"}) {
    touch(folder + "171206_" + time + "_Camera_5.jpg");
  }
  touch("road02/Label/Record008/Camera 5/171206_034559600_Camera_5_bin.png");
  const auto clips = list(ClipLayout::apolloscape);
  ASSERT_EQ(clips.size(), 2U);
  EXPECT_EQ(clips[0].name, "Record008_Camera_5");
  EXPECT_EQ(clips[0].files.size(), 3U);
  EXPECT_EQ(clips[1].files.size(), 2U);
  EXPECT_NEAR(clips[0].rate, 10, 1e-6);
}

TEST(ClipLayout, NamesAreChecked) {
  EXPECT_EQ(parse_clip_layout("cityscapes"), ClipLayout::cityscapes);
  EXPECT_THROW(parse_clip_layout("kitti"), Error);
}

TEST_F(ClipListTest, AnnotationsAreFoundByNameByFolderAndByList) {
  for (const char* name :
       {"a/7.jpg", "a/7_edges.png", "a/8.jpg", "b/images/train/3.jpg", "b/groundTruth/train/3.png",
        "hed/aug_data/0.0/1.jpg", "hed/aug_gt/0.0/1.png"}) {
    touch(name);
  }
  std::size_t without = 0;
  const auto pairs = list_annotated({root_.string()}, &without);
  ASSERT_EQ(pairs.size(), 3U);
  const auto tail = [&](const std::string& path) {
    return fs::relative(path, root_).generic_string();
  };
  EXPECT_EQ(tail(pairs[0].picture), "a/7.jpg");
  EXPECT_EQ(tail(pairs[0].annotation), "a/7_edges.png");
  EXPECT_EQ(tail(pairs[1].annotation), "b/groundTruth/train/3.png");
  EXPECT_EQ(tail(pairs[2].annotation), "hed/aug_gt/0.0/1.png");
  EXPECT_EQ(without, 1U) << "a/8.jpg";

  const std::string list = (root_ / "hed/pairs.lst").string();
  std::ofstream(list) << "aug_data/0.0/1.jpg aug_gt/0.0/1.png\n\n";
  ASSERT_EQ(list_annotated({list}).size(), 1U);
  std::ofstream(list) << "aug_data/0.0/1.jpg aug_gt/0.0/2.png\n";
  EXPECT_THROW(list_annotated({list}), Error);
  touch("m/images/5.jpg");
  touch("m/groundTruth/5.mat");
  EXPECT_THROW(list_annotated({(root_ / "m").string()}), Error) << "docs/training.md converts them";
}

}  // namespace
}  // namespace semcodec
