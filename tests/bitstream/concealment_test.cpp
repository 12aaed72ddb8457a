// Every frame has its time, whatever was lost on the way.

#include <gtest/gtest.h>

#include <unistd.h>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "semcodec/stream_reader.h"
#include "tests/bitstream/sample_streams.h"

namespace semcodec {
namespace {

using test::Bytes;

constexpr int kCoded = 9, kInterval = 3, kFrames = 25;

std::vector<SemanticFrame> coded_frames(int entry) {
  return test::sample_coded_frames(kCoded, kInterval, entry, test::tiny_shape());
}

/// Records of frames begin behind the header's.
Bytes without_frame(const test::Recorded& recorded, std::size_t frame) {
  Bytes bytes = recorded.bytes;
  bytes[recorded.ends[frame] + 8] ^= 0x10;
  return bytes;
}

struct Shown {
  std::vector<std::int64_t> times;
  std::size_t concealed_items = 0;
  std::uint64_t concealed = 0;
  std::uint64_t decoded = 0;  ///< frames that the records which could be read stand for
};

Shown show(const Bytes& bytes, bool at_once = false) {
  StreamReader::Options options;
  options.fill_gaps = true;
  options.fill_at_once = at_once;
  StreamReader reader(test::source_of(bytes), "test stream", options);
  Shown out;
  while (const auto item = reader.next()) {
    const SemanticFrame* frame = item->frame();
    if (frame == nullptr) continue;
    out.times.insert(out.times.end(), frame->interpolated_pts.begin(),
                     frame->interpolated_pts.end());
    out.times.push_back(frame->pts);
    if (item->concealed) {
      ++out.concealed_items;
      EXPECT_FALSE(has_planes(*frame) || frame->base || frame->entry_point);
    }
  }
  out.concealed = reader.concealed_frames();
  out.decoded = reader.stats().frames;
  return out;
}

void expect_regular(const Shown& shown, int count) {
  ASSERT_EQ(shown.times.size(), static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < shown.times.size(); ++i) {
    EXPECT_EQ(shown.times[i], 1001 * static_cast<std::int64_t>(i)) << i;
  }
}

TEST(Concealment, FramesOfALossAreInterpolated) {
  const auto recorded = test::record(test::sample_info(), coded_frames(3));
  // The second record of the first group: what was coded up to the next entry point is lost.
  const auto shown = show(without_frame(recorded, 1));
  expect_regular(shown, kFrames);
  EXPECT_EQ(shown.concealed_items, 0u);  // they belong to the entry point behind
  EXPECT_EQ(shown.concealed, 6u);
}

TEST(Concealment, WithoutALaterEntryPointToo) {
  for (const bool index : {true, false}) {
    const auto recorded = test::record(test::sample_info(), coded_frames(100), false, index);
    for (std::size_t lost = 1; lost < kCoded; ++lost) {
      const auto shown = show(without_frame(recorded, lost));
      expect_regular(shown, kFrames);
      EXPECT_EQ(shown.concealed_items, 1u) << lost;
      EXPECT_EQ(shown.concealed, kInterval * (kCoded - lost)) << lost;
    }
  }
}

TEST(Concealment, AStreamThatWasCutShowsWhatItsRecordsSay) {
  const auto recorded = test::record(test::sample_info(), coded_frames(100));
  Bytes bytes = without_frame(recorded, 2);
  bytes.resize(recorded.ends[kCoded - 1]);  // without the last frame, index and end
  const auto shown = show(bytes);
  // Nothing says how many frames the lost record stood for, nor what came behind the cut.
  expect_regular(shown, kFrames - 2 * kInterval);
  EXPECT_EQ(shown.concealed, 5 * kInterval);
}

TEST(Concealment, LiveFramesDoNotWaitForTheEntryPoint) {
  const auto recorded = test::record(test::sample_info(), coded_frames(6));
  const auto shown = show(without_frame(recorded, 1), true);
  expect_regular(shown, kFrames);
  EXPECT_EQ(shown.concealed_items, 4u);  // records 2 to 5 came
  EXPECT_EQ(shown.concealed, 15u);
}

TEST(Concealment, WhatWasLostBeforeTheFirstEntryPointIsShown) {
  const auto recorded = test::record(test::sample_info(), coded_frames(3));
  expect_regular(show(without_frame(recorded, 0)), kFrames);
  // A live picture does not begin with a still.
  EXPECT_EQ(show(without_frame(recorded, 0), true).times.front(), 1001 * 7);
}

TEST(Concealment, ASeekIsNoLoss) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("semcodec-concealment-" + std::to_string(::getpid()) + ".sem");
  const auto recorded = test::record(test::sample_info(), coded_frames(3));
  {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(recorded.bytes.data()),
               static_cast<std::streamsize>(recorded.bytes.size()));
  }
  StreamReader::Options options;
  options.fill_gaps = true;
  StreamReader reader(path.string(), options);
  reader.seek(1001 * 10);
  const auto item = reader.next();
  const SemanticFrame* frame = item ? item->frame() : nullptr;
  ASSERT_NE(frame, nullptr);
  if (frame == nullptr) return;
  EXPECT_EQ(frame->pts, 1001 * 9);
  EXPECT_EQ(frame->interpolated_pts.size(), 2u);
  EXPECT_EQ(reader.concealed_frames(), 0u);
  std::filesystem::remove(path);
}

TEST(Concealment, TheRhythmIsThatOfTheFramesWhereNoRateIsKnown) {
  StreamInfo info = test::sample_info();
  info.frame_rate_num = 0;
  const auto recorded = test::record(info, coded_frames(100));
  expect_regular(show(without_frame(recorded, 4)), kFrames);
}

TEST(Concealment, NothingIsMadeOfAStreamThatIsWhole) {
  const auto recorded = test::record(test::sample_info(), coded_frames(4));
  for (const bool at_once : {false, true}) {
    const auto shown = show(recorded.bytes, at_once);
    expect_regular(shown, kFrames);
    EXPECT_EQ(shown.concealed, 0u);
    EXPECT_EQ(shown.decoded, static_cast<std::uint64_t>(kFrames));
  }
}

}  // namespace
}  // namespace semcodec
