// Resample2d on the CPU. Positions and weights are computed once per pixel and used for all
// channels; the layout of the image decides whether the inner loop runs over pixels or channels.

#include <ATen/Parallel.h>

#include <cstdint>

#include "common/core/error.h"
#include "common/cpu/warp_rows.h"
#include "models/kernels/cpu_kernels.h"

namespace semcodec::kernels {
namespace {

using cpu::RowTaps;

template <typename T>
void run_forward(const torch::Tensor& image, const torch::Tensor& flow, torch::Tensor& out,
                 bool channels_last) {
  const std::int64_t channels = image.size(1), h = image.size(2), w = image.size(3);
  const T* pi = image.data_ptr<T>();
  const T* pf = flow.data_ptr<T>();
  T* po = out.data_ptr<T>();
  at::parallel_for(0, image.size(0) * h, 4, [&](std::int64_t first, std::int64_t last) {
    RowTaps<T> taps(w);
    for (std::int64_t r = first; r < last; ++r) {
      const std::int64_t n = r / h, y = r % h;
      const T* dx = pf + n * 2 * h * w + y * w;
      cpu::find_taps(dx, dx + h * w, y, h, w, taps);
      if (channels_last) {
        const T* source = pi + n * h * w * channels;
        T* target = po + r * w * channels;
        cpu::warp_pixel_row(source, target, w, channels, taps);
        continue;
      }
      for (std::int64_t c = 0; c < channels; ++c) {
        const T* source = pi + (n * channels + c) * h * w;
        T* target = po + (n * channels + c) * h * w + y * w;
        cpu::warp_plane_row(source, target, w, taps);
      }
    }
  });
}

// One thread a picture: the additions into grad_image then never collide and keep their order.
template <typename T>
void run_backward(const torch::Tensor& grad, const torch::Tensor& image, const torch::Tensor& flow,
                  T* grad_image, T* grad_flow) {
  const std::int64_t channels = image.size(1), h = image.size(2), w = image.size(3);
  const T* pg = grad.data_ptr<T>();
  const T* pi = image.data_ptr<T>();
  const T* pf = flow.data_ptr<T>();
  at::parallel_for(0, image.size(0), 1, [&](std::int64_t first, std::int64_t last) {
    RowTaps<T> taps(w);
    for (std::int64_t r = first * h; r < last * h; ++r) {
      const std::int64_t n = r / h, y = r % h;
      const T* dx = pf + n * 2 * h * w + y * w;
      cpu::find_taps(dx, dx + h * w, y, h, w, taps);
      for (std::int64_t c = 0; c < channels; ++c) {
        const std::int64_t plane = (n * channels + c) * h * w;
        const T* g = pg + plane + y * w;
        for (std::int64_t x = 0; x < w; ++x) {
          const auto k = static_cast<std::size_t>(x);
          const std::int64_t i = taps.index[k], right = taps.right[k], down = taps.down[k];
          const T fx = taps.fx[k], fy = taps.fy[k];
          if (grad_image != nullptr) {
            T* gi = grad_image + plane;
            gi[i] += g[x] * (1 - fx) * (1 - fy);
            gi[i + right] += g[x] * fx * (1 - fy);
            gi[i + down] += g[x] * (1 - fx) * fy;
            gi[i + down + right] += g[x] * fx * fy;
          }
          if (grad_flow != nullptr) {
            const T* p = pi + plane;
            T* gf = grad_flow + n * 2 * h * w + y * w + x;
            gf[0] += g[x] *
                     ((1 - fy) * (p[i + right] - p[i]) + fy * (p[i + down + right] - p[i + down]));
            gf[h * w] += g[x] * ((1 - fx) * (p[i + down] - p[i]) +
                                 fx * (p[i + down + right] - p[i + right]));
          }
        }
      }
    }
  });
}

torch::ScalarType warp_type(const torch::Tensor& image) {
  require(image.size(2) * image.size(3) < (std::int64_t{1} << 31), ErrorKind::unsupported,
          "Warping takes images of less than 2^31 pixels.");
  return image.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
}

}  // namespace

torch::Tensor resample_cpu(const torch::Tensor& image, const torch::Tensor& flow) {
  const auto type = warp_type(image);
  const bool last = image.suggest_memory_format() == at::MemoryFormat::ChannelsLast;
  const auto format = last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  const auto source = image.to(type).contiguous(format);
  const auto motion = flow.to(type).contiguous();
  auto out = torch::empty(image.sizes(), source.options().memory_format(format));
  if (type == torch::kDouble) {
    run_forward<double>(source, motion, out, last);
  } else {
    run_forward<float>(source, motion, out, last);
  }
  return out.to(image.scalar_type());
}

std::pair<torch::Tensor, torch::Tensor> resample_backward_cpu(const torch::Tensor& grad,
                                                              const torch::Tensor& image,
                                                              const torch::Tensor& flow,
                                                              bool need_image, bool need_flow) {
  const auto type = warp_type(image);
  const auto g = grad.to(type).contiguous(), source = image.to(type).contiguous();
  const auto motion = flow.to(type).contiguous();
  torch::Tensor grad_image, grad_flow;
  if (need_image) grad_image = torch::zeros_like(source);
  if (need_flow) grad_flow = torch::zeros_like(motion);
  if (type == torch::kDouble) {
    run_backward<double>(g, source, motion, need_image ? grad_image.data_ptr<double>() : nullptr,
                         need_flow ? grad_flow.data_ptr<double>() : nullptr);
  } else {
    run_backward<float>(g, source, motion, need_image ? grad_image.data_ptr<float>() : nullptr,
                        need_flow ? grad_flow.data_ptr<float>() : nullptr);
  }
  if (need_image) grad_image = grad_image.to(image.scalar_type());
  if (need_flow) grad_flow = grad_flow.to(flow.scalar_type());
  return {grad_image, grad_flow};
}

}  // namespace semcodec::kernels
