// Streams made to take more time or memory than their size warrants, or to lead a program astray.

#include <gtest/gtest.h>
#include <zstd.h>

#include <limits>

#include "common/bitstream/record_scanner.h"
#include "common/core/error.h"
#include "semcodec/stream_reader.h"
#include "tests/bitstream/proto_bytes.h"
#include "tests/bitstream/sample_streams.h"

namespace semcodec {
namespace {

using test::Bytes;
using test::ProtoBytes;
using test::read_all;

void append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

Bytes header_record(int side) {
  ProtoBytes header;
  header.text(1, "sem").number(2, 3);
  for (const int field : {4, 5, 6, 7}) header.number(field, static_cast<std::uint64_t>(side));
  header.number(8, 1).number(9, 25).number(10, 25).number(11, 1);
  return frame_record(RecordKind::header, header.bytes());
}

Bytes audio_info_record() {
  ProtoBytes info;
  info.text(1, "pcm_s16le").number(2, 48000).number(3, 1).number(4, 1).number(5, 48000);
  return frame_record(RecordKind::audio_info, info.bytes());
}

std::string packed(std::initializer_list<std::uint64_t> values) {
  ProtoBytes all;
  for (const std::uint64_t value : values) all.varint(value);
  return all.bytes();
}

Bytes audio_record(std::int64_t pts, std::uint64_t duration, const std::string& data,
                   bool compressed) {
  ProtoBytes packets;
  packets.signed_number(1, pts).text(3, packed({duration})).text(4, packed({data.size()}));
  packets.text(5, data);
  const std::string plain = packets.bytes();
  ProtoBytes audio;
  if (compressed) {
    std::string small(ZSTD_compressBound(plain.size()), '\0');
    small.resize(ZSTD_compress(small.data(), small.size(), plain.data(), plain.size(), 12));
    audio.text(2, small);
  } else {
    audio.text(1, plain);
  }
  return frame_record(RecordKind::audio, audio.bytes());
}

TEST(HostileAudio, OneRecordDoesNotExpandWithoutBound) {
  const Bytes bomb = audio_record(0, 1, std::string(15 << 20, '\0'), true);
  ASSERT_LT(bomb.size(), 2000u);
  Bytes stream = header_record(64);
  append(stream, audio_info_record());
  append(stream, bomb);
  const auto read = read_all(stream);
  EXPECT_EQ(read.audio.size(), 0u);
  EXPECT_EQ(read.lost, 1u);
  EXPECT_NE(read.problem.find("audio"), std::string::npos) << read.problem;
}

TEST(HostileAudio, WhatWaitsStaysInsideTheBudget) {
  Bytes stream = header_record(64);
  append(stream, audio_info_record());
  for (int i = 0; i < 60; ++i) {
    append(stream, audio_record(i * 500'000, 500'000, std::string(1'000'000, '\0'), true));
  }
  ASSERT_LT(stream.size(), 20'000u);
  // Somebody who keeps all of it, as a program does that waits for the first frame.
  StreamReader reader(test::source_of(stream), "test stream");
  std::vector<StreamItem> kept;
  std::size_t waiting = 0;
  while (auto item = reader.next()) {
    if (const AudioBatch* batch = item->audio()) {
      for (const AudioPacket& packet : *batch) waiting += packet.bytes.size();
    }
    kept.push_back(std::move(*item));
  }
  EXPECT_GT(waiting, 20'000'000u);
  EXPECT_LE(waiting, std::size_t{32} << 20);
  EXPECT_EQ(reader.status(), StreamStatus::truncated);  // no end record; what was left out is said
  EXPECT_NE(reader.problem().find("audio"), std::string::npos) << reader.problem();
}

TEST(HostileAudio, WhoTakesItAsItComesGetsAll) {
  Bytes stream = header_record(64);
  append(stream, audio_info_record());
  for (int i = 0; i < 60; ++i) {
    append(stream, audio_record(i * 500'000, 500'000, std::string(1'000'000, '\0'), true));
  }
  StreamReader reader(test::source_of(stream), "test stream");
  std::size_t records = 0;
  while (auto item = reader.next()) records += item->audio() != nullptr ? 1 : 0;
  EXPECT_EQ(records, 60u);
}

TEST(HostileAudio, TimesAreBounded) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t pts : {kMost, -kMost, std::int64_t{1} << 61}) {
    Bytes stream = header_record(64);
    append(stream, audio_info_record());
    append(stream, audio_record(pts, 1, "x", false));
    EXPECT_EQ(read_all(stream).audio.size(), 0u) << pts;
  }
  Bytes stream = header_record(64);
  append(stream, audio_info_record());
  append(stream, audio_record(0, std::uint64_t{1} << 62, "x", false));
  EXPECT_EQ(read_all(stream).audio.size(), 0u);
}

// A silent batch of much PCM is a fair thing to write: the writer keeps inside the ratio.
TEST(HostileAudio, SilenceIsStillCarried) {
  Bytes bytes;
  StreamWriter writer(
      [&](std::span<const std::uint8_t> more) {
        bytes.insert(bytes.end(), more.begin(), more.end());
      },
      test::sample_info());
  AudioInfo info = test::sample_audio_info();
  info.codec = "pcm_s32le";
  writer.write_audio_info(info);
  AudioBatch batch;
  for (int i = 0; i < 12; ++i) batch.push_back({std::int64_t{8192} * i, 8192, Bytes(400'000, 0)});
  batch.push_back({std::int64_t{8192} * 12, 8192, Bytes(3'000'000, 0)});
  writer.write_audio(batch);
  writer.write(test::sample_coded_frames(1, 1, 1).front());
  writer.finish();
  const auto read = read_all(bytes, true);
  EXPECT_EQ(read.audio, batch);
  EXPECT_EQ(read.status, StreamStatus::complete);
}

/// An entry point with one structure plane and `chunk` as its coded bytes.
Bytes plane_record(int width, int height, const std::string& chunk) {
  ProtoBytes format;
  format.number(1, static_cast<std::uint64_t>(width));
  format.number(2, static_cast<std::uint64_t>(height)).number(3, 4);
  ProtoBytes formats;
  formats.text(2, format.bytes());
  ProtoBytes frame;
  frame.number(1, 1).text(3, formats.bytes());
  ProtoBytes payload;
  payload.varint(0);      // one frame in the record
  payload.varint(1 | 4);  // no interpolated frames; fields and a chunk follow
  payload.varint(frame.bytes().size());
  return frame_record(RecordKind::frame, payload.bytes() + frame.bytes() + chunk);
}

TEST(HostilePlanes, FewBytesDoNotMakeManyCells) {
  Bytes stream = header_record(1024);
  append(stream, plane_record(1024, 1024, std::string(100, '\0')));
  ASSERT_LT(stream.size(), 200u);
  const auto read = read_all(stream);
  EXPECT_TRUE(read.frames.empty());
  EXPECT_EQ(read.lost, 1u);
  EXPECT_NE(read.problem.find("cells"), std::string::npos) << read.problem;
}

TEST(HostilePlanes, LargeStillPlanesAreStillCarried) {
  StreamInfo info = test::sample_info();
  info.coded_width = info.coded_height = 768;
  SemanticFrame frame;
  frame.entry_point = true;
  frame.structure = {768, 768, 2, Bytes(std::size_t{768} * 768, 0)};
  SemanticFrame next = frame;
  next.entry_point = false;
  next.pts = 1001;
  const auto recorded = test::record(info, {frame, next});
  const auto read = read_all(recorded.bytes, true);
  EXPECT_EQ(read.frames, (std::vector<SemanticFrame>{frame, next}));
}

TEST(HostileTimes, AnEntryPointThatGoesBackIsShownLater) {
  // A sender that was started again, without an end record in between: times begin anew.
  auto frames = test::sample_coded_frames(6, 2, 3, test::tiny_shape());
  auto again = test::sample_coded_frames(6, 2, 3, test::tiny_shape());
  const auto first = test::record(test::sample_info(), frames, true);
  const auto second = test::record(test::sample_info(), again, true);
  // Without index and end of the first.
  Bytes stream(first.bytes.begin(), first.bytes.begin() + static_cast<std::ptrdiff_t>(
                                                              first.ends[first.ends.size() - 3]));
  append(stream, second.bytes);
  const auto read = read_all(stream);
  EXPECT_EQ(read.status, StreamStatus::damaged);
  ASSERT_EQ(read.frames.size(), 12u);  // none is lost
  std::int64_t last = std::numeric_limits<std::int64_t>::min();
  for (const SemanticFrame& frame : read.frames) {
    for (const std::int64_t pts : frame.interpolated_pts) {
      EXPECT_GT(pts, last);
      last = pts;
    }
    EXPECT_GT(frame.pts, last);
    last = frame.pts;
  }
  // The second part keeps its rhythm, and its sound goes with it.
  EXPECT_EQ(read.frames[7].pts - read.frames[6].pts, again[1].pts - again[0].pts);
  const double audio_unit = 1.0 / 48000, unit = 1.0 / 30000;
  const double shift = static_cast<double>(read.frames[6].pts - again[0].pts) * unit;
  ASSERT_EQ(read.audio.size(), 40u);
  EXPECT_NEAR(static_cast<double>(read.audio[20].pts) * audio_unit, shift, 2 * audio_unit);
}

TEST(HostileTimes, DamageBeforeAnEarlierEntryPointIsConcealed) {
  auto frames = test::sample_coded_frames(4, 1, 2, test::tiny_shape());
  const auto first = test::record(test::sample_info(), frames);
  Bytes stream(first.bytes.begin(),
               first.bytes.begin() + static_cast<std::ptrdiff_t>(first.ends[4]));
  append(stream, Bytes(17, 0x33));  // what was damaged
  append(stream, Bytes(first.bytes.begin() + static_cast<std::ptrdiff_t>(first.ends[0]),
                       first.bytes.end()));
  const auto read = read_all(stream);
  ASSERT_EQ(read.frames.size(), 8u);
  for (std::size_t i = 1; i < read.frames.size(); ++i) {
    EXPECT_GT(read.frames[i].pts, read.frames[i - 1].pts) << i;
  }
}

TEST(HostileSizes, ALimitIsKept) {
  EXPECT_THROW(read_all(header_record(4096)), Error);
  EXPECT_EQ(read_all(header_record(2048)).status, StreamStatus::truncated);
}

}  // namespace
}  // namespace semcodec
