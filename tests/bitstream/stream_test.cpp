#include <gtest/gtest.h>

#include <filesystem>

#include "common/bitstream/frame_group.h"
#include "common/bitstream/frame_record.h"
#include "common/bitstream/record_scanner.h"
#include "common/core/error.h"
#include "common/core/file.h"
#include "common/core/hash.h"
#include "common/entropy/frame_coder.h"
#include "semcodec/stream_reader.h"
#include "semcodec/stream_writer.h"
#include "tests/bitstream/sample_streams.h"

namespace semcodec {
namespace {

using test::Bytes;
using test::read_all;
using test::sample_coded_frames;
using test::sample_info;

TEST(Stream, RoundTrips) {
  auto frames = sample_coded_frames(12, 6, 5);
  frames[3].intra_picture = IntraPicture{"av1", Bytes(1000, 42)};
  frames[7].motion = {};
  frames[7].cut = true;
  frames[0].base = BasePicture{96, 64, 63, Bytes(300, 1)};
  frames[1].base = BasePicture{96, 64, 63, Bytes(1, 2)};
  frames[3].base = BasePicture{96, 64, 57, Bytes(20, 3)};
  frames[6].base = BasePicture{48, 32, 0, Bytes(7, 4)};
  const auto recorded = test::record(sample_info(), frames, true);
  StreamReader reader(test::source_of(recorded.bytes), "test");
  EXPECT_EQ(reader.info(), sample_info());
  EXPECT_EQ(reader.format_version(), "3.0");
  EXPECT_FALSE(reader.seekable());
  EXPECT_FALSE(reader.totals().has_value());
  const auto read = read_all(reader);
  EXPECT_EQ(read.frames, frames);
  EXPECT_EQ(read.status, StreamStatus::complete);
  EXPECT_EQ(read.problem, "");
  ASSERT_EQ(read.audio_infos.size(), 1u);
  EXPECT_EQ(read.audio_infos[0], test::sample_audio_info());
  EXPECT_EQ(read.audio, test::sample_audio(0, 40));
}

TEST(Stream, ABasePictureAloneCostsFewBytes) {
  std::vector<SemanticFrame> frames;
  for (int i = 0; i < 3; ++i) {
    SemanticFrame frame;
    frame.pts = std::int64_t{1001} * 4 * i;
    for (int k = 3; i > 0 && k > 0; --k) frame.interpolated_pts.push_back(frame.pts - 1001 * k);
    frame.entry_point = i == 0;
    frame.base = BasePicture{96, 64, 60, Bytes(40, 7)};
    frames.push_back(frame);
  }
  const auto recorded = test::record(sample_info(), frames);
  const auto read = read_all(recorded.bytes);
  EXPECT_EQ(read.frames, frames);
  EXPECT_EQ(read.stats.base_pictures, 3u);
  EXPECT_EQ(read.stats.base_bytes, 120u);
  const std::size_t record_bytes = recorded.ends[2] - recorded.ends[1];
  EXPECT_LE(record_bytes, 40u + 8u);
}

std::vector<SemanticFrame> base_and_plane_frames(int count, int entry) {
  auto frames = sample_coded_frames(count, 3, entry);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto& shown = frames[i];
    if (i % 3 == 0) continue;
    SemanticFrame frame;
    frame.pts = shown.pts;
    frame.interpolated_pts = shown.interpolated_pts;
    frame.entry_point = shown.entry_point;
    frame.base = BasePicture{96, 64, 60, Bytes(3 + i * i % 150, static_cast<std::uint8_t>(i))};
    if (i % 3 == 2) frames[i].base = frame.base;
    if (i % 3 == 1) frames[i] = frame;
  }
  return frames;
}

TEST(Stream, FramesShareRecords) {
  const auto frames = base_and_plane_frames(60, 13);
  const auto apart = test::record(sample_info(), frames, true);
  const auto together = test::record(sample_info(), frames, true, true, {.frames = 8});
  EXPECT_EQ(read_all(apart.bytes).frames, frames);
  const auto read = read_all(together.bytes);
  EXPECT_EQ(read.frames, frames);
  EXPECT_EQ(read.status, StreamStatus::complete);
  EXPECT_LT(together.ends.size(), apart.ends.size());
  EXPECT_LT(together.bytes.size(), apart.bytes.size());
  EXPECT_EQ(read.stats.bytes, together.bytes.size());
  EXPECT_EQ(read.stats.header_bytes + read.stats.frame_bytes + read.stats.audio_bytes +
                read.stats.index_bytes + read.stats.other_bytes,
            read.stats.bytes);
}

TEST(Stream, BasePicturesInOneRecordCostThreeBytesEach) {
  auto frames = base_and_plane_frames(0, 1);
  for (int i = 0; i < 9; ++i) {
    SemanticFrame frame;
    frame.pts = std::int64_t{1001} * i;
    frame.entry_point = i == 0;
    frame.base = BasePicture{96, 64, 60, Bytes(40, 7)};
    frames.push_back(frame);
  }
  const auto recorded =
      test::record(sample_info(), frames, false, true, {.frames = 8, .bytes = 400});
  EXPECT_EQ(read_all(recorded.bytes).frames, frames);
  // Header; eight frames; one frame; index; end.
  ASSERT_EQ(recorded.ends.size(), 5u);
  EXPECT_LE(recorded.ends[2] - recorded.ends[1], 41u + 10u);
  const std::size_t eight = recorded.ends[1] - recorded.ends[0];
  EXPECT_LE(eight, 8 * (40u + 2u) + 7u + 20u);  // 20: the entry point's fields
}

TEST(Stream, WhatWaitsForItsRecordIsCounted) {
  const auto frames = base_and_plane_frames(20, 100);
  std::size_t sent = 0;
  StreamWriter writer([&](std::span<const std::uint8_t> bytes) { sent += bytes.size(); },
                      sample_info());
  writer.group({.frames = 5});
  std::uint64_t sum = writer.stats().bytes;
  for (const auto& frame : frames) {
    writer.write(frame);
    sum += writer.last_frame_bytes();
    EXPECT_EQ(writer.stats().bytes, sum);
    EXPECT_GE(sum, sent);
  }
  writer.finish(false);
  EXPECT_EQ(writer.stats().bytes, sent);
}

TEST(Stream, PackedBasePicturesComeBack) {
  StreamInfo info = sample_info();
  info.profile = "hybrid";
  const auto frames = base_and_plane_frames(40, 13);
  const auto packed = test::record(info, frames, true);
  StreamReader reader(test::source_of(packed.bytes, 1 << 20), "packed stream");
  EXPECT_EQ(reader.format_version(), "3.1");
  EXPECT_EQ(read_all(reader).frames, frames);
  EXPECT_EQ(reader.status(), StreamStatus::complete);
  // Where they stand as they are, a reader of version 3.0 reads the stream.
  const auto plain = test::record(sample_info(), frames);
  StreamReader other(test::source_of(plain.bytes, 1 << 20), "plain stream");
  EXPECT_EQ(other.format_version(), "3.0");
}

TEST(Stream, AnEntryPointInsideARecordIsRefused) {
  const auto frames = base_and_plane_frames(2, 1);
  std::string frame_bytes[2];
  FrameRecordWriter writer(sample_info());
  FrameEncoder coder(sample_info().coded_width, sample_info().coded_height);
  for (int i = 0; i < 2; ++i) {
    const auto& frame = frames[static_cast<std::size_t>(i)];
    frame_bytes[i] = writer.write(frame, has_planes(frame) ? coder.encode(frame) : Bytes{});
  }
  FrameGroup group;
  group.add(frame_bytes[0]);
  group.add(frame_bytes[1]);
  Bytes bytes = test::record(sample_info(), {}, false, false).bytes;
  bytes.resize(bytes.size() - 6);  // the end record
  const auto record = frame_record(RecordKind::frame, group.take());
  bytes.insert(bytes.end(), record.begin(), record.end());
  const auto read = read_all(bytes);
  EXPECT_EQ(read.frames.size(), 1u);
  EXPECT_EQ(read.status, StreamStatus::damaged);
  EXPECT_NE(read.problem.find("entry point"), std::string::npos) << read.problem;
}

TEST(Stream, BasePicturesStayWithinTheCodedSize) {
  auto frames = sample_coded_frames(1, 6, 5);
  for (const auto& [width, height] : {std::pair{194, 64}, {96, 130}, {95, 64}, {96, 14}, {0, 0}}) {
    frames[0].base = BasePicture{width, height, 60, Bytes(4, 1)};
    EXPECT_THROW(test::record(sample_info(), frames), Error) << width << "x" << height;
  }
  frames[0].base = BasePicture{96, 64, 64, Bytes(4, 1)};
  EXPECT_THROW(test::record(sample_info(), frames), Error);
  frames[0].base = BasePicture{96, 64, 63, {}};
  EXPECT_THROW(test::record(sample_info(), frames), Error);
}

TEST(Stream, HeadersLeaveOutWhatIsUsual) {
  for (const std::string hash : {"0123456789abcdef", "00ff", "abc", "", "NO-HEX-AT-ALL"}) {
    for (const std::string name : {"default", "other"}) {
      StreamInfo info = sample_info();
      info.model_hash = hash;
      info.model_name = name;
      info.profile = name == "other" ? "paper" : "semantic";
      const auto recorded = test::record(info, sample_coded_frames(1, 1, 1));
      StreamReader reader(test::source_of(recorded.bytes), "test");
      EXPECT_EQ(reader.info(), info) << hash;
    }
  }
  for (const std::string encoder :
       {"semcodec 0.1.0", "semcodec ", "semcodec test", "other 1", ""}) {
    StreamInfo info = sample_info();
    info.encoder = encoder;
    const auto recorded = test::record(info, sample_coded_frames(1, 1, 1));
    StreamReader reader(test::source_of(recorded.bytes), "test");
    EXPECT_EQ(reader.info().encoder, encoder);
  }
  StreamInfo usual = sample_info();
  usual.model_name = "default";
  usual.profile = "hybrid";
  EXPECT_LE(test::record(usual, sample_coded_frames(1, 1, 1)).ends.front(), 75u);
}

TEST(Stream, StatsAddUpAndAgree) {
  const auto frames = sample_coded_frames(10, 6, 4);
  Bytes bytes;
  StreamWriter writer([&](auto b) { bytes.insert(bytes.end(), b.begin(), b.end()); },
                      sample_info());
  writer.write_audio_info(test::sample_audio_info());
  for (const auto& frame : frames) writer.write(frame);
  writer.write_audio(test::sample_audio(0, 5));
  writer.finish();
  const StreamStats& w = writer.stats();
  const StreamStats r = read_all(bytes).stats;
  EXPECT_EQ(w.bytes, bytes.size());
  EXPECT_EQ(r.bytes, bytes.size());
  for (const StreamStats* s : {&w, &r}) {
    EXPECT_EQ(s->header_bytes + s->frame_bytes + s->audio_bytes + s->index_bytes + s->other_bytes,
              s->bytes);
  }
  EXPECT_EQ(w.frame_bytes, r.frame_bytes);
  EXPECT_EQ(w.chunk_bytes, r.chunk_bytes);
  EXPECT_EQ(w.planes.total(), r.planes.total());
  EXPECT_EQ(w.coded_frames, 10u);
  EXPECT_EQ(r.frames, 1u + 9 * 6);
  EXPECT_EQ(r.entry_points, 3u);
  EXPECT_EQ(r.audio_packets, 5u);
}

TEST(Stream, RegularFramesCarryLittleOverhead) {
  const auto frames = sample_coded_frames(10, 6, 100);
  Bytes bytes;
  StreamWriter writer([&](auto b) { bytes.insert(bytes.end(), b.begin(), b.end()); },
                      sample_info());
  std::uint64_t chunks = 0;
  for (const auto& frame : frames) {
    writer.write(frame);
    const std::uint64_t chunk = writer.stats().chunk_bytes - chunks;
    chunks = writer.stats().chunk_bytes;
    // Marker 2, length 1...2, frames between 1, CRC 3.
    if (frame.pts <= 2 * 6 * 1001) continue;  // these tell formats
    EXPECT_LE(writer.last_frame_bytes() - chunk, 8u);
  }
}

TEST(Stream, PiecesEqualTheWhole) {
  const auto recorded = test::record(sample_info(), sample_coded_frames(6, 4, 3), true);
  const auto whole = read_all(recorded.bytes);
  for (const std::size_t piece : {1u, 2u, 3u, 64u, 1000u}) {
    const auto pieces = read_all(recorded.bytes, false, piece);
    EXPECT_EQ(pieces.frames, whole.frames) << piece;
    EXPECT_EQ(pieces.audio, whole.audio) << piece;
    EXPECT_EQ(pieces.status, StreamStatus::complete) << piece;
  }
}

// Times of every kind come back, regular ones for nothing.
void expect_times(StreamInfo info, const std::vector<std::int64_t>& times, int interval,
                  std::size_t max_bytes) {
  std::vector<SemanticFrame> frames;
  SemanticFrame frame;
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (i % static_cast<std::size_t>(interval) != 0) {
      frame.interpolated_pts.push_back(times[i]);
      continue;
    }
    frame.pts = times[i];
    frame.entry_point = frames.size() % 10 == 0;
    frames.push_back(frame);
    frame = {};
  }
  const auto recorded = test::record(info, frames);
  const auto read = read_all(recorded.bytes);
  EXPECT_EQ(read.frames, frames);
  EXPECT_EQ(read.status, StreamStatus::complete);
  EXPECT_LE(recorded.bytes.size(), max_bytes);
}

