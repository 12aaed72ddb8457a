// What is said about inputs and outputs that do not work, and what is left behind.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "common/core/error.h"
#include "common/media/picture.h"
#include "tests/media/clip.h"

namespace semcodec {
namespace {

using namespace test;

std::string open_sentence(const std::string& path) {
  return sentence_of([&] { VideoReader reader(path); });
}

void expect_sentence(const std::string& sentence, const std::string& path,
                     const std::string& words) {
  EXPECT_NE(sentence.find(path), std::string::npos) << sentence;
  EXPECT_NE(sentence.find(words), std::string::npos) << sentence;
  EXPECT_FALSE(sentence.empty());
  EXPECT_EQ(sentence.back(), '.') << sentence;
  EXPECT_EQ(sentence.find('\n'), std::string::npos) << sentence;
  EXPECT_EQ(sentence.find("@ 0x"), std::string::npos) << sentence;
}

TEST(ReaderErrors, NameTheFileAndTheCause) {
  const TemporaryFolder folder;
  const std::string missing = folder.path("missing.mp4");
  expect_sentence(open_sentence(missing), missing, "No such file");
  expect_sentence(open_sentence(folder.path(".")), folder.path("."), "is a folder");

  const std::string empty = folder.path("empty.mp4");
  write_bytes(empty, {});
  expect_sentence(open_sentence(empty), empty, "is empty");

  for (const char* name : {"text.mp4", "text.txt", "text", "text.srt"}) {
    const std::string text = folder.path(name);
    std::ofstream(text) << "1\n00:00:01,000 --> 00:00:02,000\nThis is not a video at all.\n\n";
    const std::string sentence = open_sentence(text);
    expect_sentence(sentence, text, "");
    EXPECT_TRUE(sentence.find("is not a video") != std::string::npos ||
                sentence.find("has no video") != std::string::npos)
        << sentence;
  }

  const std::string noise = folder.path("noise.mp4");
  std::mt19937 random(1);
  std::vector<std::uint8_t> bytes(20000);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  write_bytes(noise, bytes);
  expect_sentence(open_sentence(noise), noise, "");

  const std::string sound = folder.path("sound.mka");
  write_audio_file(sound, sine("aac", 0.5));
  expect_sentence(open_sentence(sound), sound, "has only audio");

  const std::string pattern = folder.path("none_%03d.png");
  expect_sentence(open_sentence(pattern), pattern, "");
}

TEST(ReaderErrors, AreInputErrors) {
  try {
    VideoReader reader("/nonexistent/clip.mp4");
    FAIL() << "opened a file that is not there";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::input);
  }
}

TEST(ReaderErrors, RefusesImpossibleSizes) {
  const TemporaryFolder folder;
  const std::string path = folder.path("size.y4m");
  for (const char* size :
       {"W0 H0", "W20000 H16", "W16 H20000", "W2000000000 H2000000000", "W-5 H5"}) {
    std::ofstream(path) << "YUV4MPEG2 " << size << " F25:1 Ip A1:1 C420\nFRAME\nabcdef";
    const std::string sentence = open_sentence(path);
    EXPECT_NE(sentence.find(path), std::string::npos) << size << ": " << sentence;
  }
}

TEST(ReaderErrors, DeliversWhatATruncatedFileHas) {
  const TemporaryFolder folder;
  for (const char* name : {"cut.mp4", "cut.mkv", "cut.y4m"}) {
    const std::string path = folder.path(name);
    write_clip(path, 160, 96, regular_times(50),
               {.time_base = {1, 25}, .frame_rate = {25, 1}, .crf = 10});
    auto bytes = bytes_of(path);
    bytes.resize(bytes.size() * 6 / 10);
    write_bytes(path, bytes);
    const Clip clip = read_clip(path);
    EXPECT_GT(clip.frames.size(), 10u) << name;
    EXPECT_LT(clip.frames.size(), 50u) << name;
    expect_sentence(clip.warning, path, "breaks off");
    EXPECT_NE(clip.warning.find(std::to_string(clip.frames.size()) + " frames"), std::string::npos);
    for (std::size_t i = 1; i < clip.frames.size(); ++i) {
      EXPECT_GT(clip.frames[i].pts, clip.frames[i - 1].pts);
    }
  }
}

TEST(ReaderErrors, SurvivesDamageInTheMiddle) {
  const TemporaryFolder folder;
  const std::string good = folder.path("good.mp4");
  write_clip(good, 160, 96, regular_times(50), {.time_base = {1, 25}, .crf = 10});
  const auto bytes = bytes_of(good);
  std::mt19937 random(7);
  int warned = 0;
  for (int round = 0; round < 20; ++round) {
    auto damaged = bytes;
    for (int i = 0; i < 40; ++i) {
      damaged[damaged.size() / 2 + random() % (damaged.size() / 2)] =
          static_cast<std::uint8_t>(random());
    }
    const std::string path = folder.path("damaged.mp4");
    write_bytes(path, damaged);
    const Clip clip = read_clip(path);
    EXPECT_GT(clip.frames.size(), 8u);  // what is hit varies with the threads of libx264
    warned += clip.warning.empty() ? 0 : 1;
  }
  EXPECT_GT(warned, 15);
}

TEST(ReaderErrors, NeverCrashesOnDamagedHeaders) {
  const TemporaryFolder folder;
  const std::string good = folder.path("good.mkv");
  write_clip(good, 64, 48, regular_times(5), {.time_base = {1, 25}});
  const auto bytes = bytes_of(good);
  std::mt19937 random(11);
  for (int round = 0; round < 100; ++round) {
    auto damaged = bytes;
    for (int i = 0; i < 4; ++i) {
      damaged[random() % std::min<std::size_t>(damaged.size(), 700)] =
          static_cast<std::uint8_t>(random());
    }
    const std::string path = folder.path("damaged.mkv");
    write_bytes(path, damaged);
    try {
      read_clip(path, {.audio = AudioMode::copy});
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(path), std::string::npos) << error.what();
    }
  }
}

