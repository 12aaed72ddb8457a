// Streams that are cut, flipped, or no streams at all.

#include <gtest/gtest.h>

#include <functional>

#include "common/bitstream/record_scanner.h"
#include "common/core/error.h"
#include "semcodec/stream_reader.h"
#include "tests/bitstream/sample_streams.h"

namespace semcodec {
namespace {

using test::Bytes;
using test::read_all;

class Damage : public testing::Test {
 protected:
  std::vector<SemanticFrame> frames_ = test::sample_coded_frames(8, 3, 3, test::tiny_shape());
  test::Recorded recorded_ = test::record(test::sample_info(), frames_, true);
};

ErrorKind kind_of(const std::function<void()>& action, std::string* text = nullptr) {
  try {
    action();
  } catch (const Error& error) {
    if (text != nullptr) *text = error.what();
    return error.kind();
  }
  return ErrorKind::internal;
}

TEST_F(Damage, EveryPrefixIsAPrefix) {
  const std::size_t header = recorded_.ends.front();
  const std::size_t size = recorded_.bytes.size();
  for (std::size_t length = 0; length < size; ++length) {
    const Bytes cut(recorded_.bytes.begin(),
                    recorded_.bytes.begin() + static_cast<std::ptrdiff_t>(length));
    if (length < header) {
      const ErrorKind kind = kind_of([&] { read_all(cut); });
      EXPECT_EQ(kind, length == 0 ? ErrorKind::input : ErrorKind::corrupt) << length;
      continue;
    }
    const auto read = read_all(cut, true);  // a cut is no damage, strict or not
    EXPECT_EQ(read.status, StreamStatus::truncated) << length;
    EXPECT_EQ(read.lost, 0u);
    EXPECT_EQ(read.skipped, 0u);
    EXPECT_FALSE(read.problem.empty());
    ASSERT_LE(read.frames.size(), frames_.size());
    EXPECT_TRUE(std::equal(read.frames.begin(), read.frames.end(), frames_.begin())) << length;
    // All that is whole is there.
    std::size_t whole = 0;
    for (const std::size_t end : recorded_.ends) whole += end <= length ? 1 : 0;
    EXPECT_GE(read.frames.size() + read.audio.size() / 10 + read.audio_infos.size() + 3, whole);
  }
}

// Frames that come out are frames that went in, in order; only whole runs up to an entry point
// miss.
void expect_concealed(const std::vector<SemanticFrame>& frames, const test::Read& read) {
  std::size_t at = 0;
  bool gap = false;
  for (const SemanticFrame& frame : read.frames) {
    gap = false;
    while (at < frames.size() && !(frames[at] == frame)) {
      ++at;
      gap = true;
    }
    ASSERT_LT(at, frames.size()) << "a frame that was never written";
    EXPECT_TRUE(!gap || frame.entry_point);
    ++at;
  }
}

TEST_F(Damage, EveryFlippedByteIsNoticed) {
  for (std::size_t i = 0; i < recorded_.bytes.size(); ++i) {
    for (const int flip : {0x01, 0xff}) {
      Bytes flipped = recorded_.bytes;
      flipped[i] = static_cast<std::uint8_t>(flipped[i] ^ flip);
      if (i < recorded_.ends.front()) {
        const ErrorKind kind = kind_of([&] { read_all(flipped); });
        EXPECT_TRUE(kind == ErrorKind::corrupt || kind == ErrorKind::input) << i;
        continue;
      }
      const auto read = read_all(flipped);
      EXPECT_NE(read.status, StreamStatus::complete) << i;
      EXPECT_NE(read.status, StreamStatus::reading) << i;
      EXPECT_FALSE(read.problem.empty());
      expect_concealed(frames_, read);
      // One record is lost, and with it at most the frames up to the next entry point.
      EXPECT_GE(read.frames.size(), frames_.size() - 3) << i;
      EXPECT_GE(read.audio.size() + 10, 20u) << i;
      if (read.status == StreamStatus::damaged && flip == 0x01) {
        EXPECT_EQ(kind_of([&] { read_all(flipped, true); }), ErrorKind::corrupt) << i;
      }
    }
  }
}

TEST_F(Damage, LostFramesAreCounted) {
  // The second of the frames 0, 1, 2 of the first group; records: header, audio info, frames...
  Bytes flipped = recorded_.bytes;
  flipped[recorded_.ends[2] + 8] ^= 0x10;
  const auto read = read_all(flipped);
  EXPECT_EQ(read.lost, 1u);
  EXPECT_EQ(read.skipped, 1u);
  EXPECT_EQ(read.frames.size(), frames_.size() - 2);
  EXPECT_EQ(read.stats.header_bytes + read.stats.frame_bytes + read.stats.audio_bytes +
                read.stats.index_bytes + read.stats.other_bytes,
            read.stats.bytes);
  EXPECT_EQ(read.stats.bytes, flipped.size());
}

TEST_F(Damage, RecordsMissingOrRepeatedWithoutATrace) {
  // Whole records cut out: the CRCs hold, so only the times and the records' numbers can tell.
  for (std::size_t r = 1; r + 1 < recorded_.ends.size(); ++r) {
    const auto begin = static_cast<std::ptrdiff_t>(recorded_.ends[r - 1]);
    const auto end = static_cast<std::ptrdiff_t>(recorded_.ends[r]);
    Bytes missing = recorded_.bytes;
    missing.erase(missing.begin() + begin, missing.begin() + end);
    expect_concealed(frames_, read_all(missing));
    Bytes repeated = recorded_.bytes;
    repeated.insert(repeated.begin() + end, recorded_.bytes.begin() + begin,
                    recorded_.bytes.begin() + end);
    for (const SemanticFrame& frame : read_all(repeated).frames) EXPECT_NO_THROW(validate(frame));
  }
}

TEST_F(Damage, AMissingFrameRecordIsNoticedByTheNext) {
  // The second of the frames 0, 1, 2 of the first group; records: header, audio info, frames...
  Bytes missing = recorded_.bytes;
  missing.erase(missing.begin() + static_cast<std::ptrdiff_t>(recorded_.ends[2]),
                missing.begin() + static_cast<std::ptrdiff_t>(recorded_.ends[3]));
  const auto read = read_all(missing);
  EXPECT_EQ(read.status, StreamStatus::damaged);
  EXPECT_EQ(read.lost, 1u);
  EXPECT_NE(read.problem.find("lacks records"), std::string::npos) << read.problem;
  EXPECT_EQ(read.frames.size(), frames_.size() - 2);
  expect_concealed(frames_, read);
}

TEST(DamagedHeader, ARepeatOfItWillDo) {
  // Long enough for repeats; an entry point every 4 coded frames.
  const auto frames = test::sample_coded_frames(600, 1, 4);
  const auto recorded = test::record(test::sample_info(), frames, false);
  const auto whole = read_all(recorded.bytes);
  EXPECT_EQ(whole.frames, frames);
  EXPECT_LE(whole.stats.header_bytes, 200 + whole.stats.bytes / 100);
  Bytes damaged = recorded.bytes;
  damaged[20] ^= 0x40;
  const auto read = read_all(damaged);
  EXPECT_EQ(read.status, StreamStatus::damaged);
  EXPECT_FALSE(read.problem.empty());
  EXPECT_GE(read.frames.size(), 4u);
  EXPECT_LT(read.frames.size(), frames.size());
  EXPECT_TRUE(std::equal(read.frames.rbegin(), read.frames.rend(), frames.rbegin()));
  EXPECT_EQ(read.skipped, frames.size() - read.frames.size());
  EXPECT_EQ(read.stats.bytes, damaged.size());
  EXPECT_EQ(kind_of([&] { read_all(damaged, true); }), ErrorKind::corrupt);
}

TEST_F(Damage, RandomDamageEndsAndStaysInBounds) {
  test::Numbers numbers(77);
  for (int trial = 0; trial < 300; ++trial) {
    Bytes bytes = recorded_.bytes;
    for (int n = 1 + numbers.below(6); n > 0; --n) {
      const auto at = static_cast<std::size_t>(numbers.below(static_cast<int>(bytes.size())));
      switch (numbers.below(3)) {
        case 0:
          bytes[at] = static_cast<std::uint8_t>(numbers.below(256));
          break;
        case 1:
          bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at));
          break;
        default:
          bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), 0xA7);
          break;
      }
    }
    try {
      expect_concealed(frames_, read_all(bytes));
    } catch (const Error& error) {
      EXPECT_TRUE(error.kind() == ErrorKind::corrupt || error.kind() == ErrorKind::input);
    }
  }
}

