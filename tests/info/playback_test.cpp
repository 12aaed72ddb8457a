#include "decoder/playback/playback.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "common/core/error.h"
#include "tests/bitstream/sample_streams.h"

namespace semcodec {
namespace {

constexpr double kFrame = 1001.0 / 30000;

/// 60 coded frames five frames apart (10 s), an entry point every twelve (2 s), in a file.
class PlaybackTest : public testing::Test {
 protected:
  PlaybackTest()
      : coded_frames_(test::sample_coded_frames(60, 5, 12)),
        recorded_(test::record(test::sample_info(), coded_frames_, true)),
        path_(std::filesystem::temp_directory_path() /
              ("semcodec_playback" + std::to_string(::getpid()) + ".sem")) {
    std::FILE* file = std::fopen(path_.c_str(), "wb");
    std::fwrite(recorded_.bytes.data(), 1, recorded_.bytes.size(), file);
    std::fclose(file);
    for (const SemanticFrame& frame : coded_frames_) {
      times_.insert(times_.end(), frame.interpolated_pts.begin(), frame.interpolated_pts.end());
      times_.push_back(frame.pts);
    }
  }
  ~PlaybackTest() override { std::filesystem::remove(path_); }

  struct Played {
    std::vector<std::int64_t> shown;         ///< pts of frames in the range
    std::vector<std::int64_t> interpolated;  ///< all that were handed out
    std::vector<SemanticFrame> frames;
    AudioBatch audio;
    bool audio_info = false;
  };

  static Played play(StreamReader& reader, const PlaybackRange& range) {
    Playback playback(reader, range);
    Played out;
    while (auto item = playback.next()) {
      if (item->audio_info() != nullptr) out.audio_info = true;
      if (const auto* batch = item->audio()) {
        out.audio.insert(out.audio.end(), batch->begin(), batch->end());
      }
      const auto* frame = item->frame();
      if (frame == nullptr) continue;
      for (const auto pts : frame->interpolated_pts) {
        out.interpolated.push_back(pts);
        if (playback.shows(pts)) out.shown.push_back(pts);
      }
      if (playback.shows(frame->pts)) out.shown.push_back(frame->pts);
      out.frames.push_back(*frame);
    }
    return out;
  }

  std::vector<std::int64_t> expected(double start, double end) const {
    std::vector<std::int64_t> some;
    for (const auto pts : times_) {
      const double at = static_cast<double>(pts) / 30000;
      if (at >= start - 1e-6 && at < end - 1e-6) some.push_back(pts);
    }
    return some;
  }

