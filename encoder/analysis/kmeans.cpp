#include "encoder/analysis/kmeans.h"

#include <algorithm>
#include <barrier>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <thread>
#include <utility>

#include "encoder/analysis/clones.h"
#include "encoder/analysis/kmeans_engine.h"

// CMake compiles this file with -ffp-contract=off; see the header.

namespace semcodec {
namespace kmeans_detail {

constexpr std::size_t kLanes = 32;    ///< points a kernel works on at a time
constexpr std::size_t kBlock = 1024;  ///< points a partial sum of distances covers

// Sixteen points a register where there are such; the compiler makes several of it elsewhere.
using FloatLanes = float __attribute__((vector_size(64)));
using IntLanes = std::int32_t __attribute__((vector_size(64)));
constexpr std::size_t kVector = sizeof(FloatLanes) / sizeof(float);
constexpr std::size_t kVectors = kLanes / kVector;

/// Labels and squared distances of `count` points (a multiple of kLanes). Points, labels and
/// distances of a step stay in registers while the centres go by.
SEMCODEC_CLONES void assign_points(const float* __restrict x, const float* __restrict y,
                                   const float* __restrict z, std::size_t count,
                                   const Centre* __restrict centres, int clusters,
                                   std::int32_t* __restrict labels, float* __restrict distances) {
  for (std::size_t i = 0; i < count; i += kLanes) {
    FloatLanes px[kVectors], py[kVectors], pz[kVectors], best[kVectors];
    IntLanes label[kVectors] = {};
    for (std::size_t k = 0; k < kVectors; ++k) {
      std::memcpy(&px[k], x + i + k * kVector, sizeof px[k]);
      std::memcpy(&py[k], y + i + k * kVector, sizeof py[k]);
      std::memcpy(&pz[k], z + i + k * kVector, sizeof pz[k]);
      best[k] = FloatLanes{} + std::numeric_limits<float>::infinity();
    }
    for (int c = 0; c < clusters; ++c) {
      const float cx = centres[c][0], cy = centres[c][1], cz = centres[c][2];
      const IntLanes here = IntLanes{} + c;
      for (std::size_t k = 0; k < kVectors; ++k) {
        const FloatLanes dx = px[k] - cx, dy = py[k] - cy, dz = pz[k] - cz;
        const FloatLanes d = (dx * dx + dy * dy) + dz * dz;
        label[k] = d < best[k] ? here : label[k];
        best[k] = d < best[k] ? d : best[k];
      }
    }
    std::memcpy(labels + i, label, sizeof label);
    std::memcpy(distances + i, best, sizeof best);
  }
}

using FourInts = std::int32_t __attribute__((vector_size(16)));
using FourLongs = std::int64_t __attribute__((vector_size(32)));

/// Adds x, y, z, 1 of each point (`fixed`) to the sums of its label. Neighbours often have the same
/// label, so two sets of sums take turns: an addition need not wait for the one before it.
SEMCODEC_CLONES void tally_points(const std::int32_t* __restrict labels,
                                  const std::int32_t* __restrict fixed,
                                  const std::uint16_t* __restrict weights, std::size_t count,
                                  std::int64_t* __restrict even, std::int64_t* __restrict odd) {
  for (std::size_t i = 0; i < count; ++i) {
    FourInts point;
    FourLongs sum;
    std::int64_t* to = (i % 2 == 0 ? even : odd) + 4 * labels[i];
    std::memcpy(&point, fixed + 4 * i, sizeof point);
    std::memcpy(&sum, to, sizeof sum);
    const FourLongs wide = __builtin_convertvector(point, FourLongs);
    sum += weights == nullptr ? wide : wide * std::int64_t{weights[i]};
    std::memcpy(to, &sum, sizeof sum);
  }
}

/// The sum of fixed-point distances, weighted if there are weights.
SEMCODEC_CLONES std::int64_t sum_distances(const float* distances, const std::uint16_t* weights,
                                           std::size_t count, float scale) {
  std::int64_t sum = 0;
  if (weights == nullptr) {
    for (std::size_t i = 0; i < count; ++i) sum += static_cast<std::int32_t>(distances[i] * scale);
  } else {
    for (std::size_t i = 0; i < count; ++i) {
      sum += std::int64_t{static_cast<std::int32_t>(distances[i] * scale)} * weights[i];
    }
  }
  return sum;
}

/// One block: distances from `centre`, lowered by the stored ones unless `first`; stored again if
/// `keep`. Returns the sum of fixed-point distances, weighted if there are weights.
SEMCODEC_CLONES std::uint64_t lower_block(const float* x, const float* y, const float* z,
                                          const std::uint16_t* weights, std::size_t count,
                                          const Centre& centre, float scale, bool first, bool keep,
                                          float* distances) {
  const float cx = centre[0], cy = centre[1], cz = centre[2];
  float lowered[kBlock];
  for (std::size_t i = 0; i < count; ++i) {
    const float dx = x[i] - cx, dy = y[i] - cy, dz = z[i] - cz;
    lowered[i] = (dx * dx + dy * dy) + dz * dz;
  }
  if (!first) {
    for (std::size_t i = 0; i < count; ++i) {
      lowered[i] = lowered[i] < distances[i] ? lowered[i] : distances[i];
    }
  }
  if (keep) std::copy(lowered, lowered + count, distances);
  return static_cast<std::uint64_t>(sum_distances(lowered, weights, count, scale));
}

namespace {

/// A fixed team of threads that runs one job at a time on all members.
class Team {
 public:
  explicit Team(std::size_t size) : size_(size), gate_(static_cast<std::ptrdiff_t>(size)) {
    for (std::size_t part = 1; part < size; ++part) {
      threads_.emplace_back([this, part] {
        for (;;) {
          gate_.arrive_and_wait();  // a job is there
          if (job_ == nullptr) return;
          (*job_)(part);
          gate_.arrive_and_wait();  // the job is done
        }
      });
    }
  }
  ~Team() {
    job_ = nullptr;
    if (size_ > 1) gate_.arrive_and_wait();
    for (std::thread& thread : threads_) thread.join();
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  std::size_t size() const { return size_; }

  void run(const std::function<void(std::size_t)>& job) {
    if (size_ == 1) return job(0);
    job_ = &job;
    gate_.arrive_and_wait();
    job(0);
    gate_.arrive_and_wait();
  }

 private:
  std::size_t size_;
  std::barrier<> gate_;
  const std::function<void(std::size_t)>* job_ = nullptr;
  std::vector<std::thread> threads_;
};

/// Threads pay from about half a million distances an iteration.
std::size_t team_size(std::size_t points, std::size_t clusters, int wanted) {
  const std::size_t useful = points * clusters >> 19;
  const std::size_t most = wanted > 0
                               ? static_cast<std::size_t>(wanted)
                               : std::max<std::size_t>(1, std::thread::hardware_concurrency());
  return std::clamp<std::size_t>(useful, 1, std::min<std::size_t>(most, 64));
}

struct FreeAligned {
  void operator()(void* memory) const { ::operator delete (memory, std::align_val_t{64}); }
};
template <typename T>
using Aligned = std::unique_ptr<T[], FreeAligned>;

template <typename T>
Aligned<T> make_aligned(std::size_t count) {
  return Aligned<T>(static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{64})));
}

class CpuEngine final : public Engine {
 public:
  CpuEngine(const PointSet& points, const FixedScale& scale, std::size_t team)
      : points_(points),
        scale_(scale),
        count_(points.size()),
        padded_((count_ + kLanes - 1) / kLanes * kLanes),
        x_(pad(points.x)),
        y_(pad(points.y)),
        z_(pad(points.z)),
        labels_(make_aligned<std::int32_t>(padded_)),
        distances_(make_aligned<float>(padded_)),
        fixed_(make_aligned<std::int32_t>(4 * count_)),
        team_(team) {
    for (std::size_t i = 0; i < count_; ++i) {
      fixed_[4 * i] = static_cast<std::int32_t>(std::lrint(x_[i] * scale.position));
      fixed_[4 * i + 1] = static_cast<std::int32_t>(std::lrint(y_[i] * scale.position));
      fixed_[4 * i + 2] = static_cast<std::int32_t>(std::lrint(z_[i] * scale.position));
      fixed_[4 * i + 3] = 1;
    }
  }

