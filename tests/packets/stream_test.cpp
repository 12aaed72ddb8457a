// Streams cut into packets, sent over a bad link, and put together again.

#include <gtest/gtest.h>

#include <algorithm>

#include "common/core/error.h"
#include "common/packets/packet_receiver.h"
#include "common/packets/packet_sender.h"
#include "tests/bitstream/sample_streams.h"

namespace semcodec {
namespace {

using test::Bytes;
using test::Numbers;

struct Sent {
  std::vector<PacketBytes> packets;
  PacketStats stats;
};

Sent send(const std::vector<SemanticFrame>& frames, const PacketOptions& options,
          std::uint8_t stream = 1, bool audio = true) {
  Sent out;
  PacketSender sender(options, stream, [&](std::span<const std::uint8_t> packet, double) {
    out.packets.emplace_back(packet.begin(), packet.end());
  });
  StreamWriter writer([&](std::span<const std::uint8_t> bytes) { sender.write(bytes); },
                      test::sample_info());
  if (audio) writer.write_audio_info(test::sample_audio_info());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    writer.write(frames[i]);
    if (audio && i % 3 == 2) writer.write_audio(test::sample_audio(static_cast<int>(i) * 4, 10));
  }
  writer.finish(false);  // packets have no use for an index
  sender.finish();
  out.stats = sender.stats();
  return out;
}

struct Received {
  test::Read read;
  ReceiverStats stats;
  std::string problem;

  /// Not by EXPECT_EQ, which would print all planes.
  bool gave(const std::vector<SemanticFrame>& frames) const { return read.frames == frames; }
};

Received receive(const std::vector<PacketBytes>& packets, const ReceiverOptions& options = {}) {
  PacketReceiver receiver(options);
  Bytes stream;
  const auto collect = [&] {
    const auto more = receiver.take();
    stream.insert(stream.end(), more.begin(), more.end());
  };
  for (const PacketBytes& packet : packets) {
    receiver.push(packet);
    collect();
  }
  receiver.finish();
  collect();
  Received out;
  out.stats = receiver.stats();
  out.problem = receiver.problem();
  if (!stream.empty()) out.read = test::read_all(stream);
  return out;
}

PacketOptions with(std::size_t size, double fec = 0, double block = 10) {
  PacketOptions options;
  options.size = size;
  options.fec = fec;
  options.block_seconds = block;
  return options;
}

class PacketStream : public testing::Test {
 protected:
  std::vector<SemanticFrame> frames_ = test::sample_coded_frames(60, 5, 12);
};

TEST_F(PacketStream, ComesBackWhole) {
  for (const std::size_t size : {32, 50, 200, 233, 1200, 65507}) {
    for (const double fec : {0.0, 0.3}) {
      for (const double fill : {0.0, 0.5}) {
        PacketOptions options = with(size, fec);
        options.fill_seconds = fill;
        const Sent sent = send(frames_, options);
        for (const auto& packet : sent.packets) EXPECT_LE(packet.size(), size);
        const auto got = receive(sent.packets);
        EXPECT_TRUE(got.gave(frames_)) << size << " " << fec;
        EXPECT_EQ(got.read.status, StreamStatus::complete);
        EXPECT_EQ(got.read.audio.size(), 200u);
        EXPECT_EQ(got.read.audio_infos.size(), 1u);
        EXPECT_EQ(got.stats.lost, 0u);
        EXPECT_EQ(got.stats.received, sent.packets.size());
      }
    }
  }
}

TEST_F(PacketStream, FullPacketsCostLittle) {
  const auto recorded = test::record(test::sample_info(), frames_, true, false);
  const Sent sent = send(frames_, with(200));
  // Headers of packets take 4 %, repeats of the stream's header the rest; records lose their
  // framing.
  EXPECT_LT(static_cast<double>(sent.stats.bytes),
            1.10 * static_cast<double>(recorded.bytes.size()));
  EXPECT_EQ(sent.stats.parities, 0u);
  EXPECT_NEAR(wire_expansion(with(200)), 200.0 / 192, 1e-12);
  EXPECT_NEAR(wire_expansion(with(200, 0.25), 28), 228.0 * 1.25 / 189, 1e-12);
}

TEST_F(PacketStream, OrderAndRepeatsDoNotMatter) {
  Numbers numbers(11);
  for (const double fec : {0.0, 0.25}) {
    auto packets = send(frames_, with(100, fec)).packets;
    for (std::size_t i = 0; i < packets.size(); ++i) {  // among six
      const std::size_t last = std::min(i / 6 * 6 + 6, packets.size());
      std::swap(packets[i],
                packets[i + static_cast<std::size_t>(numbers.below(static_cast<int>(last - i)))]);
    }
    std::vector<PacketBytes> twice;
    for (const auto& packet : packets) {
      twice.push_back(packet);
      if (numbers.below(3) == 0) twice.push_back(packet);
    }
    const auto got = receive(twice);
    EXPECT_TRUE(got.gave(frames_)) << fec;
    EXPECT_EQ(got.stats.lost, 0u);
    EXPECT_GT(got.stats.duplicates, 10u);
  }
}

TEST_F(PacketStream, LossesAreRepaired) {
  Numbers numbers(12);
  for (const double share : {0.05, 0.1, 0.2}) {
    const Sent sent = send(frames_, with(60, 0.6, 100));
    std::vector<PacketBytes> kept;
    for (const auto& packet : sent.packets) {
      if (numbers.below(1000) >= static_cast<int>(1000 * share)) kept.push_back(packet);
    }
    ASSERT_LT(kept.size(), sent.packets.size());
    const auto got = receive(kept);
    EXPECT_TRUE(got.gave(frames_)) << share;
    EXPECT_EQ(got.read.status, StreamStatus::complete);
    EXPECT_EQ(got.stats.lost, 0u);
    EXPECT_GT(got.stats.recovered, 0u);
  }
}

TEST_F(PacketStream, ABurstIsRepairedByInterleavedBlocks) {
  // Enough packets for several blocks side by side.
  const auto frames = test::sample_coded_frames(400, 1, 100);
  const Sent sent = send(frames, with(40, 0.25, 1000), 1, false);
  ASSERT_GT(sent.stats.packets, 400u);
  for (const std::size_t at : {std::size_t{0}, std::size_t{300}, sent.packets.size() - 80}) {
    auto kept = sent.packets;
    kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(at),
               kept.begin() + static_cast<std::ptrdiff_t>(at) + 80);
    const auto got = receive(kept);
    EXPECT_TRUE(got.gave(frames)) << at;
    EXPECT_EQ(got.stats.lost, 0u);
  }
}

