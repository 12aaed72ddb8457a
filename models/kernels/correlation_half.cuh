#pragma once
// Correlation of half types (correlation_kernels.cuh) by products of 16 x 16 matrices on tensor
// cores, which add in float. 16 pixels of a row times the columns of b that they look at is a band:
// of the matrix's products, those of displacements 0 to 2s are results, and the rest (half of it
// for 21 displacements) is thrown away. A warp has one row of b and, for every row of pixels that
// looks there, the band; so what it fetches of b serves up to kRows rows.

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <mma.h>

#include "common/cuda/launch.cuh"
#include "models/kernels/correlation_kernels.cuh"

namespace semcodec::kernels {

namespace half_tile {
constexpr int kSide = 16;                     ///< of the matrices: pixels, columns of b, channels
constexpr int kRows = 4;                      ///< rows of pixels a block
constexpr int kSpan = 7;                      ///< displacements down a block
constexpr int kLookRows = kRows + kSpan - 1;  ///< rows of b that are looked at, one a warp
constexpr int kBlock = kLookRows * kWarp;
constexpr int kUnit = 8;               ///< channels in 16 bytes
constexpr int kPitch = kSide + kUnit;  ///< of a pixel's channels: a gap spreads the banks
}  // namespace half_tile

/// T: __half or __nv_bfloat16. I: displacements across, at most 33.
template <typename T, int I>
__global__ void __launch_bounds__(half_tile::kBlock, 1)
    correlation_half(const T* __restrict__ a, const T* __restrict__ b, T* __restrict__ out,
                     PictureShape s, CorrelationGrid grid) {
  using namespace half_tile;
  namespace wmma = nvcuda::wmma;
  using Unit = Pack<T, kUnit>;
  constexpr int kLook = kSide + I - 1;               // columns of b that are looked at
  constexpr int kMatrices = parts_of(kLook, kSide);  // side by side in a band
  constexpr int kBand = kMatrices * kSide;           // its columns
  struct Chunk {
    T look[kLookRows][kBand][kPitch];
    T own[kRows][kSide][kPitch];
  };
  __shared__ union __align__(128) Memory {
    Chunk chunk;
    float bands[kLookRows][kSide][kBand];
  }
  memory;

  const CorrelationPlace at(grid, blockIdx.x);
  const int stride = grid.stride, steps = grid.steps, side = grid.side();
  const int tile_x = at.tile_x * kSide, tile_y = at.tile_y * kRows;
  const int chunk_down = at.chunk_down * kSpan;
  const std::int64_t picture = std::int64_t{at.picture} * s.height * s.width;

  // Units of a chunk: two a pixel, first those of b, then those of a. A thread fetches the next
  // chunk's into registers while this one is worked on.
  constexpr int kUnits = kSide / kUnit;
  constexpr int kLookUnits = kLookRows * kLook * kUnits, kOwnUnits = kRows * kSide * kUnits;
  constexpr int kFetches = parts_of(kLookUnits + kOwnUnits, kBlock);
  Unit fetched[kFetches];
  const auto fetch = [&](int channel) {
#pragma unroll
    for (int f = 0; f < kFetches; ++f) {
      const int i = threadIdx.x + f * kBlock;
      const bool looked = i < kLookUnits;
      const int pixel = (looked ? i : i - kLookUnits) / kUnits, width = looked ? kLook : kSide;
      const int row = pixel / width, column = pixel % width, shift = looked ? steps : 0;
      const int y = at.phase_y + (tile_y + row + (looked ? chunk_down : 0) - shift) * stride;
      const int x = at.phase_x + (tile_x + column - shift) * stride;
      const int c = channel + i % kUnits * kUnit;
      fetched[f] = Unit{};
      if (i >= kLookUnits + kOwnUnits || c >= s.channels) continue;
      if (y < 0 || y >= s.height || x < 0 || x >= s.width) continue;
      const std::int64_t place = (picture + std::int64_t{y} * s.width + x) * s.channels + c;
      fetched[f] = *reinterpret_cast<const Unit*>((looked ? b : a) + place);
    }
  };
  const auto store = [&] {
#pragma unroll
    for (int f = 0; f < kFetches; ++f) {
      const int i = threadIdx.x + f * kBlock, c = i % kUnits * kUnit;
      if (i < kLookUnits) {
        const int pixel = i / kUnits;
        *reinterpret_cast<Unit*>(&memory.chunk.look[pixel / kLook][pixel % kLook][c]) = fetched[f];
      } else if (i < kLookUnits + kOwnUnits) {
        const int pixel = (i - kLookUnits) / kUnits;
        *reinterpret_cast<Unit*>(&memory.chunk.own[pixel / kSide][pixel % kSide][c]) = fetched[f];
      }
    }
  };

  using Left = wmma::fragment<wmma::matrix_a, kSide, kSide, kSide, T, wmma::row_major>;
  using Right = wmma::fragment<wmma::matrix_b, kSide, kSide, kSide, T, wmma::col_major>;
  using Sums = wmma::fragment<wmma::accumulator, kSide, kSide, kSide, float>;
  const int look_row = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  Sums sums[kRows][kMatrices];
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
#pragma unroll
    for (int m = 0; m < kMatrices; ++m) wmma::fill_fragment(sums[r][m], 0.0F);
  }
  // Whether pixels of row r look at this warp's row of b.
  const auto looks = [&](int r) { return look_row - r >= 0 && look_row - r < kSpan; };

