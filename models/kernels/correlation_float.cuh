#pragma once
// Correlation of floats (correlation_kernels.cuh). A thread has kRun neighbouring pixels of a row,
// one displacement down and all I across: kRun · I sums in registers, for which a channel costs
// kRun + (kRun + I - 1) reads of shared memory, so that reading takes less time than multiplying.
// Four channels (16 bytes) at a time come by asynchronous copies into one half of the memory while
// the other half is worked on.

#include <cuda_pipeline.h>
#include <cuda_runtime.h>

#include "common/cuda/launch.cuh"
#include "models/kernels/correlation_kernels.cuh"

namespace semcodec::kernels {

namespace float_tile {
constexpr int kRows = 8;   ///< rows of pixels a block
constexpr int kLanes = 4;  ///< threads along a row
constexpr int kRun = 8;    ///< pixels a thread
constexpr int kSpan = 7;   ///< displacements down a block, one a warp
constexpr int kPositions = kLanes * kRun;
constexpr int kBlock = kRows * kLanes * kSpan;
constexpr int kLookRows = kRows + kSpan - 1;  ///< rows of b that are looked at
constexpr int kUnit = 4;                      ///< channels at a time
constexpr int kRowGroups = 4;                 ///< of threads that copy
constexpr int kColumns = kBlock / kRowGroups;

/// Place of lattice column k in a row of shared memory: with a gap after every eighth, the lanes of
/// a row read from different banks.
__host__ __device__ constexpr int padded(int k) { return k + k / kRun; }
}  // namespace float_tile

template <int I>
__global__ void __launch_bounds__(float_tile::kBlock, 1)
    correlation_float(const float* __restrict__ a, const float* __restrict__ b,
                      float* __restrict__ out, PictureShape s, CorrelationGrid grid) {
  using namespace float_tile;
  using Unit = Pack<float, kUnit>;
  constexpr int kLook = kPositions + I - 1;  // columns of b that are looked at
  constexpr int kLookWidth = padded(kLook - 1) + 1, kOwnWidth = padded(kPositions);
  static_assert(kLook <= kColumns && kRows % kRowGroups == 0 && kRows * kLanes == kWarp);
  struct Stage {
    Unit look[kLookRows][kLookWidth];
    Unit own[kRows][kOwnWidth];
  };
  constexpr int kCells = kSpan * I;  // results a pixel
  __shared__ union Memory {
    Stage stages[2];
    float results[kRows * kLanes * kCells];
  } memory;

  const CorrelationPlace at(grid, blockIdx.x);
  const int stride = grid.stride, steps = grid.steps, side = grid.side();
  const int tile_x = at.tile_x * kPositions, tile_y = at.tile_y * kRows;
  const int chunk_down = at.chunk_down * kSpan;

  // Copying: a thread always has the same column, of every fourth row.
  const int column = threadIdx.x % kColumns, group = threadIdx.x / kColumns;
  const int look_x = at.phase_x + (tile_x + column - steps) * stride;
  const int look_y = at.phase_y + (tile_y + group + chunk_down - steps) * stride;
  const int own_x = at.phase_x + (tile_x + column) * stride;
  const int own_y = at.phase_y + (tile_y + group) * stride;
  const std::int64_t pitch = std::int64_t{s.width} * s.channels;
  const std::int64_t step = kRowGroups * stride * pitch;
  const std::int64_t picture = at.picture * s.height * pitch;
  const std::int64_t look_at = picture + look_y * pitch + std::int64_t{look_x} * s.channels;
  const std::int64_t own_at = picture + own_y * pitch + std::int64_t{own_x} * s.channels;
  const bool looks = look_x >= 0 && look_x < s.width, owns = own_x < s.width;
  const auto fetch = [&](Stage& stage, int channel) {
    const auto copy = [&](Unit& to, const float* from, std::int64_t place, bool there) {
      // What is outside counts as zero; nothing is read then.
      __pipeline_memcpy_async(&to, there ? from + place + channel : from, sizeof(Unit),
                              there ? 0 : sizeof(Unit));
    };
    if (column < kLook) {
#pragma unroll
      for (int f = 0; f < parts_of(kLookRows, kRowGroups); ++f) {
        const int row = group + f * kRowGroups, y = look_y + f * kRowGroups * stride;
        if (row >= kLookRows) break;
        copy(stage.look[row][padded(column)], b, look_at + f * step,
             looks && y >= 0 && y < s.height);
      }
    }
    if (column < kPositions) {
#pragma unroll
      for (int f = 0; f < kRows / kRowGroups; ++f) {
        copy(stage.own[group + f * kRowGroups][padded(column)], a, own_at + f * step,
             owns && own_y + f * kRowGroups * stride < s.height);
      }
    }
    __pipeline_commit();
  };

  // Warp w, row r: displacement (w - r) mod kSpan, so that the rows of a warp look at one row of b,
  // or at two.
  const int lane = threadIdx.x % kLanes, row = threadIdx.x / kLanes % kRows;
  const int down = (threadIdx.x / kWarp + 2 * kSpan - row) % kSpan;
  static_assert(kRows <= 2 * kSpan);
  float sums[kRun][I] = {};
  fetch(memory.stages[0], 0);
  int current = 0;
  for (int channel = 0; channel < s.channels; channel += kUnit, current ^= 1) {
    __pipeline_wait_prior(0);
    __syncthreads();  // this stage is there for all, and all are done with the other
    if (channel + kUnit < s.channels) fetch(memory.stages[current ^ 1], channel + kUnit);
    const Stage& stage = memory.stages[current];
    const Unit* own = stage.own[row] + padded(lane * kRun);
    const Unit* look = stage.look[row + down] + padded(lane * kRun);
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
        for (int v = 0; v < kUnit; ++v) sums[k][q - k] += mine[k].values[v] * seen.values[v];
      }
    }
  }

  // A pixel's results lie next to each other: by way of shared memory, so that writes are whole.
  const float scale = 1.0F / static_cast<float>(s.channels);
