// k-means: seeding by Algorithm 1, convergence, identity of warm-started clusters, determinism,
// degenerate inputs; inertia against OpenCV's.

#include "encoder/analysis/kmeans.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <opencv2/core.hpp>

#include "common/core/error.h"

namespace semcodec {
namespace {

float uniform(Random& random, float low, float high) {
  return low + (high - low) * static_cast<float>(random.below(1 << 20)) / 1048576.0F;
}

/// `blobs` clouds of points with different sizes and spreads, in a Lab-like range.
PointSet clouds(std::size_t count, int blobs, std::uint64_t seed) {
  Random random(seed);
  std::vector<Centre> at;
  for (int i = 0; i < blobs; ++i) {
    at.push_back({uniform(random, 0, 100), uniform(random, -60, 60), uniform(random, -60, 60)});
  }
  PointSet points;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t blob = random.below(random.below(static_cast<std::uint64_t>(blobs)) + 1);
    const float spread = 2.0F + static_cast<float>(blob % 5);
    points.x.push_back(at[blob][0] + uniform(random, -spread, spread));
    points.y.push_back(at[blob][1] + uniform(random, -spread, spread));
    points.z.push_back(at[blob][2] + uniform(random, -spread, spread));
  }
  return points;
}

double squared_distance(const PointSet& points, std::size_t i, const Centre& c) {
  return std::pow(double{points.x[i]} - double{c[0]}, 2) +
         std::pow(double{points.y[i]} - double{c[1]}, 2) +
         std::pow(double{points.z[i]} - double{c[2]}, 2);
}

TEST(KMeansSeeding, FollowsTheSquaredDistance) {
  // Three places: 8 points at 0, one at 1, one at 2. After a first centre at 0 (probability 8/10)
  // a draw gives the place at 2 with probability 4/5. The best of three draws is kept: choosing 2
  // leaves 1 of the sum, choosing 1 leaves 1 too, the earlier draw wins the tie, so 4/5 stays.
  PointSet points;
  for (const float x : {0.F, 0.F, 0.F, 0.F, 0.F, 0.F, 0.F, 0.F, 1.F, 2.F}) {
    points.x.push_back(x);
    points.y.push_back(0);
    points.z.push_back(0);
  }
  int first_at_zero = 0, then_at_two = 0;
  constexpr int kRuns = 4000;
  for (int run = 0; run < kRuns; ++run) {
    Random random(static_cast<std::uint64_t>(run));
    const auto centres = seed_centres(points, 2, random);
    ASSERT_EQ(centres.size(), 2U);
    if (centres[0][0] == 0) {
      ++first_at_zero;
      EXPECT_NE(centres[1][0], 0) << "a point on a centre must never be drawn";
      if (centres[1][0] == 2) ++then_at_two;
    }
  }
  EXPECT_NEAR(first_at_zero / double{kRuns}, 0.8, 0.03);  // 4.7 standard deviations
  EXPECT_NEAR(then_at_two / static_cast<double>(first_at_zero), 0.8, 0.035);
}

TEST(KMeansSeeding, WeightsAct) {
  PointSet points;
  points.x = {0, 1, 2};
  points.y = points.z = {0, 0, 0};
  points.weights = {1, 0, 3};
  int at_two = 0;
  for (std::uint64_t run = 0; run < 2000; ++run) {
    Random random(run);
    const auto centres = seed_centres(points, 1, random);
    EXPECT_NE(centres[0][0], 1) << "a point without weight must never be drawn";
    at_two += centres[0][0] == 2 ? 1 : 0;
  }
  EXPECT_NEAR(at_two / 2000.0, 0.75, 0.045);
}

TEST(KMeans, LabelsCentresAndInertiaAgree) {
  const PointSet points = clouds(3000, 12, 5);
  KMeansOptions options;
  options.clusters = 10;
  options.max_iterations = 200;
  options.epsilon = 0;
  const KMeansResult result = kmeans(points, options);
  ASSERT_EQ(result.labels.size(), points.size());
  ASSERT_EQ(result.centres.size(), 10U);
  double inertia = 0;
  std::vector<Centre> sums(10);
  std::vector<std::uint64_t> counts(10);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::size_t label = result.labels[i];
    const double own = squared_distance(points, i, result.centres[label]);
    for (const Centre& centre : result.centres) {
      EXPECT_LE(own, squared_distance(points, i, centre) + 1e-3);
    }
    inertia += own;
    ++counts[label];
  }
  EXPECT_NEAR(result.inertia / inertia, 1.0, 1e-4);
  EXPECT_EQ(result.counts, counts);
  // Converged: every centre is the mean of its members.
  for (std::size_t c = 0; c < 10; ++c) {
    std::array<double, 3> sum{};
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (result.labels[i] != c) continue;
      sum[0] += double{points.x[i]};
      sum[1] += double{points.y[i]};
      sum[2] += double{points.z[i]};
    }
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_NEAR(sum[k] / static_cast<double>(counts[c]), double{result.centres[c][k]}, 1e-3);
    }
  }
}

