#include "encoder/analysis/kmeans_engine.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "common/core/error.h"

namespace semcodec::kmeans_detail {
namespace {

/// Candidates tried for every further centre (the algorithm's candidate set C); the one that
/// leaves the smallest sum of distances is taken.
constexpr int kCandidates = 3;

constexpr float kLargest = 1e6F;

Centre point_at(const PointSet& points, std::size_t i) {
  return {points.x[i], points.y[i], points.z[i]};
}

/// Index of a random point, by weight.
std::size_t random_point(const PointSet& points, Random& random) {
  if (points.weights.empty()) return static_cast<std::size_t>(random.below(points.size()));
  std::uint64_t total = 0;
  for (const std::uint16_t w : points.weights) total += w;
  std::uint64_t rest = random.below(total);
  std::size_t i = 0;
  while (rest >= points.weights[i]) rest -= points.weights[i++];
  return i;
}

double squared_distance(const Centre& a, const Centre& b) {
  double sum = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    const double d = static_cast<double>(a[c]) - static_cast<double>(b[c]);
    sum += d * d;
  }
  return sum;
}

}  // namespace

void validate(const PointSet& points, const std::vector<Centre>& start, int clusters) {
  const std::size_t n = points.size();
  require(n > 0 && n <= kMaxPoints, ErrorKind::usage,
          "k-means needs 1 to " + std::to_string(kMaxPoints) + " points, not " + std::to_string(n) +
              ".");
  require(points.y.size() == n && points.z.size() == n &&
              (points.weights.empty() || points.weights.size() == n),
          ErrorKind::usage, "The coordinates and weights of the k-means points differ in length.");
  require(clusters >= 1 && clusters <= kMaxClusters, ErrorKind::usage,
          "k-means takes 1 to " + std::to_string(kMaxClusters) + " clusters, not " +
              std::to_string(clusters) + ".");
  // Written so that NaN fails.
  const auto sound = [](float v) { return std::fabs(v) <= kLargest; };
  const auto all_sound = [&](const std::vector<float>& values) {
    return std::all_of(values.begin(), values.end(), sound);
  };
  require(all_sound(points.x) && all_sound(points.y) && all_sound(points.z), ErrorKind::usage,
          "A k-means point is not finite or beyond 1e6.");
  for (const Centre& centre : start) {
    require(std::all_of(centre.begin(), centre.end(), sound), ErrorKind::usage,
            "A k-means starting centre is not finite or beyond 1e6.");
  }
  if (!points.weights.empty()) {
    std::uint64_t total = 0;
    for (const std::uint16_t w : points.weights) total += w;
    require(
        total > 0 && total <= (std::uint64_t{1} << 32), ErrorKind::usage,
        "The k-means weights sum up to " + std::to_string(total) + "; the sum must be 1 to 2^32.");
  }
}

FixedScale fixed_scale(const PointSet& points, const std::vector<Centre>& start) {
  float largest = 1e-6F;
  for (const auto* values : {&points.x, &points.y, &points.z}) {
    for (const float v : *values) largest = std::max(largest, std::fabs(v));
  }
  for (const Centre& centre : start) {
    for (const float v : centre) largest = std::max(largest, std::fabs(v));
  }
  const int exponent = std::ilogb(largest) + 1;  // largest < 2^exponent
  // A squared distance is below 12 · 4^exponent < 2^(2·exponent + 4).
  return {std::ldexp(1.0F, 20 - exponent), std::ldexp(1.0F, 27 - 2 * exponent)};
}

std::vector<Centre> seed(Engine& engine, const PointSet& points, int clusters, Random& random) {
  std::vector<Centre> centres;
  centres.reserve(static_cast<std::size_t>(clusters));
  centres.push_back(point_at(points, random_point(points, random)));
  std::uint64_t total = engine.lower(centres[0], true);
  while (centres.size() < static_cast<std::size_t>(clusters)) {
    if (total == 0) {  // every point sits on a centre
      centres.push_back(centres[0]);
      continue;
    }
    Centre best{};
    std::uint64_t best_total = ~std::uint64_t{0};
    for (int i = 0; i < kCandidates; ++i) {
      const Centre candidate = point_at(points, engine.pick(random.below(total)));
      const std::uint64_t left = engine.potential(candidate);
      if (left < best_total) {
        best_total = left;
        best = candidate;
      }
    }
    centres.push_back(best);
    total = engine.lower(best, false);
  }
  return centres;
}

KMeansResult iterate(Engine& engine, const PointSet& points, const FixedScale& scale,
                     std::vector<Centre> centres, const KMeansOptions& options) {
  KMeansResult result;
  Tally tally = engine.assign(centres);
  const double limit = static_cast<double>(options.epsilon) * static_cast<double>(options.epsilon);
  while (result.iterations < options.max_iterations) {
    double moved = 0;
    for (std::size_t c = 0; c < centres.size(); ++c) {
      const std::int64_t* sums = tally.sums.data() + 4 * c;
      Centre updated = centres[c];
      if (sums[3] > 0) {
        for (std::size_t i = 0; i < 3; ++i) {
          updated[i] =
              static_cast<float>(static_cast<double>(sums[i]) / static_cast<double>(sums[3]) /
                                 static_cast<double>(scale.position));
        }
      } else if (const Farthest far = engine.farthest(); far.distance > 0) {
        updated = point_at(points, far.point);
        engine.lower(updated, false);
      }
      moved = std::max(moved, squared_distance(updated, centres[c]));
      centres[c] = updated;
    }
    ++result.iterations;
    tally = engine.assign(centres);
    if (moved <= limit) break;
  }
  result.labels = engine.labels();
  result.inertia = static_cast<double>(tally.inertia) / static_cast<double>(scale.distance);
  for (std::size_t c = 0; c < centres.size(); ++c) {
    result.counts.push_back(static_cast<std::uint64_t>(tally.sums[4 * c + 3]));
  }
  result.centres = std::move(centres);
  return result;
}

}  // namespace semcodec::kmeans_detail
