// k-means on the GPU equals k-means on the CPU, bit for bit.

#include <gtest/gtest.h>

#include <string>

#include "common/core/error.h"
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

TEST_F(KMeansCuda, EqualsTheCpu) {
  for (const bool weighted : {false, true}) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{2048}, std::size_t{131072}}) {
      for (const int clusters : {2, 16, 256}) {
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

TEST_F(KMeansCuda, SumsOfManyAndOfHeavyPointsEqualTheCpu) {
  // Millions of points, so that the sums of a block have to be put away half-way; an odd number, so
  // that the last group is not whole; the greatest weights and coordinates of both signs.
  PointSet points = random_points(3000001, false, 5);
  KMeansOptions options;
  options.clusters = 3;
  options.max_iterations = 2;
  expect_same(kmeans(points, options), cuda::kmeans(points, options));
  options.clusters = 200;
  expect_same(kmeans(points, options), cuda::kmeans(points, options));
  PointSet heavy = random_points(50003, true, 6);
  for (std::size_t i = 0; i < heavy.size(); ++i) {
    heavy.weights[i] = i % 7 == 0 ? 1 : 65535;
    if (i % 2 == 0) heavy.x[i] = -9000 - heavy.x[i];
  }
  for (const int clusters : {1, 5, 256}) {
    options.clusters = clusters;
    expect_same(kmeans(heavy, options), cuda::kmeans(heavy, options));
  }
}

TEST_F(KMeansCuda, RefusesNonsense) { EXPECT_THROW(cuda::kmeans({}, {}), Error); }

}  // namespace
}  // namespace semcodec