TEST(WriterErrors, LeaveNothingBehind) {
  const TemporaryFolder folder;
  for (const char* name : {"left.mp4", "left.mkv", "left.y4m"}) {
    {
      VideoWriter writer(folder.path(name), {.time_base = {1, 25}, .frame_rate = {25, 1}});
      for (int i = 0; i < 5; ++i) writer.write(gradient(64, 64, i), i);
      EXPECT_FALSE(std::filesystem::exists(folder.path(name)));
    }
    EXPECT_TRUE(folder.files().empty()) << name;
  }
  {
    VideoWriter writer(folder.path("none.mp4"), {.time_base = {1, 25}});
    EXPECT_NE(sentence_of([&] { writer.finish(); }).find("no picture"), std::string::npos);
  }
  EXPECT_TRUE(folder.files().empty());
}

TEST(WriterErrors, KeepTheOldFileUntilTheNewOneIsComplete) {
  const TemporaryFolder folder;
  const std::string path = folder.path("old.mp4");
  write_bytes(path, {1, 2, 3});
  {
    VideoWriter writer(path, {.time_base = {1, 25}});
    writer.write(gradient(64, 64, 0), 0);
  }
  EXPECT_EQ(bytes_of(path), (std::vector<std::uint8_t>{1, 2, 3}));
  write_clip(path, 64, 64, {0}, {.time_base = {1, 25}});
  EXPECT_EQ(read_clip(path).frames.size(), 1u);
  EXPECT_EQ(folder.files().size(), 1u);
}

TEST(WriterErrors, NameAFullDisk) {
  for (const char* format : {"mp4", "mkv", "y4m"}) {
    const std::string sentence = sentence_of([&] {
      VideoWriter writer("/dev/full",
                         {.time_base = {1, 25}, .frame_rate = {25, 1}, .format = format});
      for (int i = 0; i < 60; ++i) writer.write(gradient(160, 96, i), i);
      writer.finish();
    });
    expect_sentence(sentence, "/dev/full", "No space left");
  }
  EXPECT_TRUE(std::filesystem::exists("/dev/full"));
}

TEST(WriterErrors, NamePlacesThatCannotBeWritten) {
  const TemporaryFolder folder;
  const auto open = [](const std::string& path) {
    return sentence_of([&] { VideoWriter writer(path, {.time_base = {1, 25}}); });
  };
  expect_sentence(open(folder.path("no/such/a.mp4")), "no/such/a.mp4", "No such file");
  expect_sentence(open(folder.path("no/such/a.y4m")), "no/such/a.y4m", "No such file");
  expect_sentence(open(folder.path(".")), folder.path("."), "is a folder");
  // Tests may run as root, whom permissions do not stop; /proc does.
  expect_sentence(open("/proc/a.mp4"), "/proc/a.mp4", "");
  expect_sentence(open(folder.path("a.webm")), "a.webm", ".mp4, .mkv, .ts or .y4m");
}

TEST(WriterErrors, RefuseWrongOptions) {
  const TemporaryFolder folder;
  const auto refused = [&](const WriterOptions& options) {
    return !sentence_of([&] {
              VideoWriter writer(folder.path("a.mp4"), options);
              writer.write(gradient(64, 64, 0), 0);
            }).empty();
  };
  EXPECT_FALSE(refused({}));
  EXPECT_TRUE(refused({.width = 64}));
  EXPECT_TRUE(refused({.width = 40000, .height = 64}));
  EXPECT_TRUE(refused({.time_base = {0, 1}}));
  EXPECT_TRUE(refused({.sample_aspect = {0, 1}}));
  EXPECT_TRUE(refused({.format = "avi"}));
  EXPECT_TRUE(refused({.crf = 99}));
  EXPECT_TRUE(refused({.preset = "no such preset"}));
  EXPECT_TRUE(refused({.rotation = 45}));
  EXPECT_TRUE(folder.files().empty());
}

TEST(WriterErrors, RefuseTimesThatDoNotIncrease) {
  const TemporaryFolder folder;
  VideoWriter writer(folder.path("a.mp4"), {.time_base = {1, 25}});
  writer.write(gradient(64, 64, 0), 5);
  EXPECT_NE(sentence_of([&] { writer.write(gradient(64, 64, 1), 5); }).find("do not increase"),
            std::string::npos);
  EXPECT_THROW(writer.write(RgbImage(), 6), Error);
}

}  // namespace
}  // namespace semcodec
