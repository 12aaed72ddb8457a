#include "common/packets/packet.h"

#include <gtest/gtest.h>

#include "tests/entropy/sample_frames.h"

namespace semcodec {
namespace {

TEST(Packet, SourcePacketsComeBack) {
  const PacketBytes payload{1, 2, 3, 0xA7, 0x51};
  const PacketBytes bytes = write_packet(SourcePacket{7, 0xFFFE, true, false, 3, payload});
  EXPECT_EQ(bytes.size(), payload.size() + 8);  // 5 + 3
  EXPECT_EQ(bytes[0], 0xD2);
  const auto read = read_packet(bytes);
  ASSERT_TRUE(read.source);
  EXPECT_EQ(read.source->stream, 7);
  EXPECT_EQ(read.source->number, 0xFFFE);
  EXPECT_TRUE(read.source->entry_point);
  EXPECT_FALSE(read.source->is_protected);
  EXPECT_EQ(read.source->position, 3);
  EXPECT_EQ(PacketBytes(read.source->payload.begin(), read.source->payload.end()), payload);
}

// The example of docs/packets.md.
TEST(Packet, IsLaidOutAsDocumented) {
  const PacketBytes payload{0x36, 'a', 'b', 'c'};
  const PacketBytes expected{0xD4, 0x2A, 0x01, 0x02, 0x00, 0x36, 'a', 'b', 'c', 0x26, 0x39, 0x6C};
  EXPECT_EQ(write_packet(SourcePacket{0x2A, 0x0102, false, true, 0, payload}), expected);
}

TEST(Packet, ParityPacketsComeBack) {
  const PacketBytes symbol{9, 8, 7};
  const PacketBytes bytes = write_packet(ParityPacket{7, 65535, 200, 54, 8, symbol});
  EXPECT_EQ(bytes.size(), symbol.size() + 10);
  const auto read = read_packet(bytes);
  ASSERT_TRUE(read.parity);
  EXPECT_EQ(read.parity->first, 65535);
  EXPECT_EQ(read.parity->count, 200);
  EXPECT_EQ(read.parity->index, 54);
  EXPECT_EQ(read.parity->depth, 8);
  EXPECT_EQ(PacketBytes(read.parity->symbol.begin(), read.parity->symbol.end()), symbol);
  for (const ParityPacket& bad : {ParityPacket{7, 0, 0, 0, 1, symbol},
                                  {7, 0, 200, 55, 1, symbol},
                                  {7, 0, 3, 0, 0, symbol},
                                  {7, 0, 3, 0, 9, symbol}}) {
    EXPECT_FALSE(read_packet(write_packet(bad)).parity);
  }
}

TEST(Packet, EveryFlippedBitAndEveryCutIsNoticed) {
  const PacketBytes payload(40, 0x5A);
  const PacketBytes bytes = write_packet(SourcePacket{1, 2, false, false, 0, payload});
  for (std::size_t i = 0; i < 8 * bytes.size(); ++i) {
    PacketBytes flipped = bytes;
    flipped[i / 8] = static_cast<std::uint8_t>(flipped[i / 8] ^ (1 << (i % 8)));
    const auto read = read_packet(flipped);
    EXPECT_FALSE(read.source || read.parity) << i;
  }
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const auto read = read_packet(std::span(bytes).first(length));
    EXPECT_FALSE(read.source || read.parity) << length;
  }
}

TEST(Packet, UnitHeads) {
  for (const std::size_t length : {0, 1, 7, 8, 1023, 1024, 131071, 131072, 16777216}) {
    PacketBytes bytes;
    append_unit_head(bytes, length, 5);
    EXPECT_EQ(bytes.size(), length < 8          ? 1u
                            : length < 1024     ? 2u
                            : length < 131072   ? 3u
                            : length < 16777216 ? 4u
                                                : 5u);
    const auto head = read_unit_head(bytes);
    ASSERT_TRUE(head);
    EXPECT_EQ(head->size, bytes.size());
    EXPECT_EQ(head->length, length);
    EXPECT_EQ(head->kind, 5);
    EXPECT_FALSE(read_unit_head(std::span(bytes).first(bytes.size() - 1)));
  }
  const PacketBytes filling{0, 0};
  EXPECT_EQ(read_unit_head(filling)->kind, 0);
  EXPECT_EQ(read_unit_head(filling)->length, 0u);
  for (const PacketBytes& bad : {PacketBytes{0x80, 0x80, 0x80, 0x80, 0x80}, PacketBytes{0x10},
                                 PacketBytes{0x92, 0x80, 0x80, 0x80, 0x01}}) {
    const auto head = read_unit_head(bad);
    ASSERT_TRUE(head);
    EXPECT_EQ(head->kind, 0);
    EXPECT_GT(head->length, 0u);
  }
}

TEST(Packet, AnyBytesAreRead) {
  test::Numbers numbers(5);
  for (int trial = 0; trial < 20'000; ++trial) {
    PacketBytes bytes(static_cast<std::size_t>(numbers.below(40)));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(numbers.below(256));
    if (!bytes.empty()) bytes[0] = static_cast<std::uint8_t>(0xD0 | numbers.below(8));
    read_packet(bytes);
    read_unit_head(bytes);
  }
}

}  // namespace
}  // namespace semcodec