#pragma unroll
  for (int k = 0; k < kRun; ++k) {
    __syncthreads();
    float* cells = memory.results + (row * kLanes + lane) * kCells + down * I;
#pragma unroll
    for (int i = 0; i < I; ++i) cells[i] = sums[k][i] * scale;
    __syncthreads();
    for (int r = threadIdx.x; r < kRows * kLanes * kCells; r += kBlock) {
      const int pixel = r / kCells, cell = r % kCells;
      const int dy = chunk_down + cell / I, dx = cell % I;
      const int y = at.phase_y + (tile_y + pixel / kLanes) * stride;
      const int x = at.phase_x + (tile_x + pixel % kLanes * kRun + k) * stride;
      if (dy >= side || dx >= side || y >= s.height || x >= s.width) continue;
      const std::int64_t to = (std::int64_t{at.picture} * s.height + y) * s.width + x;
      out[to * side * side + dy * side + dx] = memory.results[r];
    }
  }
}

/// Whether it may be used: channels in whole units, at most 10 steps.
inline bool correlation_float_fits(const PictureShape& s, int steps) {
  return s.channels % float_tile::kUnit == 0 && steps <= 10;
}

/// All tensors N×H×W×C without gaps, aligned to 16 bytes.
inline cudaError_t launch_correlation_float(const float* a, const float* b, float* out,
                                            const PictureShape& s, int steps, int stride,
                                            cudaStream_t stream) {
  using namespace float_tile;
  const auto grid = correlation_grid(s, steps, stride, kSpan, kPositions, kRows);
  const auto go = [&](auto kernel) {
    return cuda::launch(kernel, static_cast<unsigned>(grid.blocks(s.pictures)), kBlock, 0, stream,
                        a, b, out, s, grid);
  };
  // 21 and 13 across are FlowNetC's and the slim network's numbers.
  if (steps > 6) return go(correlation_float<21>);
  return steps > 3 ? go(correlation_float<13>) : go(correlation_float<7>);
}

}  // namespace semcodec::kernels