TEST(Stream, Times) {
  StreamInfo info = sample_info();
  std::vector<std::int64_t> times;
  for (int i = 0; i < 201; ++i) times.push_back(90000 + 1001 * i);
  expect_times(info, times, 10, 440);
  info.time_base_den = 1000;  // milliseconds, as Matroska has them
  for (int i = 0; i < 201; ++i) times[static_cast<std::size_t>(i)] = (i * 1001 + 15) / 30;
  expect_times(info, times, 10, 460);
  info.frame_rate_num = 0;  // nobody knows the rate
  expect_times(info, times, 10, 800);
  test::Numbers numbers(4);
  for (std::size_t i = 1; i < times.size(); ++i) times[i] = times[i - 1] + 1 + numbers.below(90);
  expect_times(sample_info(), times, 7, 1200);
  for (auto& time : times) time -= 1000000;
  expect_times(sample_info(), times, 3, 2000);
  for (std::size_t i = 0; i < times.size(); ++i) {
    times[i] = (std::int64_t{1} << 60) / 100 * (static_cast<std::int64_t>(i) - 100);
  }
  expect_times(sample_info(), times, 5, 4000);
}

TEST(Stream, FormatsMayChange) {
  std::vector<SemanticFrame> frames;
  test::Numbers numbers(9);
  for (int t = 0; t < 20; ++t) {
    test::SampleShape s;
    if (t % 5 == 2) s.structure_width = 30;
    if (t > 7) s.colours = 5;
    if (t > 12) s.texture_channels = 3;
    if (t % 4 == 1) s.motion_width = 8;
    SemanticFrame frame = test::scene_frame(t, s, t % 9 == 0);
    if (t % 3 == 1) frame.structure = {};
    if (t % 6 == 4) frame.texture.clear();
    if (t % 7 == 3) {
      frame.labels = {};
      frame.palette.clear();
    }
    if (t % 8 == 2) frame.motion = {};
    if (t == 15 || t == 11) frame.texture[1] = test::noise_plane(numbers, 7, 3, 9);
    if (t == 6) {
      frame.motion = {};
      frame.cut = true;
    }
    frame.pts = 1001 * t;
    frames.push_back(frame);
  }
  EXPECT_EQ(read_all(test::record(sample_info(), frames).bytes).frames, frames);
}

