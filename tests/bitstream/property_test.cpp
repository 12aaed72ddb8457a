// What holds for every stream and every damage, tried on many of them.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>

#include "common/core/error.h"
#include "tests/bitstream/sample_streams.h"

namespace semcodec {
namespace {

using test::Bytes;
using test::Numbers;
using test::read_all;

long peak_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST(Property, TenThousandChangedBytesEndInBoundedTimeAndMemory) {
  const auto frames = test::sample_coded_frames(12, 3, 4, test::tiny_shape());
  const auto recorded = test::record(test::sample_info(), frames, true);
  Numbers numbers(41);
  read_all(recorded.bytes);
  const long before = peak_kilobytes();
  double slowest = 0;
  int complete = 0;
  for (int trial = 0; trial < 10'000; ++trial) {
    Bytes bytes = recorded.bytes;
    const auto at = static_cast<std::size_t>(numbers.below(static_cast<int>(bytes.size())));
    bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1 + numbers.below(255)));
    const auto start = std::chrono::steady_clock::now();
    try {
      const auto read = read_all(bytes);
      EXPECT_NE(read.status, StreamStatus::reading);
      complete += read.status == StreamStatus::complete ? 1 : 0;
      std::int64_t last = std::numeric_limits<std::int64_t>::min();
      for (const SemanticFrame& frame : read.frames) {
        EXPECT_GT(frame.pts, last);
        last = frame.pts;
      }
    } catch (const Error& error) {
      EXPECT_TRUE(error.kind() == ErrorKind::corrupt || error.kind() == ErrorKind::input ||
                  error.kind() == ErrorKind::unsupported)
          << error.what();
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    slowest = std::max(slowest, took.count());
  }
  EXPECT_EQ(complete, 0) << "a change that nobody noticed";
  EXPECT_LT(slowest, 10);
  EXPECT_LT(peak_kilobytes() - before, 64 * 1024);
}

TEST(Property, PiecesOfAnySizeGiveTheSame) {
  const auto frames = test::sample_coded_frames(12, 3, 4, test::tiny_shape());
  const auto recorded = test::record(test::sample_info(), frames, true);
  Bytes damaged = recorded.bytes;
  damaged[damaged.size() / 2] ^= 0x20;
  Numbers numbers(42);
  for (const Bytes& bytes : {recorded.bytes, damaged}) {
    const auto whole = read_all(bytes);
    for (int trial = 0; trial < 200; ++trial) {
      std::size_t position = 0;
      StreamReader reader(
          [&](std::span<std::uint8_t> to) {
            const auto piece =
                static_cast<std::size_t>(1 + numbers.below(trial % 2 == 0 ? 5 : 300));
            const std::size_t count = std::min({piece, to.size(), bytes.size() - position});
            std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(position), count, to.begin());
            position += count;
            return count;
          },
          "pieces");
      const auto read = read_all(reader);
      ASSERT_TRUE(read.frames == whole.frames && read.audio == whole.audio) << trial;
      ASSERT_EQ(read.status, whole.status);
      ASSERT_EQ(read.lost, whole.lost);
    }
  }
}

TEST(Property, RandomPlanesOfAnySizeComeBack) {
  Numbers numbers(43);
  for (int trial = 0; trial < 300; ++trial) {
    const auto side = [&] { return 1 + numbers.below(trial < 100 ? 4 : 40); };
    const auto plane = [&](int most) {
      Plane out{side(), side(), 2 + numbers.below(most - 1), {}};
      out.values.resize(static_cast<std::size_t>(out.width) * static_cast<std::size_t>(out.height));
      const int style = numbers.below(3);
      for (auto& value : out.values) {
        value = static_cast<std::uint8_t>(style == 0 ? 0 : numbers.below(out.levels));
      }
      return out;
    };
    std::vector<SemanticFrame> frames;
    for (int i = 0; i < 3; ++i) {
      SemanticFrame frame;
      frame.pts = i * 1000;
      frame.entry_point = i == 0;
      if (numbers.below(4) != 0) frame.structure = plane(256);
      if (numbers.below(4) != 0) {
        frame.labels = plane(256);
        for (int c = 0; c < frame.labels.levels; ++c) {
          frame.palette.push_back({static_cast<std::uint8_t>(numbers.below(256)),
                                   static_cast<std::uint8_t>(numbers.below(256)),
                                   static_cast<std::uint8_t>(numbers.below(256))});
        }
      }
      for (int c = numbers.below(3); c > 0; --c) frame.texture.push_back(plane(9));
      if (i > 0 && numbers.below(2) == 0) {
        frame.motion.width = side();
        frame.motion.height = side();
        const auto cells = static_cast<std::size_t>(frame.motion.width) *
                           static_cast<std::size_t>(frame.motion.height);
        for (auto* vectors : {&frame.motion.dx, &frame.motion.dy}) {
          vectors->resize(cells);
          for (auto& v : *vectors) v = static_cast<std::int16_t>(kMotionMin + numbers.below(2048));
        }
      }
      frames.push_back(frame);
    }
    const auto read = read_all(test::record(test::sample_info(), frames).bytes, true);
    ASSERT_TRUE(read.frames == frames) << trial;
  }
}

}  // namespace
}  // namespace semcodec
