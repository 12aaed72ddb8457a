#pragma once
// Warping and channel norm on the GPU: bound by memory, so each value is read once, in its own
// type.
//
// Grids: x goes along a row, y over rows, z over pictures. Blocks are tiles of kTileWidth x
// kTileRows, whose neighbouring rows share what they look up in the cache. Offsets inside a picture
// fit 32 bits where they are int; everything else is 64 bits.

#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>

namespace semcodec::kernels {

constexpr int kTileWidth = 32, kTileRows = 8;
constexpr int kThreads = kTileWidth * kTileRows;
constexpr int kWarp = 32;

/// The type in which values of T are computed with.
template <typename T>
using Arithmetic = std::conditional_t<std::is_same_v<T, double>, double, float>;

/// N×C×H×W.
struct PictureShape {
  int pictures, channels, height, width;
};

/// Element strides of an N×C×H×W tensor, so that both layouts are read as they are.
struct Strides {
  std::int64_t n, c, y, x;
};

/// So many values as one load or store.
template <typename T, int N>
struct alignas(sizeof(T) * N) Pack {
  T values[N];
};

template <typename A>
struct Taps {
  int x0, x1, y0, y1;
  A fx, fy;
};

// The same clamping as on the CPU: first the position, so that no conversion overflows, then
// each tap. A NaN takes the second operand.
template <typename A>
__device__ Taps<A> find_taps(A px, A py, int height, int width) {
  px = px > A{-1} ? px : A{-1};
  px = px < static_cast<A>(width) ? px : static_cast<A>(width);
  py = py > A{-1} ? py : A{-1};
  py = py < static_cast<A>(height) ? py : static_cast<A>(height);
  const int ix = static_cast<int>(px + A{1}) - 1, iy = static_cast<int>(py + A{1}) - 1;
  return {min(max(ix, 0), width - 1),  min(max(ix + 1, 0), width - 1),
          min(max(iy, 0), height - 1), min(max(iy + 1, 0), height - 1),
          px - static_cast<A>(ix),     py - static_cast<A>(iy)};
}

/// Where pixel (x, y) of picture n looks. F: type of the flow, N×2×H×W without gaps.
template <typename A, typename F>
__device__ Taps<A> taps_at(const F* flow, int n, int y, int x, const PictureShape& s) {
  const std::int64_t plane = std::int64_t{s.height} * s.width;
  const F* f = flow + n * 2 * plane + std::int64_t{y} * s.width + x;
  return find_taps<A>(static_cast<A>(x) + static_cast<A>(f[0]),
                      static_cast<A>(y) + static_cast<A>(f[plane]), s.height, s.width);
}

template <typename A, typename T>
__device__ A blend(T p00, T p01, T p10, T p11, A fx, A fy) {
  const A a = static_cast<A>(p00), b = static_cast<A>(p01);
  const A c = static_cast<A>(p10), d = static_cast<A>(p11);
  const A top = a + fx * (b - a), bottom = c + fx * (d - c);
  return top + fy * (bottom - top);
}

/// A thread a pixel, all its channels one after the other.
template <typename T, typename F>
__global__ void __launch_bounds__(kThreads)
    resample_pixels(const T* __restrict__ image, Strides is, const F* __restrict__ flow,
                    T* __restrict__ out, Strides os, PictureShape s) {
  using A = Arithmetic<T>;
  const int x = blockIdx.x * kTileWidth + threadIdx.x;
  if (x >= s.width) return;
  for (int n = blockIdx.z; n < s.pictures; n += gridDim.z) {
    for (int y = blockIdx.y * kTileRows + threadIdx.y; y < s.height; y += gridDim.y * kTileRows) {
      const auto t = taps_at<A>(flow, n, y, x, s);
      const T* upper = image + n * is.n + t.y0 * is.y;
      const T* lower = image + n * is.n + t.y1 * is.y;
      const std::int64_t left = t.x0 * is.x, right = t.x1 * is.x;
      T* to = out + n * os.n + y * os.y + x * os.x;
#pragma unroll 3
      for (int c = 0; c < s.channels; ++c) {
        *to = static_cast<T>(
            blend<A>(upper[left], upper[right], lower[left], lower[right], t.fx, t.fy));
        upper += is.c;
        lower += is.c;
        to += os.c;
      }
    }
  }
}

/// N×H×W×C without gaps: a thread takes V channels of a pixel.
template <typename T, typename F, int V>
__global__ void __launch_bounds__(kThreads)
    resample_channels(const T* __restrict__ image, const F* __restrict__ flow, T* __restrict__ out,
                      PictureShape s) {
  using A = Arithmetic<T>;
  using Values = Pack<T, V>;
  const unsigned groups = static_cast<unsigned>(s.channels / V);
  const unsigned item = blockIdx.x * kTileWidth + threadIdx.x;
  const int x = static_cast<int>(item / groups), c = static_cast<int>(item % groups) * V;
  if (x >= s.width) return;
  for (int n = blockIdx.z; n < s.pictures; n += gridDim.z) {
    for (int y = blockIdx.y * kTileRows + threadIdx.y; y < s.height; y += gridDim.y * kTileRows) {
      const auto t = taps_at<A>(flow, n, y, x, s);
      const auto at = [&](int py, int px) {
        return ((std::int64_t{n} * s.height + py) * s.width + px) * s.channels + c;
      };
      const auto read = [&](int py, int px) {
        return *reinterpret_cast<const Values*>(image + at(py, px));
      };
      const Values p00 = read(t.y0, t.x0), p01 = read(t.y0, t.x1);
      const Values p10 = read(t.y1, t.x0), p11 = read(t.y1, t.x1);
      Values mixed;
#pragma unroll
      for (int i = 0; i < V; ++i) {
        mixed.values[i] = static_cast<T>(
            blend<A>(p00.values[i], p01.values[i], p10.values[i], p11.values[i], t.fx, t.fy));
      }
      *reinterpret_cast<Values*>(out + at(y, x)) = mixed;
    }
  }
}

/// All tensors N×C×H×W without gaps; grad_image starts at zero. Either result may be null.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    resample_gradient(const T* __restrict__ grad, const T* __restrict__ image,
                      const T* __restrict__ flow, T* __restrict__ grad_image,
                      T* __restrict__ grad_flow, PictureShape s) {
  const int x = blockIdx.x * kTileWidth + threadIdx.x;
  if (x >= s.width) return;
  const std::int64_t plane = std::int64_t{s.height} * s.width;
  for (int n = blockIdx.z; n < s.pictures; n += gridDim.z) {
    for (int y = blockIdx.y * kTileRows + threadIdx.y; y < s.height; y += gridDim.y * kTileRows) {
      const auto t = taps_at<T>(flow, n, y, x, s);
      const std::int64_t here = std::int64_t{y} * s.width + x;
      const std::int64_t upper = std::int64_t{t.y0} * s.width, lower = std::int64_t{t.y1} * s.width;
      const std::int64_t i00 = upper + t.x0, i01 = upper + t.x1;
      const std::int64_t i10 = lower + t.x0, i11 = lower + t.x1;
      T gx = 0, gy = 0;
      for (int c = 0; c < s.channels; ++c) {
        const std::int64_t base = (std::int64_t{n} * s.channels + c) * plane;
        const T g = grad[base + here];
        if (grad_image != nullptr) {
          T* gi = grad_image + base;
          atomicAdd(gi + i00, g * (1 - t.fx) * (1 - t.fy));
          atomicAdd(gi + i01, g * t.fx * (1 - t.fy));
          atomicAdd(gi + i10, g * (1 - t.fx) * t.fy);
          atomicAdd(gi + i11, g * t.fx * t.fy);
        }
        const T* p = image + base;
        gx += g * ((1 - t.fy) * (p[i01] - p[i00]) + t.fy * (p[i11] - p[i10]));
        gy += g * ((1 - t.fx) * (p[i10] - p[i00]) + t.fx * (p[i11] - p[i01]));
      }
      if (grad_flow != nullptr) {
        grad_flow[n * 2 * plane + here] = gx;
        grad_flow[n * 2 * plane + plane + here] = gy;
      }
    }
  }
}

