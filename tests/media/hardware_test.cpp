// Decoding and encoding on devices, as far as it goes without one: what is said, what is fallen
// back to, and pictures that lie in a device's memory. See gpu_test.cpp for the rest.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

extern "C" {
#include <libavutil/hwcontext_drm.h>
}

#include "common/core/error.h"
#include "common/media/hw_device.h"
#include "common/media/input.h"
#include "common/media/intra_codec.h"
#include "common/media/video_decoder.h"
#include "common/media/video_encoder.h"
#include "tests/media/clip.h"

namespace semcodec {
namespace {

using namespace test;

/// A device of a type that nobody has opened: every decoder finds it useless. Null when libav does
/// not know the type.
av::Buffer useless_device(AVHWDeviceType type) { return av::Buffer(av_hwdevice_ctx_alloc(type)); }

/// What a decoder makes of a file: the luma of its pictures, and whether a device was left.
struct Decoded {
  std::vector<std::vector<std::uint8_t>> pictures;
  std::vector<std::int64_t> times;
  bool on_device = false;
  std::string said;
};

Decoded decode(const std::string& path, av::Buffer device) {
  Decoded result;
  testing::internal::CaptureStderr();
  {
    av::InputFile input(path, {});
    av::VideoDecoder decoder(*input.context().streams[0], path, 2, std::move(device));
    av::Packet packet = av::make_packet();
    av::Frame frame = av::make_frame();
    const auto take = [&] {
      int status = 0;
      while ((status = decoder.receive(*frame)) >= 0) {
        std::vector<std::uint8_t> luma;
        for (int y = 0; y < frame->height; ++y) {
          const std::uint8_t* row = frame->data[0] + std::ptrdiff_t{frame->linesize[0]} * y;
          luma.insert(luma.end(), row, row + frame->width);
        }
        result.pictures.push_back(std::move(luma));
        result.times.push_back(frame->pts);
        av_frame_unref(frame.get());
      }
      EXPECT_TRUE(status == AVERROR(EAGAIN) || status == AVERROR_EOF) << av::error_text(status);
    };
    while (input.read(*packet) >= 0) {
      EXPECT_GE(decoder.send(packet.get()), 0);
      av_packet_unref(packet.get());
      take();
    }
    EXPECT_GE(decoder.send(nullptr), 0);
    take();
    result.on_device = decoder.on_device();
  }
  result.said = testing::internal::GetCapturedStderr();
  return result;
}

/// Decodes on a useless device and on none: the same pictures, and one sentence about it.
void expect_fallback(const std::string& path, AVHWDeviceType type, std::size_t pictures) {
  const Decoded plain = decode(path, nullptr);
  EXPECT_EQ(plain.pictures.size(), pictures);
  EXPECT_EQ(plain.said, "");
  const Decoded fallen = decode(path, useless_device(type));
  EXPECT_FALSE(fallen.on_device);
  EXPECT_EQ(fallen.times, plain.times);
  EXPECT_EQ(fallen.pictures, plain.pictures);
  EXPECT_NE(fallen.said.find(path), std::string::npos) << fallen.said;
  EXPECT_NE(fallen.said.find("decoded on the CPU"), std::string::npos) << fallen.said;
  EXPECT_EQ(std::count(fallen.said.begin(), fallen.said.end(), '\n'), 1) << fallen.said;
}

/// Intra pictures in AV1, in the plain container IVF.
void write_av1(const std::string& path, int pictures) {
  std::vector<std::uint8_t> file;
  const auto put = [&](std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) file.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  };
  for (const char c : {'D', 'K', 'I', 'F'}) put(static_cast<std::uint8_t>(c), 1);
  put(0, 2);   // version
  put(32, 2);  // bytes of this header
  for (const char c : {'A', 'V', '0', '1'}) put(static_cast<std::uint8_t>(c), 1);
  put(128, 2);
  put(96, 2);
  put(25, 4);  // rate
  put(1, 4);
  put(static_cast<std::uint64_t>(pictures), 8);
  for (int i = 0; i < pictures; ++i) {
    const auto unit = encode_intra(gradient(128, 96, i), "av1", 60);
    put(unit.size() + 2, 4);
    put(static_cast<std::uint64_t>(i), 8);
    put(0x0012, 2);  // a temporal delimiter, which stored pictures do without
    file.insert(file.end(), unit.begin(), unit.end());
  }
  write_bytes(path, file);
}

TEST(HardwareDecoding, FallsBackWhenTheDeviceRefusesTheStream) {
  if (!useless_device(AV_HWDEVICE_TYPE_VAAPI)) GTEST_SKIP() << "This libav does not know VAAPI.";
  const TemporaryFolder folder;
  const std::string path = folder.path("h264.mp4");
  write_clip(path, 160, 96, regular_times(30), {.time_base = {1, 25}});
  expect_fallback(path, AV_HWDEVICE_TYPE_VAAPI, 30);
}

// For AV1 the decoder that uses devices is another than the one that runs on the CPU.
TEST(HardwareDecoding, FallsBackToAnotherDecoder) {
  if (!useless_device(AV_HWDEVICE_TYPE_VAAPI)) GTEST_SKIP() << "This libav does not know VAAPI.";
  if (!can_encode_intra("av1")) GTEST_SKIP() << "This libav has no AV1 encoder.";
  const TemporaryFolder folder;
  const std::string path = folder.path("av1.ivf");
  write_av1(path, 5);
  expect_fallback(path, AV_HWDEVICE_TYPE_VAAPI, 5);
}

TEST(HardwareDecoding, FallsBackWhenLibavHasNoDecoderForTheDevice) {
  if (!useless_device(AV_HWDEVICE_TYPE_VAAPI)) GTEST_SKIP() << "This libav does not know VAAPI.";
  const TemporaryFolder folder;
  const std::string path = folder.path("ffv1.mkv");
  write_flat_clip(path, {}, {kRed, kGreen, kBlue, kYellow});
  expect_fallback(path, AV_HWDEVICE_TYPE_VAAPI, 1);
}

TEST(HardwareDecoding, WithoutADeviceTheWordsDecide) {
  std::string why;
  if (av::open_device(AV_HWDEVICE_TYPE_CUDA, why)) GTEST_SKIP() << "This machine has a GPU.";
  const TemporaryFolder folder;
  const std::string path = folder.path("a.mp4");
  write_clip(path, 64, 48, regular_times(5), {.time_base = {1, 25}});
  try {
    VideoReader reader(path, {.hwaccel = HwAccel::cuda});
    FAIL() << "read with a device that is not there";
  } catch (const Error& error) {
    const std::string sentence = error.what();
    EXPECT_EQ(error.kind(), ErrorKind::device);
    EXPECT_NE(sentence.find("no cuda device"), std::string::npos) << sentence;
    EXPECT_NE(sentence.find(why), std::string::npos) << sentence;
    EXPECT_NE(sentence.find(av::known_device_types()), std::string::npos) << sentence;
    EXPECT_EQ(sentence.find('\n'), std::string::npos) << sentence;
  }
  testing::internal::CaptureStderr();
  const Clip first = read_clip(path, {.hwaccel = HwAccel::automatic});
  const Clip second = read_clip(path, {.hwaccel = HwAccel::automatic});
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(first.frames.size(), 5u);
  EXPECT_EQ(second.frames.size(), 5u);
  EXPECT_NE(said.find("decoded on the CPU"), std::string::npos) << said;
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
}

/// A 64x48 picture of 64x64 NV12 samples in memory that only a file descriptor names, as a device
/// exports it: libav maps and copies that without any hardware.
av::Frame exported_picture(av::Buffer& frames, int descriptor) {
  constexpr int kWidth = 64, kHeight = 64;
  auto* device = reinterpret_cast<AVHWDeviceContext*>(frames->data);
  static_cast<AVDRMDeviceContext*>(device->hwctx)->fd = -1;
  av::Buffer opened = std::move(frames);
  if (av_hwdevice_ctx_init(opened.get()) < 0) return nullptr;
  frames.reset(av_hwframe_ctx_alloc(opened.get()));
  auto& pool = *reinterpret_cast<AVHWFramesContext*>(frames->data);
  pool.format = AV_PIX_FMT_DRM_PRIME;
  pool.sw_format = AV_PIX_FMT_NV12;
  pool.width = kWidth;
  pool.height = kHeight;
  if (av_hwframe_ctx_init(frames.get()) < 0) return nullptr;
  auto* picture = static_cast<AVDRMFrameDescriptor*>(av_mallocz(sizeof(AVDRMFrameDescriptor)));
  picture->nb_objects = 1;
  picture->objects[0] = {descriptor, kWidth * kHeight * 3 / 2, 0};
  picture->nb_layers = 1;
  picture->layers[0].format = MKTAG('N', 'V', '1', '2');
  picture->layers[0].nb_planes = 2;
  picture->layers[0].planes[0] = {0, 0, kWidth};
  picture->layers[0].planes[1] = {0, kWidth * kHeight, kWidth};
  av::Frame frame = av::make_frame();
  frame->format = AV_PIX_FMT_DRM_PRIME;
  frame->width = kWidth;
  frame->height = 48;  // the rest is the coder's padding
  frame->data[0] = reinterpret_cast<std::uint8_t*>(picture);
  frame->buf[0] = av_buffer_create(frame->data[0], sizeof *picture, nullptr, nullptr, 0);
  frame->hw_frames_ctx = av_buffer_ref(frames.get());
  frame->pts = 77;
  frame->colorspace = AVCOL_SPC_BT2020_NCL;
  frame->color_range = AVCOL_RANGE_JPEG;
  return frame;
}

TEST(HardwareDecoding, FetchesPicturesWithTheirFacts) {
  av::Buffer frames = useless_device(AV_HWDEVICE_TYPE_DRM);
  if (!frames) GTEST_SKIP() << "This libav does not know DRM.";
  const int memory = memfd_create("picture", MFD_CLOEXEC);
  ASSERT_GE(memory, 0);
  std::vector<std::uint8_t> samples(64 * 64 * 3 / 2);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<std::uint8_t>(i * 7 + i / 64);
  }
  ASSERT_EQ(::write(memory, samples.data(), samples.size()), static_cast<ssize_t>(samples.size()));
  av::Frame frame = exported_picture(frames, memory);
  ASSERT_TRUE(frame);
  av::fetch(*frame, "clip.mp4");
  EXPECT_EQ(frame->format, AV_PIX_FMT_NV12);
  EXPECT_EQ(frame->width, 64);
  EXPECT_EQ(frame->height, 48);
  EXPECT_EQ(frame->hw_frames_ctx, nullptr);
  EXPECT_EQ(frame->pts, 77);
  EXPECT_EQ(frame->colorspace, AVCOL_SPC_BT2020_NCL);
  EXPECT_EQ(frame->color_range, AVCOL_RANGE_JPEG);
  for (int y = 0; y < 48; ++y) {
    for (int x = 0; x < 64; ++x) {
      ASSERT_EQ(frame->data[0][frame->linesize[0] * y + x],
                samples[static_cast<std::size_t>(64 * y + x)]);
      ASSERT_EQ(frame->data[1][frame->linesize[1] * (y / 2) + x],
                samples[static_cast<std::size_t>(64 * 64 + 64 * (y / 2) + x)]);
    }
  }
  const std::uint8_t* before = frame->data[0];
  av::fetch(*frame, "clip.mp4");  // one in main memory stays where it is
  EXPECT_EQ(frame->data[0], before);
  ::close(memory);
}

