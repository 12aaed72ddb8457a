// Video decoded by NVDEC and encoded by NVENC.
#include <gtest/gtest.h>

#include "common/core/error.h"
#include "common/media/hw_device.h"
#include "common/media/video_decoder.h"
#include "semcodec/video_writer.h"
#include "tests/media/clip.h"

namespace semcodec {
namespace {

using namespace test;

class MediaGpu : public testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    if (!av::open_device(AV_HWDEVICE_TYPE_CUDA, why)) {
      GTEST_SKIP() << "no GPU to test on (" << why << "); run on a machine with one: ctest -L gpu";
    }
  }
};

TEST_F(MediaGpu, DecodesTheSamePictures) {
  const TemporaryFolder folder;
  const std::string path = folder.path("a.mp4");
  // A height that is no multiple of 16: the device's pictures are padded.
  write_clip(path, 320, 180, {0, 1, 2, 3, 5, 8, 13, 14, 15, 16, 17, 20, 21, 22, 23, 24},
             {.time_base = {1, 25}});
  testing::internal::CaptureStderr();
  const Clip device = read_clip(path, {.hwaccel = HwAccel::cuda});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");  // no word of a fallback
  const Clip plain = read_clip(path);
  ASSERT_EQ(device.frames.size(), plain.frames.size());
  EXPECT_EQ(device.info.width, plain.info.width);
  EXPECT_EQ(device.info.height, plain.info.height);
  EXPECT_EQ(device.info.matrix, plain.info.matrix);
  for (std::size_t i = 0; i < plain.frames.size(); ++i) {
    EXPECT_EQ(device.frames[i].pts, plain.frames[i].pts);
    EXPECT_GT(psnr(device.frames[i].image, plain.frames[i].image), 45) << i;
  }
}

TEST_F(MediaGpu, FallsBackForWhatItDoesNotDecode) {
  const TemporaryFolder folder;
  const std::string path = folder.path("odd.mp4");
  write_clip(path, 161, 97, regular_times(10), {.time_base = {1, 25}});  // 4:4:4
  testing::internal::CaptureStderr();
  const Clip clip = read_clip(path, {.hwaccel = HwAccel::cuda});
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(clip.frames.size(), 10u);
  EXPECT_NE(said.find("decoded on the CPU"), std::string::npos) << said;
}

TEST_F(MediaGpu, EncodesByNvenc) {
  for (const std::string encoder : {"h264_nvenc", "hevc_nvenc"}) {
    SCOPED_TRACE(encoder);
    const TemporaryFolder folder;
    const std::string path = folder.path("a.mp4");
    const std::string trouble = sentence_of([&] { choose_video_encoder(encoder, path, ""); });
    if (!trouble.empty()) GTEST_SKIP() << trouble;
    const std::vector<std::int64_t> times = {0, 1, 2, 3, 5, 8, 13, 14, 15, 16};
    for (const int crf : {0, 18}) {
      write_clip(path, 320, 180, times, {.time_base = {1, 25}, .encoder = encoder, .crf = crf});
      const Clip clip = read_clip(path);
      EXPECT_EQ(clip.info.codec, encoder == "h264_nvenc" ? "h264" : "hevc");
      EXPECT_EQ(clip.info.matrix, "bt709");
      ASSERT_EQ(clip.frames.size(), times.size());
      for (std::size_t i = 0; i < times.size(); ++i) {
        EXPECT_EQ(clip.frames[i].pts * clip.info.time_base.num * 25,
                  times[i] * clip.info.time_base.den);
        EXPECT_GT(psnr(clip.frames[i].image, gradient(320, 180, static_cast<int>(i))), 35) << i;
      }
    }
  }
}

}  // namespace
}  // namespace semcodec
