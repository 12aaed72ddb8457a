// The CUDA versions of dispatch.h, for libsemcodec_cuda.so: the table, and the operators on
// tensors. The kernels themselves are in flow_kernels.cuh (warping, channel norm) and
// correlation_*.cuh. Half types are read and written as they are; arithmetic is in float
// (double for double).

#include <ATen/Dispatch.h>
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <torch/torch.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "common/cuda/launch.cuh"
#include "models/kernels/correlation_float.cuh"
#include "models/kernels/correlation_half.cuh"
#include "models/kernels/correlation_kernels.cuh"
#include "models/kernels/dispatch.h"
#include "models/kernels/flow_kernels.cuh"

namespace semcodec::kernels {
namespace {

torch::ScalarType compute_type(const torch::Tensor& t) {
  return t.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
}

Strides strides_of(const torch::Tensor& t) {
  return {t.stride(0), t.stride(1), t.stride(2), t.stride(3)};
}

PictureShape shape_of(const torch::Tensor& t) {
  return {static_cast<int>(t.size(0)), static_cast<int>(t.size(1)), static_cast<int>(t.size(2)),
          static_cast<int>(t.size(3))};
}

/// Blocks for `items` a row (of which a block takes `per_block`), rows and pictures. The kernels go
/// on in steps of the grid, so its limits do not limit the sizes.
dim3 grid_for(std::int64_t items, int per_block, const PictureShape& shape) {
  constexpr std::int64_t kMost = 65535;  // of y and z
  const std::int64_t rows = (shape.height + kTileRows - 1) / kTileRows;
  return dim3(static_cast<unsigned>((items + per_block - 1) / per_block),
              static_cast<unsigned>(std::min(rows, kMost)),
              static_cast<unsigned>(std::min<std::int64_t>(shape.pictures, kMost)));
}

/// Starts a kernel; throws c10::Error when CUDA refuses.
template <typename... Parameters, typename... Values>
void start(void (*kernel)(Parameters...), dim3 grid, dim3 block, cudaStream_t stream,
           Values&&... values) {
  C10_CUDA_CHECK(cuda::launch(kernel, grid, block, 0, stream, std::forward<Values>(values)...));
}

/// Whether every row, pixel or plane that a vector of `bytes` would be read from begins at a
/// multiple of it.
bool aligned(const torch::Tensor& t, std::size_t bytes) {
  return reinterpret_cast<std::uintptr_t>(t.const_data_ptr()) % bytes == 0;
}

/// Starts the fastest kernel that takes these sizes; all tensors N×H×W×C without gaps.
template <typename T>
void launch_correlation(const T* a, const T* b, T* out, const PictureShape& shape, int steps,
                        int stride, bool whole_units) {
  const auto stream = at::cuda::getCurrentCUDAStream();
  if (steps == 0) stride = 1;  // it means nothing then, and one lattice is faster than many
  if constexpr (std::is_same_v<T, float>) {
    if (whole_units && correlation_float_fits(shape, steps)) {
      C10_CUDA_CHECK(launch_correlation_float(a, b, out, shape, steps, stride, stream));
      return;
    }
  } else if constexpr (!std::is_same_v<T, double>) {
    using Native = std::conditional_t<std::is_same_v<T, at::Half>, __half, __nv_bfloat16>;
    if (whole_units && correlation_half_fits(shape, steps)) {
      C10_CUDA_CHECK(launch_correlation_half(
          reinterpret_cast<const Native*>(a), reinterpret_cast<const Native*>(b),
          reinterpret_cast<Native*>(out), shape, steps, stride, stream));
      return;
    }
  }
  const std::int64_t side = 2 * std::int64_t{steps} + 1;
  const std::int64_t results =
      std::int64_t{shape.pictures} * shape.height * shape.width * side * side;
  const auto blocks = static_cast<unsigned>(
      std::min<std::int64_t>((results + kThreads - 1) / kThreads, std::int64_t{1} << 20));
  start(correlation_plain<T>, blocks, kThreads, stream, a, b, out, shape, steps, stride);
}

torch::Tensor correlation_cuda(const torch::Tensor& a, const torch::Tensor& b, int steps,
                               int stride) {
  const c10::cuda::CUDAGuard guard(a.device());
  const auto fa = a.contiguous(at::MemoryFormat::ChannelsLast);
  const auto fb = b.contiguous(at::MemoryFormat::ChannelsLast);
  const std::int64_t side = 2 * std::int64_t{steps} + 1;
  auto out = torch::empty({a.size(0), side * side, a.size(2), a.size(3)},
                          fa.options().memory_format(at::MemoryFormat::ChannelsLast));
  if (out.numel() == 0) return out;
  AT_DISPATCH_FLOATING_TYPES_AND2(
      torch::kHalf, torch::kBFloat16, a.scalar_type(), "correlation", [&] {
        launch_correlation(fa.const_data_ptr<scalar_t>(), fb.const_data_ptr<scalar_t>(),
                           out.mutable_data_ptr<scalar_t>(), shape_of(a), steps, stride,
                           aligned(fa, 16) && aligned(fb, 16));
      });
  return out;
}

std::pair<torch::Tensor, torch::Tensor> correlation_backward_cuda(const torch::Tensor& grad,
                                                                  const torch::Tensor& a,
                                                                  const torch::Tensor& b, int steps,
                                                                  int stride) {
  const c10::cuda::CUDAGuard guard(a.device());
  const auto type = compute_type(a);
  const auto dense = [&](const torch::Tensor& t) {
    return t.to(type).contiguous(at::MemoryFormat::ChannelsLast);
  };
  const auto fa = dense(a), fb = dense(b), fg = dense(grad);
  const auto options = fa.options().memory_format(at::MemoryFormat::ChannelsLast);
  auto grad_a = torch::empty(a.sizes(), options), grad_b = torch::empty(b.sizes(), options);
  const auto pixels = static_cast<unsigned>(a.size(0) * a.size(2) * a.size(3));
  if (a.numel() > 0) {
    const auto stream = at::cuda::getCurrentCUDAStream();
    const PictureShape shape = shape_of(a);
    AT_DISPATCH_FLOATING_TYPES(type, "correlation_backward", [&] {
      start(correlation_gradient<scalar_t>, pixels, kThreads, stream, fg.const_data_ptr<scalar_t>(),
            fb.const_data_ptr<scalar_t>(), grad_a.mutable_data_ptr<scalar_t>(), shape, steps,
            stride, +1);
      start(correlation_gradient<scalar_t>, pixels, kThreads, stream, fg.const_data_ptr<scalar_t>(),
            fa.const_data_ptr<scalar_t>(), grad_b.mutable_data_ptr<scalar_t>(), shape, steps,
            stride, -1);
    });
  }
  return {grad_a.to(a.scalar_type()), grad_b.to(b.scalar_type())};
}

/// T: of the picture, F: of the flow. All without gaps.
template <typename T, typename F, bool kLast>
void launch_resample_pixels(const torch::Tensor& image, const torch::Tensor& flow,
                            torch::Tensor& out) {
  const PictureShape shape = shape_of(image);
  const auto go = [&](auto kernel, int pixels) {
    start(kernel, grid_for(shape.width, kTileWidth * pixels, shape), dim3(kTileWidth, kTileRows),
          at::cuda::getCurrentCUDAStream(), image.const_data_ptr<T>(), flow.const_data_ptr<F>(),
          out.mutable_data_ptr<T>(), shape);
  };
  constexpr int kPair = 2;
  const bool pairs = shape.channels == 3 && shape.width % kPair == 0 &&
                     aligned(flow, kPair * sizeof(F)) && aligned(out, kPair * sizeof(T));
  if (pairs) return go(resample_pixels<T, F, 3, kPair, kLast>, kPair);
  go(resample_pixels<T, F, 0, 1, kLast>, 1);
}

/// T: of the picture, F: of the flow.
template <typename T, typename F>
void launch_resample(const torch::Tensor& image, const torch::Tensor& flow, torch::Tensor& out,
                     bool channels_last) {
  const PictureShape shape = shape_of(image);
  const auto stream = at::cuda::getCurrentCUDAStream();
  const T* from = image.const_data_ptr<T>();
  const F* motion = flow.const_data_ptr<F>();
  T* to = out.mutable_data_ptr<T>();
  constexpr int kVector = 16 / sizeof(T);
  // A thread a pixel for planes and for few channels; else neighbouring threads read neighbouring
  // channels of one pixel.
  if (!channels_last) {
    launch_resample_pixels<T, F, false>(image, flow, out);
  } else if (shape.channels <= 4) {
    launch_resample_pixels<T, F, true>(image, flow, out);
  } else if (shape.channels % kVector == 0 && aligned(image, 16) && aligned(out, 16)) {
    const std::int64_t items = std::int64_t{shape.width} * (shape.channels / kVector);
    const dim3 block(kTileWidth, kTileRows);
    start(resample_channels<T, F, kVector>, grid_for(items, kTileWidth, shape), block, stream, from,
          motion, to, shape);
  } else {
    const std::int64_t items = std::int64_t{shape.width} * shape.channels;
    const dim3 block(kTileWidth, kTileRows);
    start(resample_channels<T, F, 1>, grid_for(items, kTileWidth, shape), block, stream, from,
          motion, to, shape);
  }
}

torch::Tensor resample_cuda(const torch::Tensor& image, const torch::Tensor& flow) {
  const c10::cuda::CUDAGuard guard(image.device());
  const auto format = image.suggest_memory_format();
  const auto source = image.contiguous(format);
  // The flow is read in its own type where that is the picture's, else in the type of arithmetic.
  const auto type = image.scalar_type(), wide = compute_type(image);
  const auto motion = flow.to(flow.scalar_type() == type ? type : wide).contiguous();
  auto out = torch::empty(image.sizes(), source.options().memory_format(format));
  if (out.numel() == 0) return out;
  // Offsets inside a picture are 32-bit numbers, positions floats.
  TORCH_CHECK(
      image.size(1) * image.size(2) * image.size(3) <= std::numeric_limits<int>::max() &&
          std::max(image.size(2), image.size(3)) < (1 << 22),
      "A picture to warp is larger than 2^31 values or 2^22 pixels a side; make it smaller.");
  const bool last = format == at::MemoryFormat::ChannelsLast;
  AT_DISPATCH_FLOATING_TYPES_AND2(torch::kHalf, torch::kBFloat16, type, "resample", [&] {
    using Wide = Arithmetic<scalar_t>;
    if (motion.scalar_type() == type) {
      launch_resample<scalar_t, scalar_t>(source, motion, out, last);
    } else {
      launch_resample<scalar_t, Wide>(source, motion, out, last);
    }
  });
  return out;
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
  // In float also for half types: thousands of additions may meet in one pixel.
  if (need_image) grad_image = torch::zeros_like(source);
  if (need_flow) grad_flow = torch::zeros_like(motion);
  if (source.numel() > 0) {
    const PictureShape shape = shape_of(image);
    const dim3 block(kTileWidth, kTileRows);
    AT_DISPATCH_FLOATING_TYPES(type, "resample_backward", [&] {
      start(resample_gradient<scalar_t>, grid_for(shape.width, kTileWidth, shape), block,
            at::cuda::getCurrentCUDAStream(), g.const_data_ptr<scalar_t>(),
            source.const_data_ptr<scalar_t>(), motion.const_data_ptr<scalar_t>(),
            need_image ? grad_image.mutable_data_ptr<scalar_t>() : nullptr,
            need_flow ? grad_flow.mutable_data_ptr<scalar_t>() : nullptr, shape);
    });
  }
  if (need_image) grad_image = grad_image.to(image.scalar_type());
  if (need_flow) grad_flow = grad_flow.to(flow.scalar_type());
  return {grad_image, grad_flow};
}

torch::Tensor channel_norm_cuda(const torch::Tensor& x) {
  const c10::cuda::CUDAGuard guard(x.device());
  auto norm = torch::empty({x.size(0), 1, x.size(2), x.size(3)},
                           x.options().memory_format(at::MemoryFormat::Contiguous));
  if (norm.numel() == 0) return norm;
  const PictureShape shape = shape_of(x);
  const auto stream = at::cuda::getCurrentCUDAStream();
  const dim3 block(kTileWidth, kTileRows);
  AT_DISPATCH_FLOATING_TYPES_AND2(
      torch::kHalf, torch::kBFloat16, x.scalar_type(), "channel_norm", [&] {
        // Vectors of pixels where rows lie without gaps and begin at multiples of 16 bytes.
        constexpr int kVector = 16 / sizeof(scalar_t);
        const auto whole = [](std::int64_t n) { return n % kVector == 0; };
        const bool vectors = x.stride(3) == 1 && whole(x.size(3)) && whole(x.stride(2)) &&
                             whole(x.stride(1)) && whole(x.stride(0)) && aligned(x, 16) &&
                             aligned(norm, 16);
        const auto* from = x.const_data_ptr<scalar_t>();
        auto* to = norm.mutable_data_ptr<scalar_t>();
        if (vectors) {
          start(channel_norm_forward<scalar_t, kVector>,
                grid_for(shape.width / kVector, kTileWidth, shape), block, stream, from,
                strides_of(x), to, shape);
        } else {
          start(channel_norm_forward<scalar_t, 1>, grid_for(shape.width, kTileWidth, shape), block,
                stream, from, strides_of(x), to, shape);
        }
      });
  return norm;
}

torch::Tensor channel_norm_backward_cuda(const torch::Tensor& grad, const torch::Tensor& x,
                                         const torch::Tensor& norm) {
  const c10::cuda::CUDAGuard guard(x.device());
  auto out = torch::empty(x.sizes(), x.options().memory_format(x.suggest_memory_format()));
  if (out.numel() == 0) return out;
  const auto g = grad.to(x.scalar_type()).contiguous(), length = norm.contiguous();
  const PictureShape shape = shape_of(x);
  const dim3 block(kTileWidth, kTileRows);
  AT_DISPATCH_FLOATING_TYPES_AND2(
      torch::kHalf, torch::kBFloat16, x.scalar_type(), "channel_norm_backward", [&] {
        start(channel_norm_gradient<scalar_t>, grid_for(shape.width, kTileWidth, shape), block,
              at::cuda::getCurrentCUDAStream(), g.const_data_ptr<scalar_t>(),
              x.const_data_ptr<scalar_t>(), strides_of(x), length.const_data_ptr<scalar_t>(),
              out.mutable_data_ptr<scalar_t>(), strides_of(out), shape);
      });
  return out;
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
