// The CUDA versions of dispatch.h, for libsemcodec_cuda.so. Written for clarity and coalesced
// reads; at the sizes of this codec the convolutions around them take most of the time.

#include <ATen/Dispatch.h>
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <torch/torch.h>

#include "models/kernels/dispatch.h"

namespace semcodec::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kWarp = 32;

unsigned blocks_for(std::int64_t count) {
  return static_cast<unsigned>((count + kThreads - 1) / kThreads);
}

torch::ScalarType compute_type(const torch::Tensor& t) {
  return t.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
}

torch::Tensor channels_last(const torch::Tensor& t, torch::ScalarType type) {
  return t.to(type).contiguous(at::MemoryFormat::ChannelsLast);
}

// One block a pixel, one warp a displacement, one lane a channel. All tensors N×H×W×C.
template <typename T>
__global__ void correlation_forward(const T* a, const T* b, T* out, int height, int width,
                                    int channels, int steps, int stride) {
  const int x = blockIdx.x, y = blockIdx.y, n = blockIdx.z;
  const int side = 2 * steps + 1, lane = threadIdx.x % kWarp;
  const std::int64_t pixel = (std::int64_t{n} * height + y) * width + x;
  for (int d = threadIdx.x / kWarp; d < side * side; d += blockDim.x / kWarp) {
    const int by = y + (d / side - steps) * stride, bx = x + (d % side - steps) * stride;
    T sum = 0;
    if (by >= 0 && by < height && bx >= 0 && bx < width) {
      const T* va = a + pixel * channels;
      const T* vb = b + ((std::int64_t{n} * height + by) * width + bx) * channels;
      for (int c = lane; c < channels; c += kWarp) sum += va[c] * vb[c];
    }
    for (int step = kWarp / 2; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffU, sum, step);
    if (lane == 0) out[pixel * side * side + d] = sum / static_cast<T>(channels);
  }
}

// One block a pixel, threads over channels. sign +1: gradient of a; −1: gradient of b.
template <typename T>
__global__ void correlation_gradient(const T* grad, const T* other, T* out, int height, int width,
                                     int channels, int steps, int stride, int sign) {
  const int x = blockIdx.x, y = blockIdx.y, n = blockIdx.z;
  const int side = 2 * steps + 1;
  const std::int64_t image = std::int64_t{n} * height * width;
  for (int c = threadIdx.x; c < channels; c += blockDim.x) {
    T sum = 0;
    for (int d = 0; d < side * side; ++d) {
      const int oy = y + sign * (d / side - steps) * stride;
      const int ox = x + sign * (d % side - steps) * stride;
      if (oy < 0 || oy >= height || ox < 0 || ox >= width) continue;
      const std::int64_t other_pixel = image + std::int64_t{oy} * width + ox;
      const std::int64_t at = sign > 0 ? image + std::int64_t{y} * width + x : other_pixel;
      sum += grad[at * side * side + d] * other[other_pixel * channels + c];
    }
    out[(image + std::int64_t{y} * width + x) * channels + c] = sum / static_cast<T>(channels);
  }
}

template <typename T>
struct Taps {
  int x0, x1, y0, y1;
  T fx, fy;
};

// The same clamping as on the CPU: first the position, so that no conversion overflows, then
// each tap.
template <typename T>
__device__ Taps<T> find_taps(T px, T py, int height, int width) {
  px = px > T{-1} ? px : T{-1};
  px = px < static_cast<T>(width) ? px : static_cast<T>(width);
  py = py > T{-1} ? py : T{-1};
  py = py < static_cast<T>(height) ? py : static_cast<T>(height);
  const int ix = static_cast<int>(px + T{1}) - 1, iy = static_cast<int>(py + T{1}) - 1;
  return {min(max(ix, 0), width - 1),  min(max(ix + 1, 0), width - 1),
          min(max(iy, 0), height - 1), min(max(iy + 1, 0), height - 1),
          px - static_cast<T>(ix),     py - static_cast<T>(iy)};
}

/// Element strides of an N×C×H×W tensor, so that both layouts are read as they are.
struct Strides {
  std::int64_t n, c, y, x;
};

Strides strides_of(const torch::Tensor& t) {
  return {t.stride(0), t.stride(1), t.stride(2), t.stride(3)};
}

