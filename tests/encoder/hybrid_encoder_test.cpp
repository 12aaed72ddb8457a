// The sender of base pictures, with a coder that only counts.

#include <gtest/gtest.h>

#include <cmath>
#include <deque>

#include "common/core/error.h"
#include "encoder/core/encoder.h"
#include "semcodec/stream_reader.h"

namespace semcodec {
namespace {

/// Units of four bytes: number of the coder, of the picture, quantiser, brightness.
class FakeCoder : public BaseCoder {
 public:
  FakeCoder(int number, int look_ahead) : number_(number), look_ahead_(look_ahead) {}
  void push(const RgbImage& picture, int quantiser) override {
    units_.push_back({static_cast<std::uint8_t>(number_), static_cast<std::uint8_t>(count_++),
                      static_cast<std::uint8_t>(quantiser), picture.pixels[0]});
  }
  void finish() override { look_ahead_ = 0; }
  std::optional<std::vector<std::uint8_t>> pop() override {
    if (units_.size() <= static_cast<std::size_t>(look_ahead_)) return std::nullopt;
    auto unit = std::move(units_.front());
    units_.pop_front();
    return unit;
  }

 private:
  int number_, look_ahead_, count_ = 0;
  std::deque<std::vector<std::uint8_t>> units_;
};

class HybridEncoderTest : public ::testing::Test {
 protected:
  HybridEncoderTest() {
    info_.width = info_.coded_width = 128;
    info_.height = info_.coded_height = 64;
    info_.time_base_den = 25;
    info_.frame_rate_num = 25;
    info_.profile = "hybrid";
    options_.profile = Profile::hybrid;
    options_.quality = 50;
    options_.scene_cut = false;
    options_.patience = 1;
    options_.overrides.interval = 0.2;
    options_.base_look_ahead = 3;
    options_.base_coder = [this](const BaseCoderOptions& asked) {
      asked_.push_back(asked);
      return std::make_unique<FakeCoder>(static_cast<int>(asked_.size()), asked.look_ahead);
    };
  }

  /// `shade` gives the brightness of a frame. Returns what a reader reads.
  std::vector<SemanticFrame> encode(int count, const std::function<int(int)>& shade) {
    std::vector<std::uint8_t> bytes;
    {
      StreamWriter writer([&](auto b) { bytes.insert(bytes.end(), b.begin(), b.end()); }, info_);
      const auto encoder = make_hybrid_encoder(options_, info_, writer);
      encoder->set_observer([&](const SemanticFrame& frame, const CodedFrameReport& report) {
        EXPECT_EQ(report.pts, frame.pts);
        EXPECT_EQ(report.base_bytes, 5u);  // four that are no AV1, and one that says so
        reports_.push_back(report);
      });
      for (int i = 0; i < count; ++i) {
        RgbImage picture(128, 64);
        std::fill(picture.pixels.begin(), picture.pixels.end(),
                  static_cast<std::uint8_t>(shade(i)));
        encoder->push(std::move(picture), i);
        if (i == count / 2) {
          encoder->write([this, &encoder](StreamWriter&) { written_after_ = reports_.size(); });
        }
      }
      encoder->finish();
      EXPECT_EQ(encoder->frames(), count);
      writer.finish();
    }
    std::size_t at = 0;
    StreamReader reader(
        [&](std::span<std::uint8_t> to) {
          const std::size_t n = std::min(to.size(), bytes.size() - at);
          std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), n, to.begin());
          at += n;
          return n;
        },
        "test");
    std::vector<SemanticFrame> frames;
    while (auto item = reader.next()) {
      if (item->frame() != nullptr) frames.push_back(*item->frame());
    }
    EXPECT_EQ(reader.status(), StreamStatus::complete);
    return frames;
  }

  StreamInfo info_;
  EncoderOptions options_;
  std::vector<BaseCoderOptions> asked_;
  std::vector<CodedFrameReport> reports_;
  std::size_t written_after_ = 0;
};