TEST(KMeans, AsGoodAsOpenCv) {
  double ours = 0, theirs = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const PointSet points = clouds(4096, 30, seed);
    KMeansOptions options;
    options.max_iterations = 30;
    options.epsilon = 0;
    options.seed = seed;
    ours += kmeans(points, options).inertia;
    cv::Mat samples(static_cast<int>(points.size()), 3, CV_32F);
    for (std::size_t i = 0; i < points.size(); ++i) {
      float* row = samples.ptr<float>(static_cast<int>(i));
      row[0] = points.x[i];
      row[1] = points.y[i];
      row[2] = points.z[i];
    }
    cv::setRNGSeed(static_cast<int>(seed));
    cv::Mat labels;
    theirs += cv::kmeans(samples, 16, labels, cv::TermCriteria(cv::TermCriteria::COUNT, 30, 0), 1,
                         cv::KMEANS_PP_CENTERS);
  }
  RecordProperty("inertia_ratio", std::to_string(ours / theirs));
  EXPECT_LT(ours / theirs, 1.02);
}

TEST(KMeans, SameAnswerForEveryNumberOfThreads) {
  const PointSet points = clouds(100000, 40, 9);
  KMeansOptions options;
  options.clusters = 32;
  options.max_iterations = 8;
  options.threads = 1;
  const KMeansResult one = kmeans(points, options);
  for (const int threads : {2, 3, 7}) {
    options.threads = threads;
    const KMeansResult more = kmeans(points, options);
    EXPECT_EQ(one.labels, more.labels);
    EXPECT_EQ(one.centres, more.centres);
    EXPECT_EQ(one.inertia, more.inertia);
  }
}

TEST(KMeans, WeightsEqualRepetition) {
  PointSet weighted = clouds(500, 6, 3);
  PointSet repeated;
  Random random(4);
  for (std::size_t i = 0; i < weighted.size(); ++i) {
    const auto weight = static_cast<std::uint16_t>(random.below(4));
    weighted.weights.push_back(weight);
    for (int k = 0; k < weight; ++k) {
      repeated.x.push_back(weighted.x[i]);
      repeated.y.push_back(weighted.y[i]);
      repeated.z.push_back(weighted.z[i]);
    }
  }
  const std::vector<Centre> start = {{10, 0, 0}, {50, 20, 20}, {80, -20, -20}, {40, -40, 30}};
  const KMeansResult a = kmeans_from(weighted, start, {});
  const KMeansResult b = kmeans_from(repeated, start, {});
  EXPECT_EQ(a.centres, b.centres);
  EXPECT_EQ(a.counts, b.counts);
  EXPECT_EQ(a.inertia, b.inertia);
}

TEST(KMeans, WarmStartKeepsIdentity) {
  PointSet points = clouds(4000, 8, 11);
  KMeansOptions options;
  options.clusters = 8;
  const KMeansResult before = kmeans(points, options);
  for (float& v : points.x) v += 1.5F;  // the light changes a little
  const KMeansResult after = kmeans_from(points, before.centres, options);
  int same = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    same += before.labels[i] == after.labels[i] ? 1 : 0;
  }
  EXPECT_GT(same, 3950);
  for (std::size_t c = 0; c < 8; ++c) {
    EXPECT_NEAR(after.centres[c][0] - before.centres[c][0], 1.5F, 0.5F);
  }
}

TEST(KMeans, LostClusterRestartsAtTheFarthestPoint) {
  PointSet points;
  for (int i = 0; i < 10; ++i) {
    points.x.push_back(static_cast<float>(i % 2));
    points.y.push_back(0);
    points.z.push_back(0);
  }
  points.x.push_back(50);
  points.y.push_back(0);
  points.z.push_back(0);
  const KMeansResult result = kmeans_from(points, {{0, 0, 0}, {1, 0, 0}, {0, 900, 0}}, {});
  EXPECT_EQ(result.centres[2], (Centre{50, 0, 0}));
  EXPECT_EQ(result.counts, (std::vector<std::uint64_t>{5, 5, 1}));
  EXPECT_EQ(result.inertia, 0);
}

TEST(KMeans, FewerDistinctPointsThanClusters) {
  PointSet points;
  for (int i = 0; i < 100; ++i) {
    points.x.push_back(i % 2 == 0 ? 0.1F : 0.7F);
    points.y.push_back(0.3F);
    points.z.push_back(-0.9F);
  }
  KMeansOptions options;
  options.clusters = 5;
  const KMeansResult result = kmeans(points, options);
  EXPECT_EQ(std::count(result.counts.begin(), result.counts.end(), 50U), 2);
  EXPECT_EQ(std::count(result.counts.begin(), result.counts.end(), 0U), 3);
  EXPECT_NEAR(result.inertia, 0, 1e-6);
}

TEST(KMeans, OnePoint) {
  PointSet points;
  points.x = {7};
  points.y = {8};
  points.z = {9};
  KMeansOptions options;
  options.clusters = 3;
  const KMeansResult result = kmeans(points, options);
  EXPECT_EQ(result.labels, std::vector<std::uint8_t>{0});
  EXPECT_EQ(result.centres[0], (Centre{7, 8, 9}));
}

TEST(KMeans, RefusesNonsense) {
  PointSet points = clouds(10, 2, 1);
  KMeansOptions options;
  EXPECT_THROW(kmeans({}, options), Error);
  options.clusters = 0;
  EXPECT_THROW(kmeans(points, options), Error);
  options.clusters = 257;
  EXPECT_THROW(kmeans(points, options), Error);
  options.clusters = 2;
  EXPECT_THROW(kmeans_from(points, {}, options), Error);
  points.y.pop_back();
  EXPECT_THROW(kmeans(points, options), Error);
  points.y.push_back(std::numeric_limits<float>::quiet_NaN());
  EXPECT_THROW(kmeans(points, options), Error);
  points.y.back() = 0;
  points.weights.assign(points.size(), 0);
  EXPECT_THROW(kmeans(points, options), Error);
}

}  // namespace
}  // namespace semcodec
