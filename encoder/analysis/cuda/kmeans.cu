// CUDA engine of k-means; see kmeans_engine.h for what an engine does.
//
// Distances are rounded as on the CPU (no fused multiply-add: --fmad=false), sums are 64-bit
// integers, so atomics may add them in any order: the results equal the CPU's bit for bit.

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "common/core/error.h"
#include "common/cuda/launch.cuh"
#include "encoder/analysis/cuda/device_memory.cuh"
#include "encoder/analysis/cuda/kmeans_cuda.h"
#include "encoder/analysis/kmeans_engine.h"

namespace semcodec::cuda {
namespace {

using kmeans_detail::Engine;
using kmeans_detail::Farthest;
using kmeans_detail::FixedScale;
using kmeans_detail::Tally;
using Wide = unsigned long long;  // what CUDA's 64-bit atomics take

constexpr int kThreads = 256;
constexpr int kBlocksPerProcessor = 8;  ///< as many as run at once; they go on in steps of the grid
constexpr int kSpan = 1024;  ///< points a partial sum of distances covers (one block of threads)

struct Points {
  const float* x;
  const float* y;
  const float* z;
  const std::uint16_t* weights;  ///< null: all 1
  std::uint32_t count;
};

__device__ float squared_distance(float x, float y, float z, float cx, float cy, float cz) {
  const float dx = x - cx, dy = y - cy, dz = z - cz;
  return (dx * dx + dy * dy) + dz * dz;
}

__device__ float squared_distance(const Points& p, std::uint32_t i, float cx, float cy, float cz) {
  return squared_distance(p.x[i], p.y[i], p.z[i], cx, cy, cz);
}

__device__ std::uint32_t weight(const Points& p, std::uint32_t i) {
  return p.weights == nullptr ? 1u : p.weights[i];
}

/// The nearest whole number, the even one of two, for |value| <= 2^20: floats from 2^23 to 2^24 are
/// whole numbers, so a sum among them is rounded. Conversions run at an eighth of the rate.
__device__ int nearest(float value) {
  return __float_as_int(value + 12582912.0F) - 0x4B400000;  // 1.5 * 2^23 and its bits
}

// Sums of a cluster in a block are 32-bit integers in shared memory, whose atomics are fast, one
// column for each lane, so that lanes do not wait for each other. Without weights: x, y, z, count.
// With weights (16 bits) a product of 36 bits is two sums: of its low 16 bits, and of the rest.
template <bool kWeighted>
constexpr int kCells = kWeighted ? 7 : 4;
/// Whatever a point adds to a cell is at most 2^20 in size (kmeans_engine.h), so that many fit.
constexpr int kPointsPerCell = (1 << 11) - 1;
constexpr int kGroup = 4;  ///< points a thread takes at a time

/// Columns with which so many cells fit the shared memory that every kernel may have.
int columns_for(int cells) {
  int columns = 32;
  while (cells * columns * 4 > 32 * 1024) columns /= 2;
  return columns;
}

template <bool kWeighted>
__device__ void add_point(int* cells, int columns, int x, int y, int z, int w) {
  const auto add = [&](int cell, int value) { atomicAdd(cells + cell * columns, value); };
  if (!kWeighted) {
    add(0, x);
    add(1, y);
    add(2, z);
    add(3, 1);
    return;
  }
  const int position[3] = {x, y, z};
  for (int k = 0; k < 3; ++k) {
    const long long product = static_cast<long long>(position[k]) * w;
    add(2 * k, static_cast<int>(product & 0xffff));
    add(2 * k + 1, static_cast<int>(product >> 16));  // rounds down: low + 2^16 · high is exact
  }
  add(6, w);
}

/// Adds the block's cells to `tally` and sets them to zero. All threads of the block take part.
template <bool kWeighted>
__device__ void flush(int* cells, int columns, int clusters, Wide* tally) {
  __syncthreads();
  for (int i = threadIdx.x; i < clusters * kCells<kWeighted>; i += blockDim.x) {
    long long sum = 0;
    for (int k = 0; k < columns; ++k) {
      int* cell = cells + i * columns + (k + i) % columns;  // neighbours use different banks
      sum += *cell;
      *cell = 0;
    }
    if (sum == 0) continue;
    const int cluster = i / kCells<kWeighted>, cell = i % kCells<kWeighted>;
    const int which = kWeighted ? cell / 2 : cell;
    if (kWeighted && cell % 2 == 1) sum *= 1 << 16;
    // Two's complement: adding the negative as unsigned is the signed sum.
    atomicAdd(tally + 4 * cluster + which, static_cast<Wide>(sum));
  }
  __syncthreads();
}

/// Four values from `from` + i, zeros beyond `count`.
__device__ float4 four(const float* from, std::uint32_t i, std::uint32_t count) {
  if (i + 3 < count) return *reinterpret_cast<const float4*>(from + i);
  return make_float4(i < count ? from[i] : 0, i + 1 < count ? from[i + 1] : 0,
                     i + 2 < count ? from[i + 2] : 0, 0);
}

/// `tally` is 4 sums a cluster and, behind them, the inertia. Dynamic shared memory: the cells.
template <bool kWeighted>
__global__ void __launch_bounds__(kThreads)
    assign_kernel(Points p, FixedScale scale, const float* centres, int clusters, int columns,
                  std::uint8_t* labels, float* distances, Wide* tally) {
  int* cells = dynamic_shared<int>();
  __shared__ float4 near[kMaxClusters];
  for (int i = threadIdx.x; i < clusters; i += blockDim.x) {
    near[i] = make_float4(centres[3 * i], centres[3 * i + 1], centres[3 * i + 2], 0);
  }
  for (int i = threadIdx.x; i < clusters * kCells<kWeighted> * columns; i += blockDim.x) {
    cells[i] = 0;
  }
  __syncthreads();
  Wide inertia = 0;
  // Points that a cell may have got by now.
  const int step = kThreads / columns * kGroup;
  int filled = 0;
  const std::uint32_t groups = (p.count + kGroup - 1) / kGroup, stride = gridDim.x * kThreads;
  // The same number of rounds for all threads of a block: flush() needs them all.
  for (std::uint32_t first = blockIdx.x * kThreads; first < groups; first += stride) {
    if (filled + step > kPointsPerCell) {
      flush<kWeighted>(cells, columns, clusters, tally);
      filled = 0;
    }
    filled += step;
    const std::uint32_t i = (first + threadIdx.x) * kGroup;
    if (i >= p.count) continue;
    const float4 x4 = four(p.x, i, p.count), y4 = four(p.y, i, p.count), z4 = four(p.z, i, p.count);
    const float x[kGroup] = {x4.x, x4.y, x4.z, x4.w}, y[kGroup] = {y4.x, y4.y, y4.z, y4.w},
                z[kGroup] = {z4.x, z4.y, z4.z, z4.w};
    int label[kGroup] = {};
    float best[kGroup];
    for (int k = 0; k < kGroup; ++k) {
      best[k] = squared_distance(x[k], y[k], z[k], near[0].x, near[0].y, near[0].z);
    }
    for (int c = 1; c < clusters; ++c) {
      const float4 centre = near[c];
#pragma unroll
      for (int k = 0; k < kGroup; ++k) {
        const float d = squared_distance(x[k], y[k], z[k], centre.x, centre.y, centre.z);
        if (d < best[k]) {
          best[k] = d;
          label[k] = c;
        }
      }
    }
    const bool whole = i + kGroup <= p.count;
    if (whole) {
      *reinterpret_cast<uchar4*>(labels + i) =
          make_uchar4(static_cast<unsigned char>(label[0]), static_cast<unsigned char>(label[1]),
                      static_cast<unsigned char>(label[2]), static_cast<unsigned char>(label[3]));
      *reinterpret_cast<float4*>(distances + i) = make_float4(best[0], best[1], best[2], best[3]);
    }
#pragma unroll
    for (int k = 0; k < kGroup; ++k) {
      if (i + k >= p.count) break;
      if (!whole) {
        labels[i + k] = static_cast<std::uint8_t>(label[k]);
        distances[i + k] = best[k];
      }
      const int w = kWeighted ? p.weights[i + k] : 1;
      inertia += static_cast<Wide>(static_cast<int>(best[k] * scale.distance)) * w;
      add_point<kWeighted>(cells + label[k] * kCells<kWeighted> * columns + threadIdx.x % columns,
                           columns, nearest(x[k] * scale.position), nearest(y[k] * scale.position),
                           nearest(z[k] * scale.position), w);
    }
  }
  flush<kWeighted>(cells, columns, clusters, tally);
  for (int half = 16; half > 0; half /= 2) inertia += __shfl_down_sync(0xffffffffU, inertia, half);
  if (threadIdx.x % 32 == 0 && inertia != 0) atomicAdd(tally + 4 * clusters, inertia);
}

/// What an assignment does for each point and centre, and little else: points and centres stay in
/// registers.
constexpr int kCeilingCentres = 8;
__global__ void __launch_bounds__(kThreads) comparison_kernel(int rounds, float step, float* out) {
  float x[kGroup], y[kGroup], z[kGroup], best[kGroup];
  float3 centres[kCeilingCentres];
  const float begin = step * static_cast<float>(threadIdx.x);
  for (int c = 0; c < kCeilingCentres; ++c) {
    const float at = begin * static_cast<float>(c + 1);
    centres[c] = make_float3(at, at + step, at - step);
  }
  int label[kGroup];
  for (int k = 0; k < kGroup; ++k) {
    x[k] = y[k] = z[k] = begin + static_cast<float>(k);
    best[k] = 1e30F;
    label[k] = 0;
  }
  for (int round = 0; round < rounds; ++round) {
#pragma unroll
    for (int c = 0; c < kCeilingCentres; ++c) {
#pragma unroll
      for (int k = 0; k < kGroup; ++k) {
        const float d =
            squared_distance(x[k], y[k], z[k], centres[c].x, centres[c].y, centres[c].z);
        if (d < best[k]) {
          best[k] = d;
          label[k] = c;
        }
      }
    }
    // Else all rounds would be the same work, done once.
#pragma unroll
    for (int k = 0; k < kGroup; ++k) x[k] += step;
  }
  float sum = 0;
  for (int k = 0; k < kGroup; ++k) sum += best[k] + static_cast<float>(label[k]);
  out[blockIdx.x * kThreads + threadIdx.x] = sum;
}

/// One block of threads sums one span of points.
__global__ void lower_kernel(Points p, float scale, float cx, float cy, float cz, bool first,
                             bool keep, float* distances, Wide* span_sums) {
  __shared__ Wide sums[kThreads];
  Wide sum = 0;
  for (int k = threadIdx.x; k < kSpan; k += kThreads) {
    const std::uint32_t i = blockIdx.x * kSpan + k;
    if (i >= p.count) break;
    float d = squared_distance(p, i, cx, cy, cz);
    if (!first && !(d < distances[i])) d = distances[i];
    if (keep) distances[i] = d;
    sum += static_cast<Wide>(static_cast<int>(d * scale)) * weight(p, i);
  }
  sums[threadIdx.x] = sum;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (static_cast<int>(threadIdx.x) < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) span_sums[blockIdx.x] = sums[0];
}

/// Greatest distance in the high half, complement of the index in the low half.
__global__ void farthest_kernel(Points p, float scale, const float* distances, Wide* result) {
  Wide best = 0;
  for (std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < p.count;
       i += gridDim.x * blockDim.x) {
    if (weight(p, i) == 0) continue;
    const Wide d = static_cast<std::uint32_t>(static_cast<int>(distances[i] * scale));
    const Wide key = d << 32 | (0xFFFFFFFFu - i);
    best = key > best ? key : best;
  }
  atomicMax(result, best);
}

std::size_t resident_blocks() {
  int device = 0, processors = 0;
  check(cudaGetDevice(&device), "looking at the GPU");
  check(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device),
        "looking at the GPU");
  return static_cast<std::size_t>(processors) * kBlocksPerProcessor;
}

class CudaEngine final : public Engine {
 public:
  CudaEngine(const PointSet& points, const FixedScale& scale)
      : host_(points),
        scale_(scale),
        spans_((points.size() + kSpan - 1) / kSpan),
        x_(points.size()),
        y_(points.size()),
        z_(points.size()),
        weights_(points.weights.size()),
        labels_(points.size()),
        distances_(points.size()),
        centres_(3 * kMaxClusters),
        tally_(4 * kMaxClusters + 1),
        span_sums_(spans_) {
    x_.upload(points.x.data(), points.size());
    y_.upload(points.y.data(), points.size());
    z_.upload(points.z.data(), points.size());
    if (!points.weights.empty()) weights_.upload(points.weights.data(), points.weights.size());
    points_ = {x_.get(), y_.get(), z_.get(), points.weights.empty() ? nullptr : weights_.get(),
               static_cast<std::uint32_t>(points.size())};
  }