TEST_F(HybridEncoderTest, EveryFrameHasItsTimeAndEveryCodedOneItsOwnUnit) {
  const auto frames = encode(51, [](int i) { return i; });
  std::vector<std::int64_t> times;
  std::vector<int> units;
  for (const auto& frame : frames) {
    times.insert(times.end(), frame.interpolated_pts.begin(), frame.interpolated_pts.end());
    times.push_back(frame.pts);
    ASSERT_TRUE(frame.base.has_value());
    EXPECT_EQ(frame.base->bytes[3], frame.pts) << "the picture of that moment";
    units.push_back(frame.base->bytes[1]);
  }
  ASSERT_EQ(times.size(), 51u);
  for (int i = 0; i < 51; ++i) EXPECT_EQ(times[static_cast<std::size_t>(i)], i);
  ASSERT_EQ(frames.size(), 11u) << "one in five, and the last";
  for (int i = 0; i < 11; ++i) EXPECT_EQ(units[static_cast<std::size_t>(i)], i);
  EXPECT_TRUE(frames[0].entry_point);
  EXPECT_FALSE(frames[1].entry_point);
}

TEST_F(HybridEncoderTest, SizesAndQuantisersAreThoseOfThePoint) {
  options_.overrides.base_scale = 0.5;
  options_.overrides.quantiser = 57.25;
  const auto frames = encode(101, [](int) { return 9; });
  ASSERT_EQ(asked_.size(), 1u);
  EXPECT_EQ(asked_[0].width, 64);
  EXPECT_EQ(asked_[0].height, 32);
  EXPECT_NEAR(asked_[0].rate, 5, 0.01);
  double sum = 0;
  for (const auto& frame : frames) {
    EXPECT_EQ(frame.base->width, 64);
    EXPECT_EQ(frame.base->height, 32);
    EXPECT_EQ(frame.base->quantiser, 57);
    sum += frame.base->bytes[2];
  }
  EXPECT_NEAR(sum / static_cast<double>(frames.size()), 57.25, 0.06);
}

TEST_F(HybridEncoderTest, EntryPointsBeginCodersOfTheirOwn) {
  options_.keyint = 1;
  const auto frames = encode(76, [](int) { return 5; });
  EXPECT_EQ(asked_.size(), 4u);
  int entries = 0;
  for (const auto& frame : frames) {
    if (frame.entry_point) ++entries;
    EXPECT_EQ(frame.base->bytes[0], entries);
    EXPECT_EQ(frame.entry_point, frame.base->bytes[1] == 0);
  }
  EXPECT_EQ(entries, 4);
}

TEST_F(HybridEncoderTest, SomethingElseIsWrittenBehindTheFramesBeforeIt) {
  encode(51, [](int i) { return i; });
  // Frame 25 is the sixth coded one.
  EXPECT_EQ(written_after_, 6u);
}

TEST_F(HybridEncoderTest, ThereIsNoWaitingWhereNothingIsLookedAhead) {
  options_.base_look_ahead = 0;
  encode(26, [](int i) { return i; });
  EXPECT_EQ(reports_.size(), 6u);
}

TEST_F(HybridEncoderTest, StillScenesTakeFewerPictures) {
  options_.patience = 3;
  const auto still = encode(76, [](int) { return 50; }).size();
  reports_.clear();
  const auto moving = encode(76, [](int i) { return 3 * i; }).size();
  EXPECT_LT(2 * still, moving);
}

TEST_F(HybridEncoderTest, ALoneFrameIsAStream) {
  const auto frames = encode(1, [](int) { return 7; });
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_TRUE(frames[0].entry_point);
}

TEST_F(HybridEncoderTest, AnotherSizeIsRefused) {
  StreamWriter writer([](auto) {}, info_);
  EXPECT_THROW(make_hybrid_encoder(options_, info_, writer)->push(RgbImage(64, 64), 0), Error);
}

}  // namespace
}  // namespace semcodec
