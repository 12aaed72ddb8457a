#pragma once
// The correlation layer on the GPU (correlation.h). 2 · C operations for each of (2s+1)² results a
// pixel and few bytes: bound by multiply-adds, so values are shared in registers and shared memory.
//
// Pixels whose columns, and rows, differ by a multiple of the stride look at the same lattice of b
// ("k" counts along it); the others are other blocks' work. A block takes kRows x kPositions pixels
// of one lattice, kSpan displacements down and I across. A thread has kRun neighbouring pixels of a
// row, one displacement down and all I across: kRun · I sums in registers, for which a channel
// costs kRun + (kRun + I - 1) reads. Channels come in chunks; while one block waits
// for its chunk, another one of the same processor computes.

#include <cuda_runtime.h>

#include "common/cuda/launch.cuh"
#include "models/kernels/flow_kernels.cuh"

namespace semcodec::kernels {

namespace tile {
constexpr int kRows = 4;   ///< rows of pixels a block, one for each quarter of a warp
constexpr int kLanes = 8;  ///< threads along a row
constexpr int kRun = 4;    ///< pixels a thread
constexpr int kSpan = 7;   ///< displacements down a block, one a warp
constexpr int kPositions = kLanes * kRun;
constexpr int kBlock = kRows * kLanes * kSpan;
constexpr int kLookRows = kRows + kSpan - 1;  ///< rows of b that are looked at
constexpr int kUnits = 2;                     ///< 16-byte units of channels a chunk

/// Place of lattice column k in a row of shared memory. A gap after every fourth lets the eight
/// lanes of a row, four columns apart, read from different banks.
__host__ __device__ constexpr int padded(int k) { return k + k / kRun; }
}  // namespace tile

/// Channels in a unit of 16 bytes of the arithmetic type.
template <typename T>
constexpr int kUnit = 16 / sizeof(Arithmetic<T>);

/// A unit of one pixel's channels, zeros beyond the last.
template <typename T>
__device__ Pack<T, kUnit<T>> read_unit(const T* pixel, int channel, int channels, bool vectors) {
  constexpr int V = kUnit<T>;
  Pack<T, V> unit = {};
  if (vectors) {
    if (channel < channels) unit = *reinterpret_cast<const Pack<T, V>*>(pixel + channel);
  } else {
#pragma unroll
    for (int i = 0; i < V; ++i) {
      if (channel + i < channels) unit.values[i] = pixel[channel + i];
    }
  }
  return unit;
}

/// Which part of the result a block makes; counts of each, from the outermost.
struct CorrelationGrid {
  int chunks_down, chunks_across;  ///< of displacements
  int tiles_y, tiles_x;            ///< of a lattice
};

template <typename T, int I>
__global__ void __launch_bounds__(tile::kBlock, sizeof(Arithmetic<T>) == 4 ? 2 : 1)
    correlation_forward(const T* __restrict__ a, const T* __restrict__ b, T* __restrict__ out,
                        PictureShape s, int steps, int stride, CorrelationGrid grid, bool vectors) {
  using namespace tile;
  using A = Arithmetic<T>;
  constexpr int V = kUnit<T>;
  using Unit = Pack<A, V>;                   // as computed with
  using Raw = Pack<T, V>;                    // as fetched
  constexpr int kLook = kPositions + I - 1;  // columns of b that are looked at
  constexpr int kLookWidth = padded(kLook - 1) + 1, kOwnWidth = padded(kPositions - 1) + 1;
  constexpr int kHalf = kBlock / 2;
  constexpr int kLookFetches = kLookRows / 2, kFetches = kLookFetches + kRows / 2;
  static_assert(kLook * kUnits <= kHalf && kLookRows % 2 == 0 && kRows % 2 == 0);
  struct Chunk {
    Unit look[kUnits][kLookRows][kLookWidth];
    Unit own[kUnits][kRows][kOwnWidth];
  };
  constexpr int kCells = kSpan * I;  // results a pixel
  __shared__ union Memory {
    Chunk chunk;
    A results[kRows * kLanes * kCells];
  } memory;

  std::int64_t part = blockIdx.x;
  const auto next = [&part](int count) {
    const int index = static_cast<int>(part % count);
    part /= count;
    return index;
  };
  const int chunk_down = next(grid.chunks_down) * kSpan,
            chunk_across = next(grid.chunks_across) * I;
  const int phase_x = next(stride), phase_y = next(stride);
  const int tile_x = next(grid.tiles_x) * kPositions, tile_y = next(grid.tiles_y) * kRows;
  const int n = static_cast<int>(part);

  // Warp w, row r: displacement (w - r) mod kSpan, so that the four rows of a warp look at the same
  // row of b, or at two rows.
  const int lane = threadIdx.x % kLanes, row = threadIdx.x / kLanes % kRows;
  const int down = (threadIdx.x / kWarp + kSpan - row) % kSpan;
  static_assert(kRows * kLanes == kWarp && kRows <= kSpan);

  // Loading: the two halves of a block take every second row, a thread always the same column of
  // it.
  const int half = threadIdx.x / kHalf, unit_of = threadIdx.x % kHalf % kUnits;
  const int k_of = threadIdx.x % kHalf / kUnits;
  const int look_x = phase_x + (tile_x + k_of + chunk_across - steps) * stride;
  const int look_y = phase_y + (tile_y + half + chunk_down - steps) * stride;
  const int own_x = phase_x + (tile_x + k_of) * stride;
  const int own_y = phase_y + (tile_y + half) * stride;
  const bool looks = k_of < kLook && look_x >= 0 && look_x < s.width;
  const bool owns = k_of < kPositions && own_x < s.width;
  const auto fetch = [&](int f, int channel) -> Raw {
    const bool looked = f < kLookFetches;
    const int y = looked ? look_y + 2 * f * stride : own_y + 2 * (f - kLookFetches) * stride;
    if (!(looked ? looks : owns) || y < 0 || y >= s.height) return Raw{};
    const std::int64_t pixel =
        (std::int64_t{n} * s.height + y) * s.width + (looked ? look_x : own_x);
    return read_unit<T>((looked ? b : a) + pixel * s.channels, channel + unit_of * V, s.channels,
                        vectors);
  };
  const auto store = [&](int f, const Raw& raw) {
    Unit value;
#pragma unroll
    for (int v = 0; v < V; ++v) value.values[v] = static_cast<A>(raw.values[v]);
    if (f < kLookFetches) {
      if (k_of < kLook) memory.chunk.look[unit_of][2 * f + half][padded(k_of)] = value;
    } else if (k_of < kPositions) {
      memory.chunk.own[unit_of][2 * (f - kLookFetches) + half][padded(k_of)] = value;
    }
  };

  A sums[kRun][I] = {};
  for (int channel = 0; channel < s.channels; channel += kUnits * V) {
    __syncthreads();  // all are done with the chunk before
#pragma unroll
    for (int f = 0; f < kFetches; ++f) store(f, fetch(f, channel));
    __syncthreads();
#pragma unroll 1
    for (int unit = 0; unit < kUnits; ++unit) {
      const Unit* own = memory.chunk.own[unit][row] + padded(lane * kRun);
      const Unit* look = memory.chunk.look[unit][row + down] + padded(lane * kRun);
      Unit mine[kRun];
#pragma unroll
      for (int k = 0; k < kRun; ++k) mine[k] = own[k];
#pragma unroll
      for (int q = 0; q < kRun + I - 1; ++q) {
        const Unit seen = look[padded(q)];
#pragma unroll
        for (int k = 0; k < kRun; ++k) {
          if (q - k < 0 || q - k >= I) continue;
#pragma unroll
          for (int v = 0; v < V; ++v) sums[k][q - k] += mine[k].values[v] * seen.values[v];
        }
      }
    }
  }

  // A pixel's results lie next to each other: by way of shared memory, so that writes are whole.
  const A scale = A{1} / static_cast<A>(s.channels);
  const int side = 2 * steps + 1;
#pragma unroll
  for (int k = 0; k < kRun; ++k) {
    __syncthreads();
    A* cells = memory.results + (row * kLanes + lane) * kCells + down * I;
#pragma unroll
    for (int i = 0; i < I; ++i) cells[i] = sums[k][i] * scale;
    __syncthreads();
    for (int r = threadIdx.x; r < kRows * kLanes * kCells; r += kBlock) {
      const int pixel = r / kCells, cell = r % kCells;
      const int dy = chunk_down + cell / I, dx = chunk_across + cell % I;
      const int y = phase_y + (tile_y + pixel / kLanes) * stride;
      const int x = phase_x + (tile_x + pixel % kLanes * kRun + k) * stride;
      if (dy >= side || dx >= side || y >= s.height || x >= s.width) continue;
      const std::int64_t at = (std::int64_t{n} * s.height + y) * s.width + x;
      out[at * side * side + dy * side + dx] = static_cast<T>(memory.results[r]);
    }
  }
}

template <typename T, int I>
cudaError_t launch_correlation_of(const T* a, const T* b, T* out, const PictureShape& s, int steps,
                                  int stride, bool vectors, cudaStream_t stream) {
  const auto parts = [](int count, int size) { return (count + size - 1) / size; };
  const int side = 2 * steps + 1;
  const CorrelationGrid grid{parts(side, tile::kSpan), parts(side, I),
                             parts(parts(s.height, stride), tile::kRows),
                             parts(parts(s.width, stride), tile::kPositions)};
  const std::int64_t blocks = std::int64_t{grid.chunks_down} * grid.chunks_across * stride *
                              stride * grid.tiles_x * grid.tiles_y * s.pictures;
  return cuda::launch(correlation_forward<T, I>, static_cast<unsigned>(blocks), tile::kBlock, 0,
                      stream, a, b, out, s, steps, stride, grid, vectors);
}

/// All tensors N×H×W×C without gaps. `vectors`: units of channels may be read as one.
template <typename T>
cudaError_t launch_correlation(const T* a, const T* b, T* out, const PictureShape& s, int steps,
                               int stride, bool vectors, cudaStream_t stream) {
  if (steps == 0) stride = 1;  // it means nothing then, and one lattice is faster than many
  // 21 and 13 across are FlowNetC's and the slim network's numbers.
  if (steps > 6) return launch_correlation_of<T, 21>(a, b, out, s, steps, stride, vectors, stream);
  if (steps > 3) return launch_correlation_of<T, 13>(a, b, out, s, steps, stride, vectors, stream);
  return launch_correlation_of<T, 7>(a, b, out, s, steps, stride, vectors, stream);
}

/// A block a pixel, threads over channels. sign +1: gradient of a; -1: gradient of b. N×H×W×C.
template <typename T>
__global__ void correlation_gradient(const T* __restrict__ grad, const T* __restrict__ other,
                                     T* __restrict__ out, PictureShape s, int steps, int stride,
                                     int sign) {
  const std::int64_t pixel = blockIdx.x;
  const int x = static_cast<int>(pixel % s.width), y = static_cast<int>(pixel / s.width % s.height);
  const std::int64_t image = pixel - (std::int64_t{y} * s.width + x);
  const int side = 2 * steps + 1;
  for (int c = threadIdx.x; c < s.channels; c += blockDim.x) {
    T sum = 0;
    for (int d = 0; d < side * side; ++d) {
      const int oy = y + sign * (d / side - steps) * stride;
      const int ox = x + sign * (d % side - steps) * stride;
      if (oy < 0 || oy >= s.height || ox < 0 || ox >= s.width) continue;
      const std::int64_t other_pixel = image + std::int64_t{oy} * s.width + ox;
      sum += grad[(sign > 0 ? pixel : other_pixel) * side * side + d] *
             other[other_pixel * s.channels + c];
    }
    out[pixel * s.channels + c] = sum / static_cast<T>(s.channels);
  }
}

}  // namespace semcodec::kernels
