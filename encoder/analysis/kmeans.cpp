#include "encoder/analysis/kmeans.h"

#include <algorithm>
#include <barrier>
#include <cmath>
#include <functional>
#include <memory>
#include <new>
#include <thread>
#include <utility>

#include "common/cpu/clustering.h"
#include "encoder/analysis/kmeans_engine.h"

// CMake compiles this file with -ffp-contract=off; see the header.

namespace semcodec {
namespace kmeans_detail {

using cpu::kPointBlock;
using cpu::kPointLanes;

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
        padded_((count_ + kPointLanes - 1) / kPointLanes * kPointLanes),
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
    std::size_t i = block * kPointBlock;
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
    const std::size_t blocks = (count_ + kPointBlock - 1) / kPointBlock;
    return {std::min(count_, blocks * part / team_.size() * kPointBlock),
            std::min(count_, blocks * (part + 1) / team_.size() * kPointBlock)};
  }

  Tally assign_range(std::size_t begin, std::size_t end, const std::vector<Centre>& centres) {
    Tally tally;
    tally.sums.assign(4 * centres.size(), 0);
    std::vector<std::int64_t> odd(tally.sums.size());
    for (std::size_t at = begin; at < end; at += kPointBlock) {  // stays in the first-level cache
      const std::size_t stop = std::min(at + kPointBlock, end);
      const std::size_t lanes = (stop - at + kPointLanes - 1) / kPointLanes * kPointLanes;
      kernels_.assign(x_.get() + at, y_.get() + at, z_.get() + at, lanes, centres.data(),
                      static_cast<int>(centres.size()), labels_.get() + at, distances_.get() + at);
      const std::uint16_t* weights =
          points_.weights.empty() ? nullptr : points_.weights.data() + at;
      kernels_.tally(labels_.get() + at, fixed_.get() + 4 * at, weights, stop - at,
                     tally.sums.data(), odd.data());
      tally.inertia +=
          kernels_.sum_distances(distances_.get() + at, weights, stop - at, scale_.distance);
    }
    for (std::size_t i = 0; i < odd.size(); ++i) tally.sums[i] += odd[i];
    return tally;
  }

  std::uint64_t sweep(const Centre& centre, bool first, bool keep) {
    const std::size_t blocks = (count_ + kPointBlock - 1) / kPointBlock;
    std::vector<std::uint64_t> sums(blocks);
    // One thread: a sweep is over before others would have woken up.
    for (std::size_t at = 0; at < count_; at += kPointBlock) {
      sums[at / kPointBlock] =
          kernels_.lower(x_.get() + at, y_.get() + at, z_.get() + at,
                         points_.weights.empty() ? nullptr : points_.weights.data() + at,
                         std::min(kPointBlock, count_ - at), centre, scale_.distance, first, keep,
                         distances_.get() + at);
    }
    std::uint64_t total = 0;
    for (const std::uint64_t sum : sums) total += sum;
    if (keep) block_sums_ = std::move(sums);
    return total;
  }

  const cpu::ClusteringKernels& kernels_ = cpu::clustering_kernels();
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
