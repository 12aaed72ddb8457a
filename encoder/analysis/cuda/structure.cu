// See structure_cuda.h. Sums run in the order of structure.cpp without fused multiply-add
// (--fmad=false), so the results equal the CPU's bit for bit.

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/cuda/launch.cuh"
#include "encoder/analysis/cuda/structure_cuda.h"

namespace semcodec::cuda {
namespace {

// One block of threads thins a tile. Smoothing looks kReach pixels further on each side, and the
// second derivatives one more, so the map is read once and the lines are written once.
constexpr int kReach = 4;
constexpr int kHalo = kReach + 1;
constexpr int kTileWidth = 32, kTileHeight = 8;
constexpr int kFade = 5;
constexpr int kMaxDimension = 16384;

void check(cudaError_t status, const char* doing) {
  if (status != cudaSuccess) {
    throw Error(ErrorKind::device, std::string("CUDA failed while ") + doing +
                                       " for the structure plane: " + cudaGetErrorString(status) +
                                       ".");
  }
}

__device__ float value_of(float v) { return v; }
__device__ float value_of(__half v) { return __half2float(v); }
__device__ float value_of(__nv_bfloat16 v) { return __bfloat162float(v); }

__device__ int clamped(int v, int size) { return min(max(v, 0), size - 1); }

__device__ float triangle(int k) {
  const int height = kReach + 1 - abs(k);
  return static_cast<float>(height) / static_cast<float>((kReach + 1) * (kReach + 1));
}

template <typename T>
__global__ void thin_kernel(const T* map, int width, int height, float floor, float* out) {
  constexpr int kRows = kTileHeight + 2 * kHalo, kColumns = kTileWidth + 2 * kHalo;
  constexpr int kWide = kTileWidth + 2, kHigh = kTileHeight + 2;
  __shared__ float tile[kRows][kColumns + 1], across[kRows][kWide + 1], smooth[kHigh][kWide + 1];
  const int left = blockIdx.x * kTileWidth, top = blockIdx.y * kTileHeight;
  const int thread = threadIdx.y * kTileWidth + threadIdx.x;
  constexpr int kThreads = kTileWidth * kTileHeight;
  for (int i = thread; i < kRows * kColumns; i += kThreads) {
    const int y = clamped(top - kHalo + i / kColumns, height);
    const int x = clamped(left - kHalo + i % kColumns, width);
    tile[i / kColumns][i % kColumns] =
        value_of(map[static_cast<std::size_t>(y) * width + static_cast<std::size_t>(x)]);
  }
  __syncthreads();
  for (int i = thread; i < kRows * kWide; i += kThreads) {
    float sum = 0;
    for (int k = -kReach; k <= kReach; ++k) {
      sum += triangle(k) * tile[i / kWide][i % kWide + kReach + k];
    }
    across[i / kWide][i % kWide] = sum;
  }
  __syncthreads();
  for (int i = thread; i < kHigh * kWide; i += kThreads) {
    float sum = 0;
    for (int k = -kReach; k <= kReach; ++k) {
      sum += triangle(k) * across[i / kWide + kReach + k][i % kWide];
    }
    smooth[i / kWide][i % kWide] = sum;
  }
  __syncthreads();
  const int x = left + threadIdx.x, y = top + threadIdx.y;
  if (x >= width || y >= height) return;
  const int row = threadIdx.y + 1, column = threadIdx.x + 1;  // in `smooth`
  const auto strength_at = [&](int dy, int dx) {
    return tile[row + kReach + dy][column + kReach + dx];
  };
  const float strength = strength_at(0, 0);
  float kept = 0;
  if (strength >= floor && strength > 0) {
    const int before_x = x > 0 ? -1 : 0, after_x = x + 1 < width ? 1 : 0;
    const int before_y = y > 0 ? -1 : 0, after_y = y + 1 < height ? 1 : 0;
    const float here = smooth[row][column];
    const float xx = smooth[row][column + after_x] - 2 * here + smooth[row][column + before_x];
    const float yy = smooth[row + after_y][column] - 2 * here + smooth[row + before_y][column];
    const bool steep = xx < yy;
    const float before = steep ? strength_at(0, before_x) : strength_at(before_y, 0);
    const float after = steep ? strength_at(0, after_x) : strength_at(after_y, 0);
    const bool first = steep ? x == 0 : y == 0;
    const bool last = steep ? x == width - 1 : y == height - 1;
    if ((first || !(strength < before)) && (last || !(strength <= after))) {
      const int border = min(min(x, y), min(width - 1 - x, height - 1 - y));
      kept = border >= kFade ? strength
                             : strength * static_cast<float>(border) / static_cast<float>(kFade);
    }
  }
  out[static_cast<std::size_t>(y) * width + static_cast<std::size_t>(x)] = kept;
}

template <typename T>
__global__ void widen_kernel(const T* map, std::size_t count, float* out) {
  const std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i < count) out[i] = value_of(map[i]);
}

/// A thread a cell: cells are small, and the mean is summed in the CPU's order.
__global__ void pool_kernel(const float* lines, int width, int height, int columns, int rows,
                            bool highest, float* out) {
  const int cell = blockIdx.x * blockDim.x + threadIdx.x;
  if (cell >= columns * rows) return;
  const int cx = cell % columns, cy = cell / columns;
  const int top = height * cy / rows, bottom = height * (cy + 1) / rows;
  const int left = width * cx / columns, right = width * (cx + 1) / columns;
  float most = 0, sum = 0;
  for (int y = top; y < bottom; ++y) {
    for (int x = left; x < right; ++x) {
      const float v = lines[static_cast<std::size_t>(y) * width + static_cast<std::size_t>(x)];
      most = fmaxf(most, v);
      sum += v;
    }
  }
  out[cell] = highest ? most : sum / static_cast<float>((bottom - top) * (right - left));
}

class Buffer {
 public:
  explicit Buffer(std::size_t bytes) { check(cudaMalloc(&memory_, bytes), "taking memory"); }
  ~Buffer() { cudaFree(memory_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  template <typename T>
  T* as() const {
    return static_cast<T*>(memory_);
  }

 private:
  void* memory_ = nullptr;
};

template <typename T>
void run_lines(const EdgeMapView& map, bool thin, float floor, float* out) {
  const std::size_t count =
      static_cast<std::size_t>(map.width) * static_cast<std::size_t>(map.height);
  const Buffer input(count * sizeof(T));
  check(cudaMemcpy(input.as<T>(), map.values, count * sizeof(T), cudaMemcpyDefault),
        "copying the map");
  if (thin) {
    const dim3 blocks((map.width + kTileWidth - 1) / kTileWidth,
                      (map.height + kTileHeight - 1) / kTileHeight);
    check(launch(thin_kernel<T>, blocks, dim3(kTileWidth, kTileHeight), 0, nullptr, input.as<T>(),
                 map.width, map.height, floor, out),
          "thinning");
  } else {
    check(launch(widen_kernel<T>, static_cast<unsigned>((count + 255) / 256), 256, 0, nullptr,
                 input.as<T>(), count, out),
          "thinning");
  }
  check(cudaDeviceSynchronize(), "thinning");  // before `input` goes
}

void lines_of(const EdgeMapView& map, bool thin, float floor, float* out) {
  require(map.values != nullptr && map.width > 0 && map.height > 0 && map.width <= kMaxDimension &&
              map.height <= kMaxDimension,
          ErrorKind::usage,
          "The edge map to analyse is empty or larger than " + std::to_string(kMaxDimension) +
              " pixels.");
  switch (map.precision) {
    case Precision::float32:
      return run_lines<float>(map, thin, floor, out);
    case Precision::float16:
      return run_lines<__half>(map, thin, floor, out);
    case Precision::bfloat16:
      return run_lines<__nv_bfloat16>(map, thin, floor, out);
  }
}

std::size_t area(int width, int height) {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
}

std::vector<float> fetched(const Buffer& buffer, std::size_t count) {
  std::vector<float> values(count);
  check(
      cudaMemcpy(values.data(), buffer.as<float>(), count * sizeof(float), cudaMemcpyDeviceToHost),
      "fetching the result");
  return values;
}

}  // namespace

bool structure_available(std::string* reason) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count > 0) return true;
  if (reason != nullptr) {
    *reason = status == cudaSuccess ? "no CUDA device" : cudaGetErrorString(status);
  }
  return false;
}

std::vector<float> thin_edges(const EdgeMapView& map, float floor) {
  require(map.width > 0 && map.height > 0, ErrorKind::usage, "The edge map to analyse is empty.");
  const Buffer lines(area(map.width, map.height) * sizeof(float));
  lines_of(map, true, floor, lines.as<float>());
  return fetched(lines, area(map.width, map.height));
}

std::vector<float> pool_cells(const EdgeMapView& map, bool thin, float floor, int columns, int rows,
                              Pooling pooling) {
  require(columns > 0 && rows > 0 && columns <= map.width && rows <= map.height, ErrorKind::usage,
          "The structure plane must have at least one cell and at most one a pixel.");
  const Buffer lines(area(map.width, map.height) * sizeof(float));
  lines_of(map, thin, floor, lines.as<float>());
  const std::size_t cells = area(columns, rows);
  const Buffer pooled(cells * sizeof(float));
  check(launch(pool_kernel, static_cast<unsigned>((cells + 127) / 128), 128, 0, nullptr,
               lines.as<float>(), map.width, map.height, columns, rows, pooling == Pooling::max,
               pooled.as<float>()),
        "pooling");
  return fetched(pooled, cells);
}

}  // namespace semcodec::cuda