  std::vector<SemanticFrame> coded_frames_;
  test::Recorded recorded_;
  std::filesystem::path path_;
  std::vector<std::int64_t> times_;
};

TEST_F(PlaybackTest, ABasePictureBehindTheRangeIsHandedOutToLookAt) {
  for (auto& frame : coded_frames_) frame.base = BasePicture{96, 64, 60, {1, 2}};
  const auto recorded = test::record(test::sample_info(), coded_frames_, true);
  for (const auto& [end, last] :
       {std::pair{16 * kFrame, 5}, {18 * kFrame, 6}, {15 * kFrame, 5}, {11 * kFrame, 4}}) {
    StreamReader reader(test::source_of(recorded.bytes), "test");
    const auto played = play(reader, {0, end});
    EXPECT_EQ(played.shown, expected(0, end));
    // The coded frames are five apart: one at or behind the end and, where frames before it are
    // shown, the one after.
    EXPECT_EQ(played.frames.size(), static_cast<std::size_t>(last)) << end;
  }
}

TEST_F(PlaybackTest, ShowsJustTheFramesOfTheRange) {
  const double cases[][2] = {{0, 1},     {0, 100},   {3.3, 3.4},     {5 * kFrame, 6 * kFrame},
                             {1.9, 4.2}, {9.7, 100}, {2.002, 2.003}, {7.123, 9.876}};
  for (const auto& [start, end] : cases) {
    StreamReader reader(path_.string());
    const auto from_file = play(reader, {start, end});
    EXPECT_EQ(from_file.shown, expected(start, end)) << start << " " << end;
    StreamReader piped(test::source_of(recorded_.bytes, 1000), "pipe");
    EXPECT_EQ(play(piped, {start, end}).shown, expected(start, end)) << start << " from a pipe";
  }
}

TEST_F(PlaybackTest, BeginsAtTheEntryPointBeforeTheStartAndEndsBehindTheEnd) {
  StreamReader reader(path_.string());
  const auto played = play(reader, {5.0, 5.5});
  ASSERT_FALSE(played.frames.empty());
  // Entry points lie 60 frames apart; 5 s are frame 149.85, so that of frame 120 is the one.
  EXPECT_EQ(played.frames.front().pts, 120 * 1001);
  EXPECT_TRUE(played.frames.front().entry_point);
  EXPECT_EQ(played.frames.size(), 10u) << "frames 120, 125 … 165 and none else";
  EXPECT_EQ(played.interpolated.size() + 3, played.shown.size())
      << "no interpolated frame is handed out in vain";
  for (const SemanticFrame& frame : played.frames) {
    const auto& whole = coded_frames_[static_cast<std::size_t>(frame.pts / 5005)];
    EXPECT_EQ(plane_digest(frame), plane_digest(whole)) << frame.pts;
  }
}

TEST_F(PlaybackTest, AStartOnAnEntryPointNeedsNothingBeforeIt) {
  StreamReader reader(path_.string());
  const auto played = play(reader, {60 * kFrame, 61 * kFrame});
  ASSERT_EQ(played.frames.size(), 1u);
  EXPECT_EQ(played.frames.front().pts, 60 * 1001);
}

TEST_F(PlaybackTest, TheSoundOfTheRangeComesWithIt) {
  StreamReader all(path_.string());
  const auto whole = test::read_all(all);
  for (const auto& [start, end] : {std::pair{0.5, 1.5}, std::pair{2.6, 3.0}}) {
    StreamReader reader(path_.string());
    const auto played = play(reader, {start, end});
    EXPECT_TRUE(played.audio_info);
    AudioBatch wanted;
    for (const AudioPacket& packet : whole.audio) {
      const double at = static_cast<double>(packet.pts) / 48000;
      if (at >= start - 1e-4 && at < end - 1e-4) wanted.push_back(packet);
    }
    ASSERT_GT(wanted.size(), 10u);
    EXPECT_NEAR(static_cast<double>(played.audio.size()), static_cast<double>(wanted.size()), 1)
        << start;
  }
}

TEST_F(PlaybackTest, WithoutARangeNothingIsTouched) {
  StreamReader reader(path_.string());
  const auto played = play(reader, {});
  EXPECT_EQ(played.shown, times_);
  EXPECT_EQ(played.frames, coded_frames_);
}

TEST_F(PlaybackTest, AFarStartKeepsLittle) {
  // One entry point only, from a pipe: without a limit all frames up to the start would be kept.
  for (std::size_t i = 1; i < coded_frames_.size(); ++i) coded_frames_[i].entry_point = false;
  const auto recorded = test::record(test::sample_info(), coded_frames_, true);
  StreamReader whole(test::source_of(recorded.bytes), "pipe");
  const auto all = play(whole, {8.0, 8.5});
  StreamReader piped(test::source_of(recorded.bytes), "pipe");
  PlaybackRange range{8.0, 8.5};
  range.max_waiting = 2000;
  Playback playback(piped, range);
  auto first = playback.next();
  while (first && first->frame() == nullptr) first = playback.next();
  const SemanticFrame* frame = first ? first->frame() : nullptr;
  ASSERT_NE(frame, nullptr);
  EXPECT_EQ(frame->pts, 0);
  StreamReader again(test::source_of(recorded.bytes), "pipe");
  EXPECT_EQ(play(again, range).shown, all.shown);
}

TEST_F(PlaybackTest, RefusesWhatCannotBeShown) {
  StreamReader reader(path_.string());
  EXPECT_THROW(Playback(reader, {3.0, 3.0}), Error);
  StreamReader again(path_.string());
  EXPECT_THROW(Playback(again, {100.0, {}}), Error);
}

}  // namespace
}  // namespace semcodec