TEST(Stream, WriterRefusesAndStaysUsable) {
  auto frames = sample_coded_frames(4, 3, 10);
  Bytes bytes;
  StreamWriter writer([&](auto b) { bytes.insert(bytes.end(), b.begin(), b.end()); },
                      sample_info());
  EXPECT_THROW(writer.write(frames[1]), Error);  // no entry point
  writer.write(frames[0]);
  EXPECT_THROW(writer.write(frames[0]), Error);  // no later time
  SemanticFrame large = frames[1];
  large.structure = {193, 1, 2, Bytes(193, 0)};
  EXPECT_THROW(writer.write(large), Error);
  SemanticFrame invalid = frames[1];
  invalid.labels.values[0] = 200;
  EXPECT_THROW(writer.write(invalid), Error);
  EXPECT_THROW(writer.write_audio(test::sample_audio(0, 1)), Error);
  for (std::size_t i = 1; i < frames.size(); ++i) writer.write(frames[i]);
  writer.finish();
  EXPECT_THROW(writer.finish(), Error);
  EXPECT_EQ(read_all(bytes).frames, frames);
}

TEST(Stream, SilentAudioIsSqueezed) {
  Bytes bytes;
  StreamWriter writer([&](auto b) { bytes.insert(bytes.end(), b.begin(), b.end()); },
                      sample_info());
  writer.write_audio_info(test::sample_audio_info());
  const AudioBatch batch = test::sample_audio(0, 47);  // a second
  const auto before = writer.stats().audio_bytes;
  writer.write_audio(batch);
  EXPECT_LT(writer.stats().audio_bytes - before, 130u);
  // Irregular times, durations and sizes.
  AudioBatch odd;
  test::Numbers numbers(2);
  std::int64_t pts = -2048;
  for (int i = 0; i < 30; ++i) {
    odd.push_back(
        {pts, numbers.below(2000),
         Bytes(static_cast<std::size_t>(numbers.below(40)), static_cast<std::uint8_t>(i))});
    pts += numbers.below(3000);
  }
  writer.write_audio(odd);
  writer.write_audio({});
  writer.finish();
  AudioBatch all = batch;
  all.insert(all.end(), odd.begin(), odd.end());
  EXPECT_EQ(read_all(bytes).audio, all);
}