template <typename T>
__global__ void resample_forward(const T* image, Strides is, const T* flow, T* out, Strides os,
                                 std::int64_t pixels, int channels, int height, int width) {
  const std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= pixels) return;
  const int x = static_cast<int>(i % width), y = static_cast<int>(i / width % height);
  const std::int64_t plane = std::int64_t{height} * width, n = i / plane;
  const T* f = flow + n * 2 * plane + std::int64_t{y} * width + x;
  const auto t =
      find_taps<T>(static_cast<T>(x) + f[0], static_cast<T>(y) + f[plane], height, width);
  for (int c = 0; c < channels; ++c) {
    const T* p = image + n * is.n + c * is.c;
    const T p00 = p[t.y0 * is.y + t.x0 * is.x], p01 = p[t.y0 * is.y + t.x1 * is.x];
    const T p10 = p[t.y1 * is.y + t.x0 * is.x], p11 = p[t.y1 * is.y + t.x1 * is.x];
    const T top = p00 + t.fx * (p01 - p00), bottom = p10 + t.fx * (p11 - p10);
    out[n * os.n + c * os.c + y * os.y + x * os.x] = top + t.fy * (bottom - top);
  }
}

template <typename T>
__global__ void resample_gradient(const T* grad, const T* image, const T* flow, T* grad_image,
                                  T* grad_flow, std::int64_t pixels, int channels, int height,
                                  int width) {
  const std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= pixels) return;
  const int x = static_cast<int>(i % width), y = static_cast<int>(i / width % height);
  const std::int64_t plane = std::int64_t{height} * width, n = i / plane;
  const std::int64_t here = std::int64_t{y} * width + x;
  const T* f = flow + n * 2 * plane + here;
  const auto t =
      find_taps<T>(static_cast<T>(x) + f[0], static_cast<T>(y) + f[plane], height, width);
  const std::int64_t i00 = std::int64_t{t.y0} * width + t.x0;
  const std::int64_t i01 = std::int64_t{t.y0} * width + t.x1;
  const std::int64_t i10 = std::int64_t{t.y1} * width + t.x0;
  const std::int64_t i11 = std::int64_t{t.y1} * width + t.x1;
  T gx = 0, gy = 0;
  for (int c = 0; c < channels; ++c) {
    const std::int64_t base = (n * channels + c) * plane;
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

dim3 pixel_grid(const torch::Tensor& t) {
  return dim3(static_cast<unsigned>(t.size(3)), static_cast<unsigned>(t.size(2)),
              static_cast<unsigned>(t.size(0)));
}

torch::Tensor correlation_cuda(const torch::Tensor& a, const torch::Tensor& b, int steps,
                               int stride) {
  const c10::cuda::CUDAGuard guard(a.device());
  const auto type = compute_type(a);
  const auto fa = channels_last(a, type), fb = channels_last(b, type);
  const std::int64_t side = 2 * steps + 1;
  auto out = torch::empty({a.size(0), side * side, a.size(2), a.size(3)},
                          fa.options().memory_format(at::MemoryFormat::ChannelsLast));
  if (out.numel() == 0) return out.to(a.scalar_type());
  AT_DISPATCH_FLOATING_TYPES(type, "correlation", [&] {
    correlation_forward<scalar_t><<<pixel_grid(a), kThreads, 0, at::cuda::getCurrentCUDAStream()>>>(
        fa.data_ptr<scalar_t>(), fb.data_ptr<scalar_t>(), out.data_ptr<scalar_t>(),
        static_cast<int>(a.size(2)), static_cast<int>(a.size(3)), static_cast<int>(a.size(1)),
        steps, stride);
  });
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  return out.to(a.scalar_type());
}

std::pair<torch::Tensor, torch::Tensor> correlation_backward_cuda(const torch::Tensor& grad,
                                                                  const torch::Tensor& a,
                                                                  const torch::Tensor& b, int steps,
                                                                  int stride) {
  const c10::cuda::CUDAGuard guard(a.device());
  const auto type = compute_type(a);
  const auto fa = channels_last(a, type), fb = channels_last(b, type);
  const auto fg = channels_last(grad, type);
  auto grad_a = torch::zeros_like(fa), grad_b = torch::zeros_like(fb);
  const int height = static_cast<int>(a.size(2)), width = static_cast<int>(a.size(3)),
            channels = static_cast<int>(a.size(1));
  if (a.numel() > 0) {
    const auto stream = at::cuda::getCurrentCUDAStream();
    AT_DISPATCH_FLOATING_TYPES(type, "correlation_backward", [&] {
      correlation_gradient<scalar_t><<<pixel_grid(a), kThreads, 0, stream>>>(
          fg.data_ptr<scalar_t>(), fb.data_ptr<scalar_t>(), grad_a.data_ptr<scalar_t>(), height,
          width, channels, steps, stride, +1);
      correlation_gradient<scalar_t><<<pixel_grid(a), kThreads, 0, stream>>>(
          fg.data_ptr<scalar_t>(), fa.data_ptr<scalar_t>(), grad_b.data_ptr<scalar_t>(), height,
          width, channels, steps, stride, -1);
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
  }
  return {grad_a.to(a.scalar_type()), grad_b.to(b.scalar_type())};
}

torch::Tensor resample_cuda(const torch::Tensor& image, const torch::Tensor& flow) {
  const c10::cuda::CUDAGuard guard(image.device());
  const auto type = compute_type(image);
  const auto format = image.suggest_memory_format();
  const auto source = image.to(type).contiguous(format), motion = flow.to(type).contiguous();
  auto out = torch::empty(image.sizes(), source.options().memory_format(format));
  const std::int64_t pixels = image.size(0) * image.size(2) * image.size(3);
  if (out.numel() > 0) {
    AT_DISPATCH_FLOATING_TYPES(type, "resample", [&] {
      resample_forward<scalar_t>
          <<<blocks_for(pixels), kThreads, 0, at::cuda::getCurrentCUDAStream()>>>(
              source.data_ptr<scalar_t>(), strides_of(source), motion.data_ptr<scalar_t>(),
              out.data_ptr<scalar_t>(), strides_of(out), pixels, static_cast<int>(image.size(1)),
              static_cast<int>(image.size(2)), static_cast<int>(image.size(3)));
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
  }
  return out.to(image.scalar_type());
}

std::pair<torch::Tensor, torch::Tensor> resample_backward_cuda(const torch::Tensor& grad,
                                                               const torch::Tensor& image,
                                                               const torch::Tensor& flow,
                                                               bool need_image, bool need_flow) {
  const c10::cuda::CUDAGuard guard(image.device());
  const auto type = compute_type(image);
  const auto g = grad.to(type).contiguous(), source = image.to(type).contiguous();
  const auto motion = flow.to(type).contiguous();
  torch::Tensor grad_image, grad_flow;
  if (need_image) grad_image = torch::zeros_like(source);
  if (need_flow) grad_flow = torch::zeros_like(motion);
  const std::int64_t pixels = image.size(0) * image.size(2) * image.size(3);
  if (source.numel() > 0) {
    AT_DISPATCH_FLOATING_TYPES(type, "resample_backward", [&] {
      resample_gradient<scalar_t>
          <<<blocks_for(pixels), kThreads, 0, at::cuda::getCurrentCUDAStream()>>>(
              g.data_ptr<scalar_t>(), source.data_ptr<scalar_t>(), motion.data_ptr<scalar_t>(),
              need_image ? grad_image.data_ptr<scalar_t>() : nullptr,
              need_flow ? grad_flow.data_ptr<scalar_t>() : nullptr, pixels,
              static_cast<int>(image.size(1)), static_cast<int>(image.size(2)),
              static_cast<int>(image.size(3)));
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
  }
  if (need_image) grad_image = grad_image.to(image.scalar_type());
  if (need_flow) grad_flow = grad_flow.to(flow.scalar_type());
  return {grad_image, grad_flow};
}

torch::Tensor channel_norm_cuda(const torch::Tensor& x) {
  const auto wide = x.to(compute_type(x));
  return wide.square().sum(1, true).sqrt_().to(x.scalar_type());
}

torch::Tensor channel_norm_backward_cuda(const torch::Tensor& grad, const torch::Tensor& x,
                                         const torch::Tensor& norm) {
  return x * torch::where(norm > 0, grad / norm, torch::zeros_like(grad));
}

}  // namespace
}  // namespace semcodec::kernels

/// What dispatch.cpp looks up once the library is loaded.
extern "C" const semcodec::kernels::FlowKernels* semcodec_cuda_flow_kernels() {
  using namespace semcodec::kernels;
  static const FlowKernels table{correlation_cuda,  correlation_backward_cuda,
                                 resample_cuda,     resample_backward_cuda,
                                 channel_norm_cuda, channel_norm_backward_cuda};
  return &table;
}