TEST(NoStream, IsRefusedWithASentence) {
  std::string text;
  EXPECT_EQ(kind_of([] { read_all(Bytes{}); }, &text), ErrorKind::input);
  EXPECT_NE(text.find("empty"), std::string::npos);
  EXPECT_EQ(kind_of([] { read_all(Bytes(1000, 'x')); }, &text), ErrorKind::input);
  EXPECT_NE(text.find("not a semcodec stream"), std::string::npos);
  EXPECT_EQ(kind_of([] { StreamReader("/nonexistent.sem"); }, &text), ErrorKind::input);
  EXPECT_NE(text.find("/nonexistent.sem"), std::string::npos);
  EXPECT_EQ(kind_of([] { StreamReader("/"); }), ErrorKind::input);
}

// Built from the protobuf wire format by hand: field number << 3 | type.
Bytes header_record(int major, int width, int work) {
  std::string header = "\x0a\x03sem";
  const auto put = [&](int field, int value) {
    header += static_cast<char>(field << 3);
    for (; value >= 128; value >>= 7) header += static_cast<char>(value | 128);
    header += static_cast<char>(value);
  };
  put(2, major);
  put(4, width);
  put(5, width);
  put(6, work);
  put(7, work);
  put(8, 1);
  put(9, 25);
  return frame_record(RecordKind::header, header);
}

