#include "encoder/analysis/scene_cut.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>

#include "encoder/analysis/cells.h"

namespace semcodec {
namespace {

constexpr int kWidth = 64;
constexpr int kHeight = 32;
constexpr int kBlock = 8;
constexpr int kReach = 4;        ///< of the block matching, in thumbnail pixels
constexpr float kNoise = 3.0F;   ///< luma difference that means nothing
constexpr float kMemory = 0.8F;  ///< of the running mean of the matching difference

int difference(const std::uint8_t* a, const std::uint8_t* b) {
  int sum = 0;
  for (int y = 0; y < kBlock; ++y, a += kWidth, b += kWidth) {
    for (int x = 0; x < kBlock; ++x) sum += std::abs(int{a[x]} - int{b[x]});
  }
  return sum;
}

int deviation(const std::uint8_t* a) {
  int mean = kBlock * kBlock / 2;
  for (int y = 0; y < kBlock; ++y) {
    for (int x = 0; x < kBlock; ++x) mean += a[y * kWidth + x];
  }
  mean /= kBlock * kBlock;
  int sum = 0;
  for (int y = 0; y < kBlock; ++y) {
    for (int x = 0; x < kBlock; ++x) sum += std::abs(a[y * kWidth + x] - mean);
  }
  return sum;
}

/// What matching near the same place leaves over, as a share of what the picture holds: 0 = all
/// found … 1 = a flat block would do as well.
float unmatched(const std::vector<std::uint8_t>& now, const std::vector<std::uint8_t>& before) {
  float left = 0, held = 0;
  for (int by = 0; by < kHeight; by += kBlock) {
    for (int bx = 0; bx < kWidth; bx += kBlock) {
      const std::uint8_t* block = now.data() + by * kWidth + bx;
      int best = difference(block, before.data() + by * kWidth + bx);
      for (int y = std::max(by - kReach, 0); y <= std::min(by + kReach, kHeight - kBlock); ++y) {
        for (int x = std::max(bx - kReach, 0); x <= std::min(bx + kReach, kWidth - kBlock); ++x) {
          best = std::min(best, difference(block, before.data() + y * kWidth + x));
        }
      }
      const float noise = kNoise * kBlock * kBlock;
      left += std::max(0.0F, static_cast<float>(best) - noise);
      held += std::max(noise, static_cast<float>(deviation(block)));
    }
  }
  return std::min(1.0F, left / held);
}

}  // namespace

SceneCutDetector::Thumbnail SceneCutDetector::make_thumbnail(const RgbImage& frame) {
  const CellColours cells = average_cells(frame, kWidth, kHeight);
  Thumbnail thumbnail;
  thumbnail.luma.resize(std::size_t{kWidth} * kHeight);
  const float share = 1.0F / static_cast<float>(kWidth * kHeight);
  for (std::size_t y = 0; y < kHeight; ++y) {
    for (std::size_t x = 0; x < kWidth; ++x) {
      // Pictures smaller than the thumbnail have fewer cells; they are repeated.
      const std::size_t cell = y * static_cast<std::size_t>(cells.height) / kHeight *
                                   static_cast<std::size_t>(cells.width) +
                               x * static_cast<std::size_t>(cells.width) / kWidth;
      const auto& rgb = cells.rgb[cell];
      thumbnail.luma[y * kWidth + x] =
          static_cast<std::uint8_t>(0.299F * rgb[0] + 0.587F * rgb[1] + 0.114F * rgb[2] + 0.5F);
      const auto bin = [](float v) { return static_cast<std::size_t>(v) / 64; };
      thumbnail.histogram[bin(rgb[0]) * 16 + bin(rgb[1]) * 4 + bin(rgb[2])] += share;
    }
  }
  return thumbnail;
}

CutResult SceneCutDetector::push(const RgbImage& frame) {
  Thumbnail now = make_thumbnail(frame);
  CutResult result;
  if (!previous_.luma.empty()) {
    const float match = unmatched(now.luma, previous_.luma);
    float colours = 0;
    for (std::size_t i = 0; i < now.histogram.size(); ++i) {
      colours += 0.5F * std::fabs(now.histogram[i] - previous_.histogram[i]);
    }
    const float surprise = std::max(0.0F, (match - usual_) / (1.0F - usual_ + 1e-6F));
    result.score = std::min(1.0F, 0.7F * surprise + 0.3F * std::sqrt(colours));
    result.cut = result.score >= threshold_;
    usual_ = result.cut ? 0.0F : kMemory * usual_ + (1.0F - kMemory) * match;
  }
  previous_ = std::move(now);
  return result;
}

void SceneCutDetector::reset() {
  previous_ = {};
  usual_ = 0;
}

}  // namespace semcodec