  Tally assign(const std::vector<Centre>& centres) override {
    std::vector<Tally> parts(team_.size());
    team_.run([&](std::size_t part) {
      const auto [begin, end] = range(part);
      parts[part] = assign_range(begin, end, centres);
    });
    for (std::size_t part = 1; part < parts.size(); ++part) {
      for (std::size_t i = 0; i < parts[0].sums.size(); ++i) {
        parts[0].sums[i] += parts[part].sums[i];
      }
      parts[0].inertia += parts[part].inertia;
    }
    return std::move(parts[0]);
  }

  std::uint64_t lower(const Centre& centre, bool first) override {
    return sweep(centre, first, true);
  }

  std::uint64_t potential(const Centre& candidate) override {
    return sweep(candidate, false, false);
  }

  std::size_t pick(std::uint64_t target) override {
    std::size_t block = 0;
    while (target >= block_sums_[block]) target -= block_sums_[block++];
    std::size_t i = block * kBlock;
    for (;; ++i) {
      const std::uint64_t share = fixed_distance(i) * weight(i);
      if (target < share) return i;
      target -= share;
    }
  }

  Farthest farthest() override {
    Farthest far;
    for (std::size_t i = 0; i < count_; ++i) {
      const auto distance = static_cast<std::uint32_t>(fixed_distance(i));
      if (distance > far.distance && weight(i) > 0) far = {i, distance};
    }
    return far;
  }

  std::vector<std::uint8_t> labels() override {
    std::vector<std::uint8_t> bytes(count_);
    for (std::size_t i = 0; i < count_; ++i) bytes[i] = static_cast<std::uint8_t>(labels_[i]);
    return bytes;
  }

