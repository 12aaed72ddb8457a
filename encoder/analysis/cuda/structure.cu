// See structure_cuda.h. Sums run in the order of structure.cpp without fused multiply-add
// (--fmad=false), so the results equal the CPU's bit for bit.

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/cuda/launch.cuh"
#include "encoder/analysis/cuda/device_memory.cuh"
#include "encoder/analysis/cuda/structure_cuda.h"

namespace semcodec::cuda {
namespace {

// One block of threads thins a tile. Smoothing looks kReach pixels further on each side, and the
// second derivatives one more, so the map is read once and the lines are written once. A thread
// smooths kAcross neighbours in a row and then kDown in a column, so that what it reads of shared
// memory serves several of them; the numbers are such that each takes the block one round.
constexpr int kReach = 4;
constexpr int kHalo = kReach + 1;
constexpr int kTileWidth = 32, kTileHeight = 32;
constexpr int kThreadRows = 8;
constexpr int kAcross = 6, kDown = 5;
constexpr int kDecay = 5;
constexpr int kMaxDimension = 16384;

__device__ float value_of(float v) { return v; }
__device__ float value_of(__half v) { return __half2float(v); }
__device__ float value_of(__nv_bfloat16 v) { return __bfloat162float(v); }

__device__ int clamped(int v, int size) { return min(max(v, 0), size - 1); }

__device__ float triangle(int k) {
  const int height = kReach + 1 - abs(k);
  return static_cast<float>(height) / static_cast<float>((kReach + 1) * (kReach + 1));
}

/// Smooths N neighbours, of which the first has its first tap at from[0] and each next one `step`
/// further.
template <int N>
__device__ void smooth_run(const float* from, int step, float (&sums)[N]) {
  float values[N + 2 * kReach];
#pragma unroll
  for (int i = 0; i < N + 2 * kReach; ++i) values[i] = from[i * step];
#pragma unroll
  for (int i = 0; i < N; ++i) {
    float sum = 0;
#pragma unroll
    for (int k = -kReach; k <= kReach; ++k) sum += triangle(k) * values[i + kReach + k];
    sums[i] = sum;
  }
}

template <typename T>
__global__ void __launch_bounds__(kTileWidth* kThreadRows)
    thin_kernel(const T* map, int width, int height, float floor, float* out) {
  constexpr int kThreads = kTileWidth * kThreadRows;
  constexpr int kRows = kTileHeight + 2 * kHalo;                  // of the tile and what is around
  constexpr int kHigh = kTileHeight + 2, kWide = kTileWidth + 2;  // of what is smoothed
  constexpr int kRuns = (kWide + kAcross - 1) / kAcross, kStacks = (kHigh + kDown - 1) / kDown;
  constexpr int kColumns = kRuns * kAcross + 2 * kReach;
  static_assert(kRows * kRuns <= kThreads && kWide * kStacks <= kThreads);
  static_assert(kStacks * kDown + 2 * kReach <= kRows + kDown);
  // Rows that a stack's end may look at beyond the last one are there, but nobody's result.
  constexpr int kAcrossRows = kStacks * kDown + 2 * kReach;
  __shared__ float tile[kRows][kColumns + 1];
  __shared__ float across[kAcrossRows][kRuns * kAcross + 1];
  __shared__ float smooth[kStacks * kDown][kWide + 1];
  const int left = blockIdx.x * kTileWidth, top = blockIdx.y * kTileHeight;
  const int thread = threadIdx.y * kTileWidth + threadIdx.x;
  for (int i = thread; i < kRows * kColumns; i += kThreads) {
    const int y = clamped(top - kHalo + i / kColumns, height);
    const int x = clamped(left - kHalo + i % kColumns, width);
    tile[i / kColumns][i % kColumns] =
        value_of(map[static_cast<std::size_t>(y) * width + static_cast<std::size_t>(x)]);
  }
  for (int i = thread; i < (kAcrossRows - kRows) * kWide; i += kThreads) {
    across[kRows + i / kWide][i % kWide] = 0;
  }
  __syncthreads();
  if (thread < kRows * kRuns) {
    const int row = thread / kRuns, column = thread % kRuns * kAcross;
    float sums[kAcross];
    smooth_run(&tile[row][column], 1, sums);
#pragma unroll
    for (int i = 0; i < kAcross; ++i) across[row][column + i] = sums[i];
  }
  __syncthreads();
  if (thread < kWide * kStacks) {
    const int row = thread / kWide * kDown, column = thread % kWide;
    float sums[kDown];
    smooth_run(&across[row][column], kRuns * kAcross + 1, sums);
#pragma unroll
    for (int i = 0; i < kDown; ++i) smooth[row + i][column] = sums[i];
  }
  __syncthreads();
  const int x = left + threadIdx.x;
  if (x >= width) return;
  for (int line = threadIdx.y; line < kTileHeight; line += kThreadRows) {
    const int y = top + line;
    if (y >= height) return;
    const int row = line + 1, column = threadIdx.x + 1;  // in `smooth`
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
        kept = border >= kDecay
                   ? strength
                   : strength * static_cast<float>(border) / static_cast<float>(kDecay);
      }
    }
    out[static_cast<std::size_t>(y) * width + static_cast<std::size_t>(x)] = kept;
  }
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

std::size_t area(int width, int height) {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
}

}  // namespace

