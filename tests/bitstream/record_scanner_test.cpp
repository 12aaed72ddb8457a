#include "common/bitstream/record_scanner.h"

#include <gtest/gtest.h>

#include <chrono>

#include "common/core/crc32c.h"
#include "common/core/error.h"
#include "tests/bitstream/sample_streams.h"

namespace semcodec {
namespace {

using test::Bytes;
using test::source_of;

TEST(Crc32c, KnownVectors) {
  // RFC 3720, B.4.
  EXPECT_EQ(crc32c(Bytes(32, 0)), 0x8a9136aau);
  EXPECT_EQ(crc32c(Bytes(32, 0xff)), 0x62a8ab43u);
  const std::string digits = "123456789";
  EXPECT_EQ(crc32c(Bytes(digits.begin(), digits.end())), 0xe3069283u);
}

Bytes framed(const std::string& payload) { return frame_record(RecordKind::audio, payload); }

TEST(Framing, SmallRecordsCostSixBytes) {
  EXPECT_EQ(framed(std::string(127, 'x')).size(), 127u + 6);
  EXPECT_EQ(framed(std::string(128, 'x')).size(), 128u + 7);
  EXPECT_THROW(framed(std::string(kMaxRecordBytes + 1, 'x')), Error);
}

TEST(Framing, TheKindIsNamedAndChecked) {
  Bytes bytes = frame_record(RecordKind::index, "abc");
  RecordExtent extent = record_extent(bytes);
  EXPECT_EQ(extent.state, RecordExtent::State::whole);
  EXPECT_EQ(extent.kind, RecordKind::index);
  EXPECT_TRUE(crc_holds(bytes, extent));
  bytes[1] ^= 1;
  extent = record_extent(bytes);
  EXPECT_EQ(extent.kind, RecordKind::audio);
  EXPECT_FALSE(crc_holds(bytes, extent));
}

std::vector<std::string> scan(const Bytes& bytes, std::uint64_t* gaps = nullptr) {
  RecordScanner scanner(source_of(bytes, 7));
  std::vector<std::string> out;
  while (const auto record = scanner.next()) {
    out.emplace_back(record->payload.begin(), record->payload.end());
    if (gaps != nullptr) *gaps += record->gap;
  }
  return out;
}

Bytes join(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

TEST(RecordScanner, FindsRecordsBetweenGarbage) {
  const Bytes garbage{0xA7, 0x52, 0x05, 1, 2, 3, 0xA7, 0xA7, 0x5E, 0xff, 0xff, 0xff, 0xff, 0xA7};
  std::uint64_t gap = 0;
  const auto found = scan(
      join({framed("one"), garbage, framed(""), garbage, framed(std::string(100000, 'z'))}), &gap);
  EXPECT_EQ(found, (std::vector<std::string>{"one", "", std::string(100000, 'z')}));
  EXPECT_EQ(gap, 2 * garbage.size());
}

TEST(RecordScanner, ALengthThatSwallowsTheRestIsSurvived) {
  Bytes first = framed("first");
  first[2] = 0x7f;
  EXPECT_EQ(scan(join({first, framed("second"), framed("third")})),
            (std::vector<std::string>{"second", "third"}));
}

TEST(RecordScanner, ManyFalseMarkersTakeBoundedTime) {
  // Every 5 bytes a marker that announces 2 MiB; each would cost a CRC over 2 MiB.
  Bytes bytes;
  while (bytes.size() < (3u << 20)) {
    for (const int b : {0xA7, 0x52, 0x80, 0x80, 0x80, 0x01}) {
      bytes.push_back(static_cast<std::uint8_t>(b));
    }
  }
  const Bytes last = framed("last");
  bytes.insert(bytes.end(), last.begin(), last.end());
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(scan(bytes), std::vector<std::string>{"last"});
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(std::chrono::duration<double>(took).count(), 60.0);  // minutes if it were quadratic
}

}  // namespace
}  // namespace semcodec