 private:
  Aligned<float> pad(const std::vector<float>& values) const {
    Aligned<float> copy = make_aligned<float>(padded_);
    std::copy(values.begin(), values.end(), copy.get());
    std::fill(copy.get() + count_, copy.get() + padded_, 0.0F);
    return copy;
  }

  std::uint64_t weight(std::size_t i) const {
    return points_.weights.empty() ? 1 : points_.weights[i];
  }
  std::uint64_t fixed_distance(std::size_t i) const {
    return static_cast<std::uint64_t>(static_cast<std::int32_t>(distances_[i] * scale_.distance));
  }

  /// A thread's share of the points, in whole blocks.
  std::pair<std::size_t, std::size_t> range(std::size_t part) const {
    const std::size_t blocks = (count_ + kBlock - 1) / kBlock;
    return {std::min(count_, blocks * part / team_.size() * kBlock),
            std::min(count_, blocks * (part + 1) / team_.size() * kBlock)};
  }

  Tally assign_range(std::size_t begin, std::size_t end, const std::vector<Centre>& centres) {
    Tally tally;
    tally.sums.assign(4 * centres.size(), 0);
    std::vector<std::int64_t> odd(tally.sums.size());
    for (std::size_t at = begin; at < end; at += kBlock) {  // stays in the first-level cache
      const std::size_t stop = std::min(at + kBlock, end);
      const std::size_t lanes = (stop - at + kLanes - 1) / kLanes * kLanes;
      assign_points(x_.get() + at, y_.get() + at, z_.get() + at, lanes, centres.data(),
                    static_cast<int>(centres.size()), labels_.get() + at, distances_.get() + at);
      const std::uint16_t* weights =
          points_.weights.empty() ? nullptr : points_.weights.data() + at;
      tally_points(labels_.get() + at, fixed_.get() + 4 * at, weights, stop - at, tally.sums.data(),
                   odd.data());
      tally.inertia += static_cast<std::uint64_t>(
          sum_distances(distances_.get() + at, weights, stop - at, scale_.distance));
    }
    for (std::size_t i = 0; i < odd.size(); ++i) tally.sums[i] += odd[i];
    return tally;
  }

  std::uint64_t sweep(const Centre& centre, bool first, bool keep) {
    const std::size_t blocks = (count_ + kBlock - 1) / kBlock;
    std::vector<std::uint64_t> sums(blocks);
    // One thread: a sweep is over before others would have woken up.
    for (std::size_t at = 0; at < count_; at += kBlock) {
      sums[at / kBlock] =
          lower_block(x_.get() + at, y_.get() + at, z_.get() + at,
                      points_.weights.empty() ? nullptr : points_.weights.data() + at,
                      std::min(kBlock, count_ - at), centre, scale_.distance, first, keep,
                      distances_.get() + at);
    }
    std::uint64_t total = 0;
    for (const std::uint64_t sum : sums) total += sum;
    if (keep) block_sums_ = std::move(sums);
    return total;
  }

  const PointSet& points_;
  FixedScale scale_;
  std::size_t count_, padded_;
  Aligned<float> x_, y_, z_;
  Aligned<std::int32_t> labels_;
  Aligned<float> distances_;
  Aligned<std::int32_t> fixed_;  ///< x, y, z, 1 of each point, fixed point
  std::vector<std::uint64_t> block_sums_;
  Team team_;
};

}  // namespace
}  // namespace kmeans_detail

using kmeans_detail::CpuEngine;

std::vector<Centre> seed_centres(const PointSet& points, int clusters, Random& random) {
  kmeans_detail::validate(points, {}, clusters);
  CpuEngine engine(points, kmeans_detail::fixed_scale(points, {}), 1);
  return kmeans_detail::seed(engine, points, clusters, random);
}

KMeansResult kmeans(const PointSet& points, const KMeansOptions& options) {
  kmeans_detail::validate(points, {}, options.clusters);
  const auto scale = kmeans_detail::fixed_scale(points, {});
  CpuEngine engine(points, scale,
                   kmeans_detail::team_size(
                       points.size(), static_cast<std::size_t>(options.clusters), options.threads));
  Random random(options.seed);
  std::vector<Centre> start = kmeans_detail::seed(engine, points, options.clusters, random);
  return kmeans_detail::iterate(engine, points, scale, std::move(start), options);
}

KMeansResult kmeans_from(const PointSet& points, std::vector<Centre> start,
                         const KMeansOptions& options) {
  kmeans_detail::validate(points, start,
                          static_cast<int>(std::min<std::size_t>(start.size(), 1000)));
  const auto scale = kmeans_detail::fixed_scale(points, start);
  CpuEngine engine(points, scale,
                   kmeans_detail::team_size(points.size(), start.size(), options.threads));
  return kmeans_detail::iterate(engine, points, scale, std::move(start), options);
}

}  // namespace semcodec