TEST(HardwareDecoding, NamesAPictureThatCannotBeFetched) {
  av::Buffer frames = useless_device(AV_HWDEVICE_TYPE_DRM);
  if (!frames) GTEST_SKIP() << "This libav does not know DRM.";
  av::Frame frame = exported_picture(frames, -1);
  ASSERT_TRUE(frame);
  try {
    av::fetch(*frame, "clip.mp4");
    FAIL() << "fetched a picture from nowhere";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::device);
    EXPECT_NE(std::string(error.what()).find("clip.mp4"), std::string::npos) << error.what();
  }
}

TEST(HardwareEncoding, TranslatesQualityAndPresets) {
  using Settings = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(av::encoder_settings("libx264", "slow", 20),
            (Settings{{"preset", "slow"}, {"crf", "20"}}));
  EXPECT_EQ(av::encoder_settings("h264_nvenc", "slow", 20),
            (Settings{{"preset", "p5"}, {"rc", "vbr"}, {"cq", "20"}}));
  EXPECT_EQ(av::encoder_settings("hevc_nvenc", "p7", 1),
            (Settings{{"preset", "p7"}, {"rc", "vbr"}, {"cq", "1"}}));
  // cq 0 is "automatic", crf 0 is lossless.
  EXPECT_EQ(av::encoder_settings("h264_nvenc", "medium", 0),
            (Settings{{"preset", "p4"}, {"tune", "lossless"}, {"rc", "constqp"}, {"qp", "0"}}));
  std::string last;
  for (const char* preset : {"ultrafast", "superfast", "veryfast", "faster", "fast", "medium",
                             "slow", "slower", "veryslow", "placebo"}) {
    const std::string speed = av::encoder_settings("h264_nvenc", preset, 20)[0].second;
    EXPECT_GE(speed, last) << preset;
    last = speed;
  }
  EXPECT_EQ(last, "p7");
  EXPECT_TRUE(av::knows_preset("h264_nvenc", "p5"));
  EXPECT_FALSE(av::knows_preset("libx264", "p5"));
  EXPECT_FALSE(av::knows_preset("h264_nvenc", "p8"));
}