TEST_F(PacketStream, EntryPointsMayHaveParityOfTheirOwn) {
  PacketOptions options = with(60);
  const Sent bare = send(frames_, options, 1, false);
  options.entry_fec = 0.5;
  const Sent sent = send(frames_, options, 1, false);
  EXPECT_GT(sent.stats.parities, 0u);
  // Most of the stream is between entry points.
  EXPECT_LT(static_cast<double>(sent.stats.bytes), 1.4 * static_cast<double>(bare.stats.bytes));
  ASSERT_TRUE(receive(sent.packets).gave(frames_));

  // One packet of each entry point is lost: the first, which begins it, or the one behind it.
  for (const std::size_t which : {std::size_t{0}, std::size_t{1}}) {
    std::vector<PacketBytes> kept;
    std::size_t since = 100;
    for (const PacketBytes& packet : sent.packets) {
      const auto source = read_packet(packet).source;
      since = source && source->entry_point ? 0 : since + 1;
      if (since != which) kept.push_back(packet);
    }
    const auto got = receive(kept);
    EXPECT_TRUE(got.gave(frames_)) << which;
    EXPECT_EQ(got.stats.lost, 0u);
    EXPECT_EQ(got.stats.recovered, sent.packets.size() - kept.size());
  }

  // What is lost elsewhere holds nothing up, and each entry point is shown all the same.
  std::size_t number = 0;
  std::vector<PacketBytes> kept;
  for (const PacketBytes& packet : sent.packets) {
    const auto source = read_packet(packet).source;
    const bool between = source && !source->is_protected;
    if (!between || number++ % 4 != 1) kept.push_back(packet);
  }
  const auto got = receive(kept);
  EXPECT_GT(got.stats.lost, 0u);
  for (std::size_t i = 0; i < frames_.size(); i += 12) {
    const auto& shown = got.read.frames;
    EXPECT_NE(std::find(shown.begin(), shown.end(), frames_[i]), shown.end()) << i;
  }
}