TEST(Header, VersionsAndLimits) {
  EXPECT_EQ(read_all(header_record(3, 64, 64)).status, StreamStatus::truncated);
  std::string text;
  EXPECT_EQ(kind_of([] { read_all(header_record(4, 64, 64)); }, &text), ErrorKind::unsupported);
  EXPECT_NE(text.find("newer"), std::string::npos);
  EXPECT_EQ(kind_of([] { read_all(header_record(2, 64, 64)); }, &text), ErrorKind::unsupported);
  EXPECT_NE(text.find("format 2"), std::string::npos) << text;
  EXPECT_EQ(kind_of([] { read_all(header_record(3, 64, 2064)); }, &text), ErrorKind::unsupported);
  EXPECT_NE(text.find("--max-size"), std::string::npos) << text;
  // The size of the source is the writer's business.
  EXPECT_EQ(read_all(header_record(3, 5000, 64)).status, StreamStatus::truncated);
  EXPECT_EQ(kind_of([] { read_all(header_record(3, 64, 5000)); }), ErrorKind::corrupt);
  EXPECT_EQ(kind_of([] { read_all(header_record(3, 0, 64)); }), ErrorKind::corrupt);
}

TEST(Header, FormatOneIsRefusedByName) {
  std::string text;
  const Bytes old{0xA7, 0x5E, 0x04, 0x0a, 0x02, 0x10, 0x01, 0, 0, 0, 0};
  EXPECT_EQ(kind_of([&] { read_all(old); }, &text), ErrorKind::unsupported);
  EXPECT_NE(text.find("format 1"), std::string::npos) << text;
}

TEST_F(Damage, UnknownRecordsAreSkipped) {
  const Bytes unknown = frame_record(static_cast<RecordKind>(15), "abc");
  Bytes bytes = recorded_.bytes;
  bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(recorded_.ends[3]), unknown.begin(),
               unknown.end());
  const auto read = read_all(bytes, true);
  EXPECT_EQ(read.frames, frames_);
  EXPECT_EQ(read.status, StreamStatus::complete);
  EXPECT_EQ(read.stats.other_bytes, unknown.size());
}

}  // namespace
}  // namespace semcodec