/// Norms of V neighbouring pixels of a row; V > 1 needs strides that are multiples of V and pixels
/// next to each other. `norm` is N×1×H×W without gaps.
template <typename T, int V>
__global__ void __launch_bounds__(kThreads)
    channel_norm_forward(const T* __restrict__ x, Strides xs, T* __restrict__ norm,
                         PictureShape s) {
  using A = Arithmetic<T>;
  using Values = Pack<T, V>;
  const int column = (blockIdx.x * kTileWidth + threadIdx.x) * V;
  if (column >= s.width) return;
  for (int n = blockIdx.z; n < s.pictures; n += gridDim.z) {
    for (int y = blockIdx.y * kTileRows + threadIdx.y; y < s.height; y += gridDim.y * kTileRows) {
      const T* from = x + n * xs.n + y * xs.y + column * xs.x;
      A sums[V] = {};
#pragma unroll 4
      for (int c = 0; c < s.channels; ++c) {
        const Values values = *reinterpret_cast<const Values*>(from + c * xs.c);
#pragma unroll
        for (int i = 0; i < V; ++i) {
          const A value = static_cast<A>(values.values[i]);
          sums[i] += value * value;
        }
      }
      Values result;
#pragma unroll
      for (int i = 0; i < V; ++i) result.values[i] = static_cast<T>(sqrt(sums[i]));
      T* to = norm + (std::int64_t{n} * s.height + y) * s.width + column;
      *reinterpret_cast<Values*>(to) = result;
    }
  }
}

/// grad and norm are N×1×H×W without gaps.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    channel_norm_gradient(const T* __restrict__ grad, const T* __restrict__ x, Strides xs,
                          const T* __restrict__ norm, T* __restrict__ out, Strides os,
                          PictureShape s) {
  using A = Arithmetic<T>;
  const int column = blockIdx.x * kTileWidth + threadIdx.x;
  if (column >= s.width) return;
  for (int n = blockIdx.z; n < s.pictures; n += gridDim.z) {
    for (int y = blockIdx.y * kTileRows + threadIdx.y; y < s.height; y += gridDim.y * kTileRows) {
      const std::int64_t pixel = (std::int64_t{n} * s.height + y) * s.width + column;
      const A length = static_cast<A>(norm[pixel]);
      const A scale = length > 0 ? static_cast<A>(grad[pixel]) / length : A{0};
      const T* from = x + n * xs.n + y * xs.y + column * xs.x;
      T* to = out + n * os.n + y * os.y + column * os.x;
      for (int c = 0; c < s.channels; ++c) {
        to[c * os.c] = static_cast<T>(static_cast<A>(from[c * xs.c]) * scale);
      }
    }
  }
}

}  // namespace semcodec::kernels