class SeekTest : public testing::TestWithParam<bool> {
 protected:
  ~SeekTest() override { std::filesystem::remove(path_); }
  std::string path_ = (std::filesystem::temp_directory_path() /
                       (GetParam() ? "semcodec_seek_i.sem" : "semcodec_seek_n.sem"))
                          .string();
};

TEST_P(SeekTest, LandsOnEntryPoints) {
  const auto frames = sample_coded_frames(30, 5, 7);
  {
    const auto recorded = test::record(sample_info(), frames, true, GetParam());
    OutputFile file(path_);
    file.write(recorded.bytes);
    file.commit();
  }
  StreamReader reader(path_);
  ASSERT_TRUE(reader.seekable());
  EXPECT_EQ(reader.totals().has_value(), GetParam());
  if (const auto totals = reader.totals()) {
    EXPECT_EQ(totals->coded_frames, 30u);
    EXPECT_EQ(totals->frames, 1u + 29 * 5);
    EXPECT_EQ(totals->first_pts, 0);
    EXPECT_EQ(totals->last_pts, frames.back().pts);
  }
  test::Numbers numbers(6);
  for (int trial = 0; trial < 30; ++trial) {
    const int wanted = numbers.below(34) - 2;
    const std::int64_t pts = std::int64_t{1001} * 5 * wanted + numbers.below(5000);
    reader.seek(pts);
    std::size_t expected = 0;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      if (frames[i].entry_point && frames[i].pts <= pts) expected = i;
    }
    const auto read = read_all(reader);
    ASSERT_EQ(read.frames.size(), frames.size() - expected);
    EXPECT_TRUE(std::equal(read.frames.begin(), read.frames.end(),
                           frames.begin() + static_cast<std::ptrdiff_t>(expected)));
    EXPECT_EQ(read.status, StreamStatus::complete);
  }
}

