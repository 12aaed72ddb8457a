// CUDA engine of k-means; see kmeans_engine.h for what an engine does.
//
// Distances are rounded as on the CPU (no fused multiply-add: --fmad=false), sums are 64-bit
// integers, so atomics may add them in any order: the results equal the CPU's bit for bit.

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "common/core/error.h"
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
constexpr int kSpan = 1024;  ///< points a partial sum of distances covers (one block of threads)

void check(cudaError_t status, const char* doing) {
  if (status != cudaSuccess) {
    throw Error(ErrorKind::device, std::string("CUDA failed while ") + doing +
                                       " for k-means: " + cudaGetErrorString(status) + ".");
  }
}

struct Points {
  const float* x;
  const float* y;
  const float* z;
  const std::uint16_t* weights;  ///< null: all 1
  std::uint32_t count;
};

__device__ float squared_distance(const Points& p, std::uint32_t i, float cx, float cy, float cz) {
  const float dx = p.x[i] - cx, dy = p.y[i] - cy, dz = p.z[i] - cz;
  return (dx * dx + dy * dy) + dz * dz;
}

__device__ std::uint32_t weight(const Points& p, std::uint32_t i) {
  return p.weights == nullptr ? 1u : p.weights[i];
}

/// `tally` is 4 sums a cluster and, behind them, the inertia. Dynamic shared memory: the same.
__global__ void assign_kernel(Points p, FixedScale scale, const float* centres, int clusters,
                              std::uint8_t* labels, float* distances, Wide* tally) {
  extern __shared__ Wide sums[];
  __shared__ float near[3 * kMaxClusters];
  for (int i = threadIdx.x; i < 3 * clusters; i += blockDim.x) near[i] = centres[i];
  for (int i = threadIdx.x; i <= 4 * clusters; i += blockDim.x) sums[i] = 0;
  __syncthreads();
  for (std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < p.count;
       i += gridDim.x * blockDim.x) {
    int label = 0;
    float best = squared_distance(p, i, near[0], near[1], near[2]);
    for (int c = 1; c < clusters; ++c) {
      const float d = squared_distance(p, i, near[3 * c], near[3 * c + 1], near[3 * c + 2]);
      if (d < best) {
        best = d;
        label = c;
      }
    }
    labels[i] = static_cast<std::uint8_t>(label);
    distances[i] = best;
    const long long w = weight(p, i);
    Wide* own = sums + 4 * label;
    // Two's complement: adding the negative as unsigned is the signed sum.
    atomicAdd(own, static_cast<Wide>(w * __float2int_rn(p.x[i] * scale.position)));
    atomicAdd(own + 1, static_cast<Wide>(w * __float2int_rn(p.y[i] * scale.position)));
    atomicAdd(own + 2, static_cast<Wide>(w * __float2int_rn(p.z[i] * scale.position)));
    atomicAdd(own + 3, static_cast<Wide>(w));
    atomicAdd(sums + 4 * clusters, static_cast<Wide>(w * static_cast<int>(best * scale.distance)));
  }
  __syncthreads();
  for (int i = threadIdx.x; i <= 4 * clusters; i += blockDim.x) {
    if (sums[i] != 0) atomicAdd(tally + i, sums[i]);
  }
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

/// Device memory that frees itself.
template <typename T>
class Buffer {
 public:
  explicit Buffer(std::size_t count) {
    check(cudaMalloc(reinterpret_cast<void**>(&data_), std::max<std::size_t>(count, 1) * sizeof(T)),
          "allocating memory");
  }
  ~Buffer() { cudaFree(data_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  T* get() const { return data_; }
  void upload(const T* from, std::size_t count) {
    check(cudaMemcpy(data_, from, count * sizeof(T), cudaMemcpyHostToDevice), "copying data");
  }
  void download(T* to, std::size_t count, std::size_t offset = 0) const {
    check(cudaMemcpy(to, data_ + offset, count * sizeof(T), cudaMemcpyDeviceToHost),
          "fetching results");
  }
  void clear(std::size_t count) {
    check(cudaMemset(data_, 0, count * sizeof(T)), "clearing memory");
  }

 private:
  T* data_ = nullptr;
};

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
    assign_kernel<<<grid(), kThreads, sums * sizeof(Wide)>>>(
        points_, scale_, centres_.get(), static_cast<int>(centres.size()), labels_.get(),
        distances_.get(), tally_.get());
    check(cudaGetLastError(), "assigning points");
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
    farthest_kernel<<<grid(), kThreads>>>(points_, scale_.distance, distances_.get(), tally_.get());
    check(cudaGetLastError(), "looking for the farthest point");
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

 private:
  int grid() const {
    return static_cast<int>(std::min<std::size_t>((host_.size() + kThreads - 1) / kThreads, 512));
  }

  std::uint64_t sweep(const Centre& c, bool first, bool keep, std::vector<Wide>& sums) {
    lower_kernel<<<static_cast<unsigned>(spans_), kThreads>>>(points_, scale_.distance, c[0], c[1],
                                                              c[2], first, keep, distances_.get(),
                                                              span_sums_.get());
    check(cudaGetLastError(), "measuring distances");
    span_sums_.download(sums.data(), spans_);
    std::uint64_t total = 0;
    for (const Wide sum : sums) total += sum;
    return total;
  }

  const PointSet& host_;
  FixedScale scale_;
  std::size_t spans_;
  Buffer<float> x_, y_, z_;
  Buffer<std::uint16_t> weights_;
  Buffer<std::uint8_t> labels_;
  Buffer<float> distances_;
  Buffer<float> centres_;
  Buffer<Wide> tally_, span_sums_;
  std::vector<Wide> host_sums_;  ///< of the stored distances
  Points points_{};
};

void require_device() {
  std::string reason;
  require(kmeans_available(&reason), ErrorKind::device,
          "k-means cannot run on a GPU: " + reason + ".");
}

}  // namespace

bool kmeans_available(std::string* reason) {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status == cudaSuccess && devices > 0) return true;
  if (reason != nullptr) {
    *reason = status == cudaSuccess ? "no CUDA device was found" : cudaGetErrorString(status);
  }
  return false;
}

KMeansResult kmeans(const PointSet& points, const KMeansOptions& options) {
  kmeans_detail::validate(points, {}, options.clusters);
  require_device();
  const FixedScale scale = kmeans_detail::fixed_scale(points, {});
  CudaEngine engine(points, scale);
  Random random(options.seed);
  std::vector<Centre> start = kmeans_detail::seed(engine, points, options.clusters, random);
  return kmeans_detail::iterate(engine, points, scale, std::move(start), options);
}

KMeansResult kmeans_from(const PointSet& points, std::vector<Centre> start,
                         const KMeansOptions& options) {
  kmeans_detail::validate(points, start,
                          static_cast<int>(std::min<std::size_t>(start.size(), 1000)));
  require_device();
  const FixedScale scale = kmeans_detail::fixed_scale(points, start);
  CudaEngine engine(points, scale);
  return kmeans_detail::iterate(engine, points, scale, std::move(start), options);
}

}  // namespace semcodec::cuda