  Tally assign(const std::vector<Centre>& centres) override {
    const std::size_t sums = 4 * centres.size() + 1;
    centres_.upload(centres.front().data(), 3 * centres.size());
    tally_.clear(sums);
    launch_assignment(static_cast<int>(centres.size()));
    std::vector<Wide> host(sums);
    tally_.download(host.data(), sums);
    Tally tally;
    tally.sums.resize(4 * centres.size());
    for (std::size_t i = 0; i < tally.sums.size(); ++i) {
      tally.sums[i] = static_cast<std::int64_t>(host[i]);
    }
    tally.inertia = host.back();
    return tally;
  }

  std::uint64_t lower(const Centre& centre, bool first) override {
    host_sums_.resize(spans_);
    return sweep(centre, first, true, host_sums_);
  }

  std::uint64_t potential(const Centre& candidate) override {
    std::vector<Wide> sums(spans_);
    return sweep(candidate, false, false, sums);
  }

  std::size_t pick(std::uint64_t target) override {
    std::size_t span = 0;
    while (target >= host_sums_[span]) target -= host_sums_[span++];
    const std::size_t begin = span * kSpan;
    const std::size_t count = std::min<std::size_t>(kSpan, host_.size() - begin);
    std::vector<float> distances(count);
    distances_.download(distances.data(), count, begin);
    for (std::size_t i = 0;; ++i) {
      const std::uint64_t w = host_.weights.empty() ? 1 : host_.weights[begin + i];
      const std::uint64_t share =
          static_cast<std::uint64_t>(static_cast<std::int32_t>(distances[i] * scale_.distance)) * w;
      if (target < share) return begin + i;
      target -= share;
    }
  }