TEST_P(SeekTest, FindsTheOnlyEntryPoint) {
  const auto frames = sample_coded_frames(9, 5, 100);
  {
    const auto recorded = test::record(sample_info(), frames, true, GetParam());
    OutputFile file(path_);
    file.write(recorded.bytes);
    file.commit();
  }
  StreamReader reader(path_);
  EXPECT_EQ(reader.totals().has_value(), GetParam());
  if (const auto totals = reader.totals()) {
    EXPECT_EQ(totals->last_pts, frames.back().pts);
  }
  for (const std::int64_t pts : {std::int64_t{-5}, std::int64_t{0}, frames[4].pts}) {
    reader.seek(pts);
    EXPECT_EQ(read_all(reader).frames, frames);
  }
}

INSTANTIATE_TEST_SUITE_P(Index, SeekTest, testing::Bool());

// A stream whose every byte is fixed, and the digests of its planes: the proof that another
// machine, compiler or build decodes the same.
TEST(Stream, Golden) {
  auto frames = sample_coded_frames(6, 5, 4);
  const auto recorded = test::record(sample_info(), frames, false);
  EXPECT_EQ(md5_hex(recorded.bytes), "399874dd193da9e31af7003adda41a51");
  std::string digests;
  for (const auto& frame : read_all(recorded.bytes).frames) digests += plane_digest(frame);
  EXPECT_EQ(md5_hex({reinterpret_cast<const std::uint8_t*>(digests.data()), digests.size()}),
            "49e7f0244857b0b13b5fb344eb5c875d");
}

}  // namespace
}  // namespace semcodec