/// libav must know every option that it is given: it ignores others.
TEST(HardwareEncoding, UsesOptionsThatTheEncoderHas) {
  for (const char* name : {"libx264", "h264_nvenc", "hevc_nvenc"}) {
    const AVCodec* codec = avcodec_find_encoder_by_name(name);
    if (codec == nullptr) continue;
    for (const char* preset : {"ultrafast", "medium", "placebo"}) {
      for (const int crf : {0, 18, 51}) {
        const av::Codec encoder(avcodec_alloc_context3(codec));
        for (const auto& [key, value] : av::encoder_settings(name, preset, crf)) {
          EXPECT_GE(av_opt_set(encoder->priv_data, key.c_str(), value.c_str(), 0), 0)
              << name << " " << key << "=" << value;
        }
      }
    }
  }
}

TEST(HardwareEncoding, WithoutADeviceTheWordsDecide) {
  const auto kind_of = [](const std::string& wanted, const std::string& path) {
    try {
      choose_video_encoder(wanted, path, "");
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(wanted), std::string::npos) << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      return error.exit_code();
    }
    return 0;
  };
  EXPECT_EQ(kind_of("libx264", "a.mp4"), 0);
  EXPECT_EQ(kind_of("libtheora", "a.mp4"), 2);
  EXPECT_EQ(kind_of("h264_nvenc", "a.y4m"), 2);
  EXPECT_EQ(choose_video_encoder("auto", "a.y4m", ""), "libx264");
  std::string why;
  if (av::open_device(AV_HWDEVICE_TYPE_CUDA, why)) GTEST_SKIP() << "This machine has a GPU.";
  for (const char* name : {"h264_nvenc", "hevc_nvenc"}) {
    const bool known = avcodec_find_encoder_by_name(name) != nullptr;
    EXPECT_EQ(kind_of(name, "a.mp4"), known ? 7 : 5) << name;
  }
  testing::internal::CaptureStderr();
  EXPECT_EQ(choose_video_encoder("auto", "a.mp4", ""), "libx264");
  EXPECT_EQ(choose_video_encoder("auto", "a.mp4", ""), "libx264");
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("libx264"), std::string::npos) << said;
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
}

TEST(HardwareEncoding, LeavesNothingBehindWhenItFails) {
  std::string why;
  if (av::open_device(AV_HWDEVICE_TYPE_CUDA, why)) GTEST_SKIP() << "This machine has a GPU.";
  const TemporaryFolder folder;
  const std::string sentence = sentence_of([&] {
    write_clip(folder.path("a.mp4"), 64, 48, {0, 1},
               {.time_base = {1, 25}, .encoder = "h264_nvenc"});
  });
  EXPECT_NE(sentence.find("h264_nvenc"), std::string::npos) << sentence;
  EXPECT_TRUE(folder.files().empty());
}

}  // namespace
}  // namespace semcodec