  // Columns of a band behind the last that is looked at: their products are thrown away, but
  // nobody should read what nobody wrote.
  for (int i = threadIdx.x; i < kLookRows * (kBand - kLook) * kPitch; i += kBlock) {
    const int pixel = i / kPitch;
    memory.chunk.look[pixel / (kBand - kLook)][kLook + pixel % (kBand - kLook)][i % kPitch] =
        static_cast<T>(0.0F);
  }
  fetch(0);
  for (int channel = 0; channel < s.channels; channel += kSide) {
    __syncthreads();  // all are done with the chunk before
    store();
    __syncthreads();
    if (channel + kSide < s.channels) fetch(channel + kSide);
    Right right[kMatrices];
#pragma unroll
    for (int m = 0; m < kMatrices; ++m) {
      wmma::load_matrix_sync(right[m], memory.chunk.look[look_row][m * kSide], kPitch);
    }
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      if (!looks(r)) continue;
      Left left;
      wmma::load_matrix_sync(left, memory.chunk.own[r][0], kPitch);
#pragma unroll
      for (int m = 0; m < kMatrices; ++m) wmma::mma_sync(sums[r][m], left, right[m], sums[r][m]);
    }
  }
  __syncthreads();  // the bands take the chunk's place

  const float scale = 1.0F / static_cast<float>(s.channels);
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    const int dy = chunk_down + look_row - r, y = at.phase_y + (tile_y + r) * stride;
    if (!looks(r) || dy >= side || y >= s.height) continue;
#pragma unroll
    for (int m = 0; m < kMatrices; ++m) {
      wmma::store_matrix_sync(&memory.bands[look_row][0][m * kSide], sums[r][m], kBand,
                              wmma::mem_row_major);
    }
    __syncwarp();
    for (int i = lane; i < kSide * I; i += kWarp) {
      const int column = i / I, dx = i % I, x = at.phase_x + (tile_x + column) * stride;
      if (dx >= side || x >= s.width) continue;
      const std::int64_t pixel = picture + std::int64_t{y} * s.width + x;
      out[pixel * side * side + dy * side + dx] =
          static_cast<T>(memory.bands[look_row][column][column + dx] * scale);
    }
    __syncwarp();
  }
}

/// Whether it may be used: channels in whole units, at most 10 steps.
inline bool correlation_half_fits(const PictureShape& s, int steps) {
  return s.channels % half_tile::kUnit == 0 && steps <= 10;
}

/// All tensors N×H×W×C without gaps, aligned to 16 bytes.
template <typename T>
cudaError_t launch_correlation_half(const T* a, const T* b, T* out, const PictureShape& s,
                                    int steps, int stride, cudaStream_t stream) {
  using namespace half_tile;
  const auto grid = correlation_grid(s, steps, stride, kSpan, kSide, kRows);
  const auto go = [&](auto kernel) {
    return cuda::launch(kernel, static_cast<unsigned>(grid.blocks(s.pictures)), kBlock, 0, stream,
                        a, b, out, s, grid);
  };
  if (steps > 6) return go(correlation_half<T, 21>);
  return steps > 3 ? go(correlation_half<T, 13>) : go(correlation_half<T, 7>);
}

}  // namespace semcodec::kernels
