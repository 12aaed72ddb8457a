#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "common/core/error.h"
#include "tests/media/clip.h"

namespace semcodec {
namespace {

using namespace test;

/// A second of video with the sound beside it, handed over in time order.
std::string write_with_sound(const std::string& path, const Sound& sound,
                             std::string* handling = nullptr, const std::string& format = "") {
  VideoWriter writer(
      path, {.time_base = {1, 25}, .frame_rate = {25, 1}, .format = format, .audio = sound.info});
  std::size_t next = 0;
  for (int i = 0; i < 25; ++i) {
    writer.write(gradient(96, 64, i), i);
    const double until = (i + 1) / 25.0;
    while (next < sound.packets.size() &&
           (i == 24 ||
            static_cast<double>(sound.packets[next].pts) * sound.info.time_base.value() < until)) {
      writer.write(sound.packets[next++]);
    }
  }
  writer.finish();
  if (handling != nullptr) *handling = writer.audio_handling();
  return path;
}

struct Copy {
  const char* encoder;
  const char* codec;
  const char* extension;
};

class AudioCopy : public testing::TestWithParam<Copy> {};

TEST_P(AudioCopy, PacketsComeBackIdentical) {
  const TemporaryFolder folder;
  const Sound sound = sine(GetParam().encoder, 1.0);
  ASSERT_GT(sound.packets.size(), 8u);
  std::string handling;
  const std::string path =
      write_with_sound(folder.path(std::string("a.") + GetParam().extension), sound, &handling);
  EXPECT_EQ(handling, "copy");
  const Clip clip = read_clip(path, {.audio = AudioMode::copy});
  EXPECT_EQ(clip.frames.size(), 25u);
  ASSERT_TRUE(clip.audio_info);
  EXPECT_EQ(clip.audio_info->codec, GetParam().codec);
  EXPECT_EQ(clip.audio_info->sample_rate, 48000);
  EXPECT_EQ(clip.audio_info->channels, 2);
  ASSERT_EQ(clip.audio.size(), sound.packets.size());
  for (std::size_t i = 0; i < sound.packets.size(); ++i) {
    EXPECT_EQ(clip.audio[i].bytes, sound.packets[i].bytes) << i;
    EXPECT_NEAR(static_cast<double>(clip.audio[i].pts) * clip.audio_info->time_base.value(),
                static_cast<double>(sound.packets[i].pts) / 48000, 0.00101)
        << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, AudioCopy,
                         testing::Values(Copy{"aac", "aac", "mp4"}, Copy{"aac", "aac", "mkv"},
                                         Copy{"libopus", "opus", "mp4"},
                                         Copy{"libopus", "opus", "mkv"}, Copy{"ac3", "ac3", "mp4"},
                                         Copy{"flac", "flac", "mp4"},
                                         Copy{"pcm_s16le", "pcm_s16le", "mkv"}),
                         [](const auto& test) {
                           return std::string(test.param.codec) + "_" + test.param.extension;
                         });

TEST(Audio, SurvivesASecondGeneration) {
  // What the encoder and decoder do: read packets from one file, write them to another.
  const TemporaryFolder folder;
  const std::string first = write_with_sound(folder.path("a.mp4"), sine("aac", 1.0));
  const Clip clip = read_clip(first, {.audio = AudioMode::copy});
  const std::string second = write_with_sound(folder.path("b.mp4"), {*clip.audio_info, clip.audio});
  const Clip again = read_clip(second, {.audio = AudioMode::copy});
  EXPECT_EQ(again.audio, clip.audio);
  EXPECT_EQ(again.audio_info->extradata, clip.audio_info->extradata);
}

TEST(Audio, IsLeftAloneUnlessAskedFor) {
  const TemporaryFolder folder;
  const std::string path = write_with_sound(folder.path("a.mp4"), sine("aac", 1.0));
  const Clip clip = read_clip(path);
  EXPECT_FALSE(clip.audio_info);
  EXPECT_TRUE(clip.audio.empty());
}

TEST(Audio, BecomesAacWhereMp4DoesNotTakeIt) {
  const TemporaryFolder folder;
  std::string handling;
  const std::string path =
      write_with_sound(folder.path("a.mp4"), sine("pcm_s16le", 1.0, 44100), &handling);
  EXPECT_EQ(handling, "aac");
  const Clip clip = read_clip(path, {.audio = AudioMode::copy});
  ASSERT_TRUE(clip.audio_info);
  EXPECT_EQ(clip.audio_info->codec, "aac");
  EXPECT_EQ(clip.audio_info->sample_rate, 44100);
  const auto samples = decode_sound(*clip.audio_info, clip.audio);
  EXPECT_NEAR(static_cast<double>(samples.size()) / 44100, 1.0, 0.08);
  EXPECT_NEAR(frequency(samples, 44100), 440, 3);
}

TEST(Audio, ReaderRecodesToOpus) {
  const TemporaryFolder folder;
  for (const int rate : {44100, 48000}) {
    const std::string path = write_with_sound(folder.path("a.mkv"), sine("aac", 1.0, rate));
    for (const std::int64_t bits : {12000, 32000}) {
      const Clip clip = read_clip(path, {.audio = AudioMode::opus, .audio_bit_rate = bits});
      ASSERT_TRUE(clip.audio_info);
      EXPECT_EQ(clip.audio_info->codec, "opus");
      EXPECT_EQ(clip.audio_info->sample_rate, 48000);
      EXPECT_EQ(clip.audio_info->channels, bits < 24000 ? 1 : 2);
      std::size_t bytes = 0;
      for (const auto& packet : clip.audio) bytes += packet.bytes.size();
      EXPECT_LT(static_cast<double>(bytes) * 8, static_cast<double>(bits) * 1.5);
      for (std::size_t i = 1; i < clip.audio.size(); ++i) {
        EXPECT_EQ(clip.audio[i].pts, clip.audio[i - 1].pts + clip.audio[i - 1].duration);
      }
      const auto samples = decode_sound(*clip.audio_info, clip.audio);
      EXPECT_NEAR(frequency(samples, 48000), 440, 3);
      EXPECT_NEAR(static_cast<double>(samples.size()) / 48000, 1.0, 0.16);
    }
  }
}

TEST(Audio, MixesManyChannelsDown) {
  const TemporaryFolder folder;
  const std::string path = write_with_sound(folder.path("a.mkv"), sine("ac3", 1.0, 48000, 6));
  const Clip clip = read_clip(path, {.audio = AudioMode::opus, .audio_bit_rate = 48000});
  ASSERT_TRUE(clip.audio_info);
  EXPECT_EQ(clip.audio_info->channels, 2);
  EXPECT_NEAR(frequency(decode_sound(*clip.audio_info, clip.audio), 48000), 440, 3);
}

TEST(Audio, RecodingKeepsAGap) {
  const TemporaryFolder folder;
  Sound sound = sine("pcm_s16le", 1.0);
  for (auto& packet : sound.packets) {
    if (packet.pts >= 24000) packet.pts += 48000;
  }
  const std::string path = write_with_sound(folder.path("a.mkv"), sound);
  const Clip clip = read_clip(path, {.audio = AudioMode::opus});
  std::int64_t longest = 0;
  for (std::size_t i = 1; i < clip.audio.size(); ++i) {
    longest = std::max(longest, clip.audio[i].pts - clip.audio[i - 1].pts);
  }
  EXPECT_NEAR(static_cast<double>(longest) / 48000, 1.0, 0.05);
}

TEST(Audio, Y4mGoesWithout) {
  const TemporaryFolder folder;
  std::string handling;
  const std::string path = write_with_sound(folder.path("a.y4m"), sine("aac", 1.0), &handling);
  EXPECT_EQ(handling, "none");
  EXPECT_EQ(read_clip(path, {.audio = AudioMode::copy}).frames.size(), 25u);
}

TEST(Audio, DamagedDescriptionsCostTheSoundNotTheVideo) {
  const TemporaryFolder folder;
  const Sound sound = sine("aac", 1.0);
  for (int kind = 0; kind < 3; ++kind) {
    Sound broken = sound;
    if (kind == 0) broken.info.codec = "no such codec";
    if (kind == 1) broken.info.sample_rate = -5;
    if (kind == 2) broken.info.channels = 1000;
    std::string handling;
    const std::string path = write_with_sound(folder.path("a.mp4"), broken, &handling);
    EXPECT_EQ(handling, "none");
    EXPECT_EQ(read_clip(path).frames.size(), 25u);
  }
}

TEST(Audio, DamagedPacketsDoNotStopTheVideo) {
  const TemporaryFolder folder;
  Sound sound = sine("aac", 1.0);
  for (std::size_t i = 0; i < sound.packets.size(); i += 3) {
    for (auto& byte : sound.packets[i].bytes) byte ^= 0x5a;
    if (i % 2 == 0) sound.packets[i].bytes.clear();
    if (i % 5 == 0) sound.packets[i].pts = 7;  // runs backwards
  }
  const std::string path = write_with_sound(folder.path("a.mp4"), sound);
  EXPECT_EQ(read_clip(path, {.audio = AudioMode::opus}).frames.size(), 25u);
}

}  // namespace
}  // namespace semcodec
