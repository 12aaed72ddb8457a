// The encoder's kernels at every level against plain loops, number by number.

#include <cmath>
#include <cstdlib>
#include <random>
#include <vector>

#include "common/cpu/block_difference.h"
#include "common/cpu/clustering.h"
#include "tests/cpu/levels.h"

namespace semcodec::cpu {
namespace {

class AnalysisKernels : public LevelTest {
 protected:
  std::mt19937 random_{3};

  std::vector<float> floats(std::size_t count, float low, float high) {
    std::uniform_real_distribution<float> any(low, high);
    std::vector<float> values(count);
    for (float& v : values) v = any(random_);
    return values;
  }
  int below(int count) { return std::uniform_int_distribution<int>(0, count - 1)(random_); }
};

float distance(const std::vector<float>& x, const std::vector<float>& y,
               const std::vector<float>& z, std::size_t i, const std::array<float, 3>& c) {
  // Volatile: no fused multiply-add, whatever the compiler may do.
  const float dx = x[i] - c[0], dy = y[i] - c[1], dz = z[i] - c[2];
  const volatile float xx = dx * dx, yy = dy * dy, zz = dz * dz;
  const volatile float xy = xx + yy;
  return xy + zz;
}

TEST_P(AnalysisKernels, PointsGoToTheFirstOfTheNearestCentres) {
  const std::size_t count = 7 * kPointLanes;
  const auto x = floats(count, 0, 100), y = floats(count, -60, 60), z = floats(count, -60, 60);
  std::vector<std::array<float, 3>> centres;
  for (int c = 0; c < 9; ++c) {
    const auto at = static_cast<std::size_t>(below(static_cast<int>(count)));
    centres.push_back({x[at], y[at], z[at]});
  }
  centres.push_back(centres[2]);  // never taken: an equal one comes before it
  std::vector<std::int32_t> labels(count);
  std::vector<float> distances(count);
  clustering_kernels().assign(x.data(), y.data(), z.data(), count, centres.data(),
                              static_cast<int>(centres.size()), labels.data(), distances.data());
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t best = 0;
    for (std::size_t c = 1; c < centres.size(); ++c) {
      if (distance(x, y, z, i, centres[c]) < distance(x, y, z, i, centres[best])) best = c;
    }
    ASSERT_EQ(labels[i], static_cast<std::int32_t>(best));
    ASSERT_EQ(distances[i], distance(x, y, z, i, centres[best]));
  }
}

TEST_P(AnalysisKernels, SumsAreExact) {
  for (const std::size_t count :
       {std::size_t{1}, std::size_t{15}, std::size_t{64}, std::size_t{1023}, kPointBlock}) {
    const auto distances = floats(count, 0, 30000);
    std::vector<std::uint16_t> weights(count);
    for (auto& w : weights) w = static_cast<std::uint16_t>(below(65536));
    std::vector<std::int32_t> labels(count), fixed(4 * count);
    for (auto& l : labels) l = below(5);
    for (auto& f : fixed) f = below(1 << 30) - (1 << 29);
    for (const std::uint16_t* w : {static_cast<const std::uint16_t*>(nullptr),
                                   static_cast<const std::uint16_t*>(weights.data())}) {
      std::uint64_t sum = 0;
      std::vector<std::int64_t> even(20), odd(20), want_even(20), want_odd(20);
      for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t weight = w == nullptr ? 1 : w[i];
        sum += weight * static_cast<std::uint64_t>(distances[i] * 65536.0F);
        auto& to = i % 2 == 0 ? want_even : want_odd;
        for (std::size_t k = 0; k < 4; ++k) {
          to[4 * static_cast<std::size_t>(labels[i]) + k] +=
              static_cast<std::int64_t>(weight) * fixed[4 * i + k];
        }
      }
      const auto& kernels = clustering_kernels();
      EXPECT_EQ(kernels.sum_distances(distances.data(), w, count, 65536), sum) << count;
      kernels.tally(labels.data(), fixed.data(), w, count, even.data(), odd.data());
      EXPECT_EQ(even, want_even);
      EXPECT_EQ(odd, want_odd);
    }
  }
}

TEST_P(AnalysisKernels, DistancesAreLoweredAndKept) {
  for (const std::size_t count : {std::size_t{5}, std::size_t{100}, kPointBlock}) {
    const auto x = floats(count, 0, 100), y = floats(count, -60, 60), z = floats(count, -60, 60);
    const auto before = floats(count, 0, 5000);
    const std::array<float, 3> centre = {50, 1, -7};
    for (const bool first : {false, true}) {
      for (const bool keep : {false, true}) {
        auto stored = before;
        std::uint64_t sum = 0;
        std::vector<float> want = before;
        for (std::size_t i = 0; i < count; ++i) {
          float lowered = distance(x, y, z, i, centre);
          if (!first && before[i] < lowered) lowered = before[i];
          sum += static_cast<std::uint64_t>(lowered * 1024.0F);
          if (keep) want[i] = lowered;
        }
        EXPECT_EQ(clustering_kernels().lower(x.data(), y.data(), z.data(), nullptr, count, centre,
                                             1024, first, keep, stored.data()),
                  sum);
        EXPECT_EQ(stored, want);
      }
    }
  }
}

TEST_P(AnalysisKernels, BlocksOfEveryWidthDifferByTheirSum) {
  constexpr int kStride = 71, kHeight = 5;
  std::vector<std::uint8_t> current(kStride * (kHeight + 1)), previous(current.size());
  for (auto& v : current) v = static_cast<std::uint8_t>(below(256));
  for (auto& v : previous) v = static_cast<std::uint8_t>(below(2) == 0 ? 255 : below(256));
  for (int width = 1; width < 70; ++width) {
    const int fx = below(17), fy = below(17);
    const std::array<int, 4> w = {(16 - fx) * (16 - fy), fx * (16 - fy), (16 - fx) * fy, fx * fy};
    std::uint32_t sum = 0;
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < width; ++x) {
        const auto p = [&](int dx, int dy) {
          return int{previous[static_cast<std::size_t>((y + dy) * kStride + x + dx)]};
        };
        const int moved =
            (p(0, 0) * w[0] + p(1, 0) * w[1] + p(0, 1) * w[2] + p(1, 1) * w[3] + 128) >> 8;
        sum += static_cast<std::uint32_t>(
            std::abs(current[static_cast<std::size_t>(y * kStride + x)] - moved));
      }
    }
    ASSERT_EQ(
        block_difference(current.data(), kStride, previous.data(), kStride, width, kHeight, w), sum)
        << width;
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, AnalysisKernels, every_level(), level_name);

}  // namespace
}  // namespace semcodec::cpu
