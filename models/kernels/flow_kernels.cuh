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

template <typename A>
struct Floor {
  int whole;
  A fraction;
};

/// The greatest whole number that is not above `position`, and the rest. |position| < 2^22.
__device__ inline Floor<float> floor_of(float position) {
  // Floats from 2^23 to 2^24 are whole numbers: added to one and rounded down, the position's floor
  // is in the last bits. Conversions between float and int run at an eighth of the rate.
  constexpr float kWhole = 12582912.0F;  // 1.5 * 2^23
  constexpr int kWholeBits = 0x4B400000;
  const float sum = __fadd_rd(position, kWhole);
  return {__float_as_int(sum) - kWholeBits, position - (sum - kWhole)};
}

__device__ inline Floor<double> floor_of(double position) {
  const double whole = floor(position);
  return {static_cast<int>(whole), position - whole};
}

// The same clamping as on the CPU: first the position, then each tap, which is at most one beyond
// the picture by then. A NaN takes the second operand.
template <typename A>
__device__ Taps<A> find_taps(A px, A py, int height, int width) {
  const auto x = floor_of(static_cast<A>(fmin(fmax(px, A{-1}), static_cast<A>(width))));
  const auto y = floor_of(static_cast<A>(fmin(fmax(py, A{-1}), static_cast<A>(height))));
  return {max(min(x.whole, width - 1), 0),
          min(x.whole + 1, width - 1),
          max(min(y.whole, height - 1), 0),
          min(y.whole + 1, height - 1),
          x.fraction,
          y.fraction};
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

/// A thread makes P neighbouring pixels of a row in all their channels: C, or as many as the shape
/// says where C is 0 (then P is 1). Pictures lie without gaps, kLast: N×H×W×C, else N×C×H×W. P > 1
/// needs a width that is a multiple of P, and memory aligned to P values. What limits this kernel
/// is the number of instructions, above all with half types, and then how many loads are under way
/// at a time: offsets are 32-bit numbers, and all is fetched before anything is mixed.
template <typename T, typename F, int C, int P, bool kLast>
__global__ void __launch_bounds__(kThreads)
    resample_pixels(const T* __restrict__ image, const F* __restrict__ flow, T* __restrict__ out,
                    PictureShape s) {
  static_assert(C > 0 || P == 1);
  using A = Arithmetic<T>;
  const int x = (blockIdx.x * kTileWidth + threadIdx.x) * P;
  if (x >= s.width) return;
  const int channels = C > 0 ? C : s.channels;
  const int pixel_step = kLast ? channels : 1, row_step = s.width * pixel_step;
  const int plane = s.height * s.width, channel_step = kLast ? 1 : plane;
  for (int n = blockIdx.z; n < s.pictures; n += gridDim.z) {
    const T* from = image + std::int64_t{n} * channels * plane;
    const F* motion = flow + std::int64_t{n} * 2 * plane;
    T* to = out + std::int64_t{n} * channels * plane;
    for (int y = blockIdx.y * kTileRows + threadIdx.y; y < s.height; y += gridDim.y * kTileRows) {
      const int here = y * s.width + x;
      const auto dx = *reinterpret_cast<const Pack<F, P>*>(motion + here);
      const auto dy = *reinterpret_cast<const Pack<F, P>*>(motion + plane + here);
      const T* corner[P][4];  // upper left, upper right, lower left, lower right
      A across[P], down[P];
#pragma unroll
      for (int p = 0; p < P; ++p) {
        const auto t =
            find_taps<A>(static_cast<A>(x + p) + static_cast<A>(dx.values[p]),
                         static_cast<A>(y) + static_cast<A>(dy.values[p]), s.height, s.width);
        const int upper = t.y0 * row_step, lower = t.y1 * row_step;
        const int left = t.x0 * pixel_step, right = t.x1 * pixel_step;
        corner[p][0] = from + (upper + left);
        corner[p][1] = from + (upper + right);
        corner[p][2] = from + (lower + left);
        corner[p][3] = from + (lower + right);
        across[p] = t.fx;
        down[p] = t.fy;
      }
      if constexpr (C == 0) {
        T* target = to + here * pixel_step;
        for (int c = 0; c < channels; ++c) {
          const int at = c * channel_step;
          target[at] = static_cast<T>(blend<A>(corner[0][0][at], corner[0][1][at], corner[0][2][at],
                                               corner[0][3][at], across[0], down[0]));
        }
      } else {
        T fetched[C][P][4];
#pragma unroll
        for (int c = 0; c < C; ++c) {
#pragma unroll
          for (int p = 0; p < P; ++p) {
#pragma unroll
            for (int k = 0; k < 4; ++k) fetched[c][p][k] = corner[p][k][c * channel_step];
          }
        }
        T values[C][P];
#pragma unroll
        for (int c = 0; c < C; ++c) {
#pragma unroll
          for (int p = 0; p < P; ++p) {
            const T* f = fetched[c][p];
            values[c][p] = static_cast<T>(blend<A>(f[0], f[1], f[2], f[3], across[p], down[p]));
          }
        }
        T* target = to + here * pixel_step;
#pragma unroll
        for (int k = 0; k < C; ++k) {
          Pack<T, P> pack;
#pragma unroll
          for (int p = 0; p < P; ++p) {
            const int i = k * P + p;  // where P pixels lie together with all their channels
            pack.values[p] = kLast ? values[i % C][i / C] : values[k][p];
          }
          *reinterpret_cast<Pack<T, P>*>(target + k * (kLast ? P : plane)) = pack;
        }
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
