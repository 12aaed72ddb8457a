#pragma once
// The correlation layer on the GPU (correlation.h): 2 · C operations for each of (2s+1)² results a
// pixel and few bytes, so bound by arithmetic. Floats and half types in whole units of 16 bytes
// have kernels of their own (correlation_float.cuh, correlation_half.cuh); here is the plain one
// for all else, and the gradients.
//
// Both fast kernels cut the work alike. Pixels whose columns, and rows, differ by a multiple of the
// stride look at the same lattice of b; the others are other blocks' work. A block takes a tile of
// one lattice, some displacements down and all across.

#include <cuda_runtime.h>

#include "models/kernels/flow_kernels.cuh"

namespace semcodec::kernels {

/// So many parts of a size make up a count.
__host__ __device__ constexpr int parts_of(int count, int size) {
  return (count + size - 1) / size;
}

/// The tile, lattice and displacements of a block; counts of each, from the one that changes first.
struct CorrelationGrid {
  int steps, stride;
  int chunks_down;       ///< of displacements
  int tiles_x, tiles_y;  ///< of a lattice

  __host__ __device__ constexpr int side() const { return 2 * steps + 1; }
  std::int64_t blocks(int pictures) const {
    return std::int64_t{chunks_down} * stride * stride * tiles_x * tiles_y * pictures;
  }
};

inline CorrelationGrid correlation_grid(const PictureShape& s, int steps, int stride, int span,
                                        int tile_width, int tile_height) {
  return {steps, stride, parts_of(2 * steps + 1, span),
          parts_of(parts_of(s.width, stride), tile_width),
          parts_of(parts_of(s.height, stride), tile_height)};
}

/// Where a block works: chunk of displacements, lattice, tile and picture.
struct CorrelationPlace {
  int chunk_down, phase_x, phase_y, tile_x, tile_y, picture;

  __device__ CorrelationPlace(const CorrelationGrid& grid, std::int64_t block) {
    const auto next = [&block](int count) {
      const int index = static_cast<int>(block % count);
      block /= count;
      return index;
    };
    chunk_down = next(grid.chunks_down);
    phase_x = next(grid.stride);
    phase_y = next(grid.stride);
    tile_x = next(grid.tiles_x);
    tile_y = next(grid.tiles_y);
    picture = static_cast<int>(block);
  }
};

/// A thread a result, for whatever the fast kernels do not take. All tensors N×H×W×C without gaps.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    correlation_plain(const T* __restrict__ a, const T* __restrict__ b, T* __restrict__ out,
                      PictureShape s, int steps, int stride) {
  using A = Arithmetic<T>;
  const int side = 2 * steps + 1, cells = side * side;
  const std::int64_t count = std::int64_t{s.pictures} * s.height * s.width * cells;
  for (std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
       i += std::int64_t{gridDim.x} * kThreads) {
    const std::int64_t pixel = i / cells;
    const int cell = static_cast<int>(i % cells);
    const int x = static_cast<int>(pixel % s.width);
    const int y = static_cast<int>(pixel / s.width % s.height);
    const int dx = (cell % side - steps) * stride, dy = (cell / side - steps) * stride;
    A sum = 0;
    if (x + dx >= 0 && x + dx < s.width && y + dy >= 0 && y + dy < s.height) {
      const T* left = a + pixel * s.channels;
      const T* right = b + (pixel + std::int64_t{dy} * s.width + dx) * s.channels;
      for (int c = 0; c < s.channels; ++c) {
        sum += static_cast<A>(left[c]) * static_cast<A>(right[c]);
      }
    }
    out[i] = static_cast<T>(sum / static_cast<A>(s.channels));
  }
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