struct StructureDevice::State {
  explicit State(int number) : device(number) {
    activate();
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "preparing a stream");
  }
  ~State() {
    cudaSetDevice(device);
    cudaStreamSynchronize(stream);
    cudaFreeHost(landing);
    cudaStreamDestroy(stream);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void activate() const { check(cudaSetDevice(device), "choosing the GPU"); }

  template <typename T>
  void launch_lines_of(const T* map, const EdgeMapView& view, bool thin, float floor) {
    const std::size_t count = area(view.width, view.height);
    if (thin) {
      const dim3 blocks((view.width + kTileWidth - 1) / kTileWidth,
                        (view.height + kTileHeight - 1) / kTileHeight);
      check(launch(thin_kernel<T>, blocks, dim3(kTileWidth, kThreadRows), 0, stream, map,
                   view.width, view.height, floor, lines.get()),
            "thinning edges");
    } else {
      check(launch(widen_kernel<T>, static_cast<unsigned>((count + 255) / 256), 256, 0, stream, map,
                   count, lines.get()),
            "reading edges");
    }
  }

  /// Queues what makes `lines`. A map in the host's memory is copied first.
  void launch_lines(const EdgeMapView& view, bool thin, float floor) {
    const bool wide = view.precision == Precision::float32;
    const void* map = view.values;
    if (!view.on_device) {
      const std::size_t bytes = area(view.width, view.height) * (wide ? 4 : 2);
      input.reserve(bytes);
      check(cudaMemcpyAsync(input.get(), map, bytes, cudaMemcpyHostToDevice, stream),
            "copying edges to the GPU");
      map = input.get();
    }
    lines.reserve(area(view.width, view.height));
    if (wide) return launch_lines_of(static_cast<const float*>(map), view, thin, floor);
    if (view.precision == Precision::float16) {
      return launch_lines_of(static_cast<const __half*>(map), view, thin, floor);
    }
    launch_lines_of(static_cast<const __nv_bfloat16*>(map), view, thin, floor);
  }

  void launch_pooling(const EdgeMapView& view, int columns, int rows, Pooling pooling) {
    const std::size_t count = area(columns, rows);
    cells.reserve(count);
    check(
        launch(pool_kernel, static_cast<unsigned>((count + 127) / 128), 128, 0, stream, lines.get(),
               view.width, view.height, columns, rows, pooling == Pooling::max, cells.get()),
        "pooling edges");
  }

  /// Waits for the stream's work and what `from` holds by then.
  std::vector<float> fetch(const DeviceMemory<float>& from, std::size_t count) {
    if (count > landing_room) {
      cudaFreeHost(landing);
      landing = nullptr;
      landing_room = 0;
      check(cudaMallocHost(reinterpret_cast<void**>(&landing), count * sizeof(float)),
            "taking page-locked memory");
      landing_room = count;
    }
    check(
        cudaMemcpyAsync(landing, from.get(), count * sizeof(float), cudaMemcpyDeviceToHost, stream),
        "copying lines from the GPU");
    check(cudaStreamSynchronize(stream), "thinning edges");
    return {landing, landing + count};
  }

  int device;
  cudaStream_t stream{};
  DeviceMemory<unsigned char> input;
  DeviceMemory<float> lines, cells;
  float* landing = nullptr;  ///< page-locked, so that copies do not stop other work
  std::size_t landing_room = 0;
};

namespace {

void check_view(const EdgeMapView& map) {
  require(map.values != nullptr && map.width > 0 && map.height > 0 && map.width <= kMaxDimension &&
              map.height <= kMaxDimension,
          ErrorKind::usage,
          "The edge map to analyse is empty or larger than " + std::to_string(kMaxDimension) +
              " pixels.");
}

void check_cells(const EdgeMapView& map, int columns, int rows) {
  require(columns > 0 && rows > 0 && columns <= map.width && rows <= map.height, ErrorKind::usage,
          "The structure plane must have at least one cell and at most one a pixel.");
}

}  // namespace

bool structure_available(std::string* reason) { return have_device(reason); }

StructureDevice::StructureDevice(int device) {
  std::string reason;
  require(have_device(&reason), ErrorKind::device,
          "Edges cannot be thinned on a GPU: " + reason + "; use --device cpu.");
  state_ = std::make_unique<State>(device);
}

StructureDevice::~StructureDevice() = default;

std::vector<float> StructureDevice::thin_edges(const EdgeMapView& map, float floor) {
  return lines(map, true, floor);
}

std::vector<float> StructureDevice::lines(const EdgeMapView& map, bool thin, float floor) {
  check_view(map);
  state_->activate();
  state_->launch_lines(map, thin, floor);
  return state_->fetch(state_->lines, area(map.width, map.height));
}

std::vector<float> StructureDevice::pool_cells(const EdgeMapView& map, bool thin, float floor,
                                               int columns, int rows, Pooling pooling) {
  check_view(map);
  check_cells(map, columns, rows);
  state_->activate();
  state_->launch_lines(map, thin, floor);
  state_->launch_pooling(map, columns, rows, pooling);
  return state_->fetch(state_->cells, area(columns, rows));
}

StructureDevice::Seconds StructureDevice::time(const EdgeMapView& map, int columns, int rows,
                                               int repeats) {
  check_view(map);
  check_cells(map, columns, rows);
  state_->activate();
  Seconds seconds;
  seconds.thinning =
      device_seconds(state_->stream, repeats, [&] { state_->launch_lines(map, true, 0); });
  seconds.pooling = device_seconds(
      state_->stream, repeats, [&] { state_->launch_pooling(map, columns, rows, Pooling::max); });
  return seconds;
}

}  // namespace semcodec::cuda