  Farthest farthest() override {
    tally_.clear(1);
    check(launch(farthest_kernel, grid(), kThreads, 0, nullptr, points_, scale_.distance,
                 distances_.get(), tally_.get()),
          "looking for k-means' farthest point");
    Wide key = 0;
    tally_.download(&key, 1);
    if (key >> 32 == 0) return {};
    return {0xFFFFFFFFu - static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
  }

  std::vector<std::uint8_t> labels() override {
    std::vector<std::uint8_t> host(host_.size());
    labels_.download(host.data(), host.size());
    return host;
  }

  /// Seconds that the device takes for one assignment, of `repeats` in a row.
  double assignment_seconds(const std::vector<Centre>& centres, int repeats) {
    centres_.upload(centres.front().data(), 3 * centres.size());
    const auto clusters = static_cast<int>(centres.size());
    return device_seconds(nullptr, repeats, [&] { launch_assignment(clusters); });
  }

 private:
  int grid() const {
    return static_cast<int>(std::min((host_.size() + kThreads - 1) / kThreads, most_blocks_));
  }

  /// With the centres that were uploaded; adds to tally_.
  void launch_assignment(int clusters) {
    const bool weighted = points_.weights != nullptr;
    const int cells = clusters * (weighted ? kCells<true> : kCells<false>);
    const int columns = columns_for(cells);
    const std::size_t groups = (host_.size() + kGroup - 1) / kGroup;
    const auto blocks =
        static_cast<unsigned>(std::min((groups + kThreads - 1) / kThreads, most_blocks_));
    const auto kernel = weighted ? assign_kernel<true> : assign_kernel<false>;
    const std::size_t shared = static_cast<std::size_t>(cells) * columns * sizeof(int);
    check(launch(kernel, blocks, kThreads, shared, nullptr, points_, scale_, centres_.get(),
                 clusters, columns, labels_.get(), distances_.get(), tally_.get()),
          "assigning points to k-means' centres");
  }

  std::uint64_t sweep(const Centre& c, bool first, bool keep, std::vector<Wide>& sums) {
    check(
        launch(lower_kernel, static_cast<unsigned>(spans_), kThreads, 0, nullptr, points_,
               scale_.distance, c[0], c[1], c[2], first, keep, distances_.get(), span_sums_.get()),
        "measuring distances for k-means");
    span_sums_.download(sums.data(), spans_);
    std::uint64_t total = 0;
    for (const Wide sum : sums) total += sum;
    return total;
  }

  const PointSet& host_;
  FixedScale scale_;
  std::size_t spans_;
  std::size_t most_blocks_ = resident_blocks();
  DeviceMemory<float> x_, y_, z_;
  DeviceMemory<std::uint16_t> weights_;
  DeviceMemory<std::uint8_t> labels_;
  DeviceMemory<float> distances_;
  DeviceMemory<float> centres_;
  DeviceMemory<Wide> tally_, span_sums_;
  std::vector<Wide> host_sums_;  ///< of the stored distances
  Points points_{};
};

void require_device() {
  std::string reason;
  require(kmeans_available(&reason), ErrorKind::device,
          "k-means cannot run on a GPU: " + reason + ".");
}

}  // namespace

bool kmeans_available(std::string* reason) { return have_device(reason); }

KMeansResult kmeans(const PointSet& points, const KMeansOptions& options, int device) {
  kmeans_detail::validate(points, {}, options.clusters);
  require_device();
  check(cudaSetDevice(device), "choosing the GPU");
  const FixedScale scale = kmeans_detail::fixed_scale(points, {});
  CudaEngine engine(points, scale);
  Random random(options.seed);
  std::vector<Centre> start = kmeans_detail::seed(engine, points, options.clusters, random);
  return kmeans_detail::iterate(engine, points, scale, std::move(start), options);
}

KMeansResult kmeans_from(const PointSet& points, std::vector<Centre> start,
                         const KMeansOptions& options, int device) {
  kmeans_detail::validate(points, start,
                          static_cast<int>(std::min<std::size_t>(start.size(), 1000)));
  require_device();
  check(cudaSetDevice(device), "choosing the GPU");
  const FixedScale scale = kmeans_detail::fixed_scale(points, start);
  CudaEngine engine(points, scale);
  return kmeans_detail::iterate(engine, points, scale, std::move(start), options);
}

double kmeans_comparisons_per_second(int repeats) {
  require_device();
  constexpr int kRounds = 1000;
  const unsigned blocks = static_cast<unsigned>(resident_blocks());
  const std::size_t threads = std::size_t{blocks} * kThreads;
  const DeviceMemory<float> out(threads);
  const double seconds = device_seconds(nullptr, repeats, [&] {
    check(launch(comparison_kernel, blocks, kThreads, 0, nullptr, kRounds, 0.001F, out.get()),
          "comparing distances");
  });
  return static_cast<double>(threads) * kGroup * kCeilingCentres * kRounds / seconds;
}

double kmeans_assignment_seconds(const PointSet& points, const std::vector<Centre>& centres,
                                 int repeats) {
  kmeans_detail::validate(points, centres,
                          static_cast<int>(std::min<std::size_t>(centres.size(), 1000)));
  require_device();
  CudaEngine engine(points, kmeans_detail::fixed_scale(points, centres));
  return engine.assignment_seconds(centres, repeats);
}

}  // namespace semcodec::cuda
