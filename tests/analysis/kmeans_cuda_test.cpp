// k-means on the GPU equals k-means on the CPU, bit for bit.

#include <gtest/gtest.h>

#include <string>

#include "common/core/error.h"
#include "common/core/image.h"
#include "encoder/analysis/colour.h"
#include "encoder/analysis/cuda/kmeans_cuda.h"
#include "encoder/analysis/kmeans.h"

namespace semcodec {
namespace {

PointSet random_points(std::size_t count, bool weighted, std::uint64_t seed) {
  Random random(seed);
  PointSet points;
  for (std::size_t i = 0; i < count; ++i) {
    const float base = static_cast<float>(random.below(9)) * 11;
    const auto next = [&] { return base + static_cast<float>(random.below(20001)) / 500 - 20; };
    points.x.push_back(next());
    points.y.push_back(next());
    points.z.push_back(next());
    if (weighted) points.weights.push_back(static_cast<std::uint16_t>(random.below(5)));
  }
  return points;
}

void expect_same(const KMeansResult& a, const KMeansResult& b) {
  EXPECT_EQ(a.centres, b.centres);
  EXPECT_EQ(a.labels, b.labels);
  EXPECT_EQ(a.counts, b.counts);
  EXPECT_EQ(a.inertia, b.inertia);
  EXPECT_EQ(a.iterations, b.iterations);
}

class KMeansCuda : public testing::Test {
 protected:
  void SetUp() override {
    std::string reason;
    if (!cuda::kmeans_available(&reason)) {
      GTEST_SKIP() << "no GPU to test on (" << reason
                   << "); run on a machine with one: ctest -L gpu";
    }
  }
};

// Fewer where the kernels run on the CPU (tests/cuda_on_host), some hundred times as slowly.
#ifdef SEMCODEC_CUDA_ON_HOST
constexpr std::size_t kMany = 2500, kHeavy = 5003, kMillions = 100003;
constexpr int kClusters[] = {2, 16, 40};
#else
constexpr std::size_t kMany = 131072, kHeavy = 50003, kMillions = 12000003;
constexpr int kClusters[] = {2, 16, 256};
#endif

TEST_F(KMeansCuda, EqualsTheCpu) {
  for (const bool weighted : {false, true}) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{2048}, kMany}) {
      for (const int clusters : kClusters) {
        const PointSet points = random_points(count, weighted && count > 1, 3);
        KMeansOptions options;
        options.clusters = clusters;
        options.max_iterations = 6;
        SCOPED_TRACE(std::to_string(count) + " points, " + std::to_string(clusters) + " clusters");
        expect_same(kmeans(points, options), cuda::kmeans(points, options));
      }
    }
  }
}

TEST_F(KMeansCuda, WarmStartAndLostClustersEqualTheCpu) {
  const PointSet points = random_points(5000, false, 8);
  const std::vector<Centre> start = {{0, 0, 0}, {50, 50, 50}, {1000, 0, 0}, {0, 1000, 0}};
  expect_same(kmeans_from(points, start, {}), cuda::kmeans_from(points, start, {}));
}

TEST_F(KMeansCuda, SumsOfHeavyPointsEqualTheCpu) {
  // The greatest weights, and coordinates of both signs.
  PointSet heavy = random_points(kHeavy, true, 6);
  for (std::size_t i = 0; i < heavy.size(); ++i) {
    heavy.weights[i] = i % 7 == 0 ? 1 : 65535;
    if (i % 2 == 0) heavy.x[i] = -9000 - heavy.x[i];
  }
  KMeansOptions options;
  options.max_iterations = 2;
  for (const int clusters : {1, 5, kClusters[2]}) {
    options.clusters = clusters;
    expect_same(kmeans(heavy, options), cuda::kmeans(heavy, options));
  }
}

TEST_F(KMeansCuda, SumsThatArePutAwayHalfWayEqualTheCpu) {
  // So many points that a thread takes nine groups of four and more: with 256 clusters and weights
  // a cell may get 256 points a round, so that 2047 of them are too many after eight. An odd
  // number, so that the last group is not whole.
  const PointSet points = random_points(kMillions, true, 5);
  std::vector<Centre> start;
  for (int i = 0; i < 256; ++i) {
    start.push_back({static_cast<float>(i % 7) * 14, static_cast<float>(i % 11) * 9,
                     static_cast<float>(i) / 3});
  }
  KMeansOptions options;
  options.max_iterations = 1;
  expect_same(kmeans_from(points, start, options), cuda::kmeans_from(points, start, options));
}

TEST_F(KMeansCuda, ColoursOfCodedFramesEqualTheCpus) {
  ColourOptions options;
  options.cell = 4;
  int fresh = 0, from = 0;
  const KMeansReference twin{
      500,
      [&](const PointSet& points, const KMeansOptions& k) {
        ++fresh;
        return cuda::kmeans(points, k);
      },
      [&](const PointSet& points, std::vector<Centre> start, const KMeansOptions& k) {
        ++from;
        return cuda::kmeans_from(points, std::move(start), k);
      }};
  ColourAnalyser here(options), there(options, twin);
  for (const int width : {120, 120, 40}) {  // 900 points, the same again, 300 points
    RgbImage picture(width, 120);
    for (std::size_t i = 0; i < picture.pixels.size(); ++i) {
      picture.pixels[i] = static_cast<std::uint8_t>(i * i / 500 + i % 97);
    }
    const ColourMap wanted = here.analyse(picture), got = there.analyse(picture);
    EXPECT_EQ(wanted.labels.values, got.labels.values);
    EXPECT_EQ(wanted.palette, got.palette);
  }
  EXPECT_EQ(fresh, 1);
  EXPECT_EQ(from, 1);
}

TEST_F(KMeansCuda, TimesWhatItIsAskedFor) {
  const PointSet points = random_points(5000, false, 2);
  EXPECT_GT(cuda::kmeans_assignment_seconds(points, {{0, 0, 0}, {50, 50, 50}}, 1), 0);
#ifndef SEMCODEC_CUDA_ON_HOST
  EXPECT_GT(cuda::kmeans_comparisons_per_second(1), 1e9);
#endif
}

TEST_F(KMeansCuda, RefusesNonsense) { EXPECT_THROW(cuda::kmeans({}, {}), Error); }

}  // namespace
}  // namespace semcodec