TEST_F(PacketStream, WhatIsLostCostsUpToTheNextEntryPoint) {
  const auto packets = send(frames_, with(100)).packets;
  for (std::size_t drop = 0; drop < packets.size(); drop += 7) {
    auto kept = packets;
    kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(drop));
    const auto got = receive(kept);
    EXPECT_EQ(got.stats.lost, drop + 1 == packets.size() ? 0u : 1u) << drop;
    EXPECT_GE(got.read.frames.size(), frames_.size() - 12) << drop;
    for (const SemanticFrame& frame : got.read.frames) {
      EXPECT_NE(std::find(frames_.begin(), frames_.end(), frame), frames_.end());
    }
  }
}

/// Frames shown of what came, lost ones concealed.
std::vector<std::int64_t> times_shown(const std::vector<PacketBytes>& packets) {
  PacketReceiver receiver;
  for (const PacketBytes& packet : packets) receiver.push(packet);
  receiver.finish();
  const Bytes stream = receiver.take();
  StreamReader::Options options;
  options.fill_gaps = true;
  StreamReader reader(test::source_of(stream), "packets", options);
  std::vector<std::int64_t> times;
  while (const auto item = reader.next()) {
    if (item->frame() == nullptr) continue;
    const auto& between = item->frame()->interpolated_pts;
    times.insert(times.end(), between.begin(), between.end());
    times.push_back(item->frame()->pts);
  }
  return times;
}

TEST_F(PacketStream, EveryFrameIsShownWhateverIsLost) {
  // Packets of which the first hold the stream's beginning, some its middle, the last its end.
  const auto packets = send(frames_, with(100)).packets;
  const auto whole = times_shown(packets);
  ASSERT_EQ(whole.size(), 5 * frames_.size() - 4);
  const std::size_t last = packets.size() - 1;
  for (std::size_t drop = 0; drop < last; drop += 3) {
    auto kept = packets;
    kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(drop));
    EXPECT_EQ(times_shown(kept), whole) << drop;
  }
  // One in ten, ten times.
  Numbers numbers(31);
  for (int trial = 0; trial < 10; ++trial) {
    std::vector<PacketBytes> kept;
    for (std::size_t i = 0; i < packets.size(); ++i) {
      if (i == last || numbers.below(10) > 0) kept.push_back(packets[i]);
    }
    EXPECT_EQ(times_shown(kept), whole) << trial;
  }
}

TEST_F(PacketStream, AReceiverThatJoinsShowsNothingBefore) {
  const auto packets = send(frames_, with(100)).packets;
  const std::vector<PacketBytes> late(packets.begin() + 20, packets.end());
  const auto times = times_shown(late);
  const auto whole = times_shown(packets);
  ASSERT_LT(times.size(), whole.size());
  EXPECT_TRUE(std::equal(times.rbegin(), times.rend(), whole.rbegin()));
}

TEST_F(PacketStream, AReceiverJoinsAtTheNextEntryPoint) {
  for (const double fec : {0.0, 0.3}) {
    const auto packets = send(frames_, with(120, fec)).packets;
    for (std::size_t from = 1; from < packets.size() / 2; from += 5) {
      const std::vector<PacketBytes> late(packets.begin() + static_cast<std::ptrdiff_t>(from),
                                          packets.end());
      const auto got = receive(late);
      ASSERT_FALSE(got.read.frames.empty()) << from;
      EXPECT_TRUE(got.read.frames.front().entry_point);
      EXPECT_TRUE(std::equal(got.read.frames.rbegin(), got.read.frames.rend(), frames_.rbegin()));
      // Who receives one of the first packets has lost the beginning rather than joined, unless
      // parity gives it back.
      const bool lost = from <= 8 && got.read.frames.size() < frames_.size();
      EXPECT_EQ(got.read.status, lost ? StreamStatus::damaged : StreamStatus::complete) << from;
    }
  }
}

TEST_F(PacketStream, ASenderThatStartsAgainGoesOn) {
  auto packets = send(frames_, with(100), 1).packets;
  packets.resize(packets.size() / 2);  // it was killed
  const auto again = send(frames_, with(100), 2).packets;
  packets.insert(packets.end(), again.begin(), again.end());
  const auto got = receive(packets);
  EXPECT_EQ(got.stats.restarts, 1u);
  EXPECT_GE(got.read.frames.size(), frames_.size() + frames_.size() / 3);
  for (std::size_t i = 1; i < got.read.frames.size(); ++i) {
    EXPECT_GT(got.read.frames[i].pts, got.read.frames[i - 1].pts);
  }
  EXPECT_TRUE(got.problem.empty());
}

TEST_F(PacketStream, OthersOnTheLinkAreIgnored) {
  const auto packets = send(frames_, with(100), 1).packets;
  const auto others = send(frames_, with(100), 2).packets;
  std::vector<PacketBytes> mixed;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    mixed.push_back(packets[i]);
    if (i < others.size()) mixed.push_back(others[i]);
  }
  const auto got = receive(mixed);
  EXPECT_TRUE(got.gave(frames_));
  EXPECT_EQ(got.stats.restarts, 0u);
  EXPECT_GT(got.stats.foreign, 10u);
}

TEST_F(PacketStream, NumbersWrapAround) {
  const auto frames = test::sample_coded_frames(4000, 1, 50, test::tiny_shape());
  const Sent sent = send(frames, with(32), 1, false);
  ASSERT_GT(sent.stats.packets, 1000u);
  // As if it had run for long: only the differences count.
  std::vector<PacketBytes> shifted;
  for (const auto& packet : sent.packets) {
    auto source = *read_packet(packet).source;
    source.number = static_cast<std::uint16_t>(source.number + 65'000);
    shifted.push_back(write_packet(source));
  }
  const auto got = receive(shifted);
  EXPECT_EQ(got.read.frames.size(), frames.size());
  EXPECT_EQ(got.stats.lost, 0u);
}

TEST_F(PacketStream, APauseInTimeGivesUpWhatIsMissing) {
  const auto packets = send(frames_, with(100)).packets;
  ReceiverOptions options;
  options.reorder = 1000;
  options.patience = 0.5;
  PacketReceiver receiver(options);
  for (std::size_t i = 0; i < 20; ++i) {
    if (i != 10) receiver.push(packets[i], 0.01 * static_cast<double>(i));
  }
  const std::size_t before = receiver.take().size();
  receiver.tick(0.4);
  EXPECT_EQ(receiver.take().size(), 0u);
  receiver.tick(2);
  EXPECT_EQ(receiver.stats().lost, 1u);
  EXPECT_GT(receiver.take().size(), 0u);
  EXPECT_GT(before, 0u);
}

TEST_F(PacketStream, AnythingMayArrive) {
  Numbers numbers(21);
  const auto packets = send(frames_, with(80, 0.3, 2)).packets;
  for (int trial = 0; trial < 60; ++trial) {
    std::vector<PacketBytes> link;
    for (const auto& packet : packets) {
      PacketBytes one = packet;
      const int what = numbers.below(20);
      if (what == 0) continue;
      if (what == 1)
        one.resize(static_cast<std::size_t>(numbers.below(static_cast<int>(one.size()))));
      if (what == 2)
        one[static_cast<std::size_t>(numbers.below(static_cast<int>(one.size())))] ^= 4;
      if (what == 3 && !link.empty()) std::swap(one, link.back());
      if (what == 4) {  // sound, but not what was sent
        const auto any = read_packet(packet);
        PacketBytes bytes(40);
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(numbers.below(256));
        if (any.source) {
          auto source = *any.source;
          source.payload = bytes;
          source.number = static_cast<std::uint16_t>(source.number + numbers.below(9) - 4);
          one = write_packet(source);
        } else {
          auto parity = *any.parity;
          parity.symbol = bytes;
          one = write_packet(parity);
        }
      }
      link.push_back(one);
    }
    PacketReceiver receiver;
    Bytes stream;
    for (const auto& packet : link) {
      receiver.push(packet);
      const auto more = receiver.take();
      stream.insert(stream.end(), more.begin(), more.end());
    }
    receiver.finish();
    const auto more = receiver.take();
    stream.insert(stream.end(), more.begin(), more.end());
    try {
      test::read_all(stream);
    } catch (const Error& error) {
      EXPECT_NE(error.kind(), ErrorKind::internal) << error.what();
    }
  }
}

TEST(PacketOptions, AreChecked) {
  const auto emit = [](std::span<const std::uint8_t>, double) {};
  EXPECT_THROW(PacketSender(with(31), 0, emit), Error);
  EXPECT_THROW(PacketSender(with(65508), 0, emit), Error);
  EXPECT_THROW(PacketSender(with(200, 1.01), 0, emit), Error);
}

}  // namespace
}  // namespace semcodec
