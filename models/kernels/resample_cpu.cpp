// Resample2d on the CPU. Positions and weights are computed once per pixel and used for all
// channels; the layout of the image decides whether the inner loop runs over pixels or channels.

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "common/core/error.h"
#include "models/kernels/cpu_kernels.h"

namespace semcodec::kernels {
namespace {

/// Taps of one row: index of the upper left tap's row and column, steps to the other taps (0 at
/// the border) and the two fractions. Separate arrays, so that loops over x vectorise.
template <typename T>
struct RowTaps {
  explicit RowTaps(std::int64_t width)
      : index(static_cast<std::size_t>(width)),
        right(index.size()),
        down(index.size()),
        fx(index.size()),
        fy(index.size()) {}
  std::vector<std::int32_t> index, right, down;
  std::vector<T> fx, fy;
};

template <typename T>
inline __attribute__((always_inline)) void find_taps(
    const T* __restrict dx, const T* __restrict dy, std::int32_t y, std::int32_t height,
    std::int32_t width, std::int32_t* __restrict index, std::int32_t* __restrict right,
    std::int32_t* __restrict down, T* __restrict out_fx, T* __restrict out_fy) {
  const T max_x = static_cast<T>(width), max_y = static_cast<T>(height);
  for (std::int32_t x = 0; x < width; ++x) {
    // Written so that a NaN takes the second operand; one pixel beyond the border is enough.
    T px = static_cast<T>(x) + dx[x], py = static_cast<T>(y) + dy[x];
    px = px > T{-1} ? px : T{-1};
    px = px < max_x ? px : max_x;
    py = py > T{-1} ? py : T{-1};
    py = py < max_y ? py : max_y;
    // Floor by truncation of a value that is never negative.
    const std::int32_t ix = static_cast<std::int32_t>(px + T{1}) - 1;
    const std::int32_t iy = static_cast<std::int32_t>(py + T{1}) - 1;
    out_fx[x] = px - static_cast<T>(ix);
    out_fy[x] = py - static_cast<T>(iy);
    const std::int32_t x0 = std::min(std::max(ix, 0), width - 1);
    const std::int32_t x1 = std::min(std::max(ix + 1, 0), width - 1);
    const std::int32_t y0 = std::min(std::max(iy, 0), height - 1);
    const std::int32_t y1 = std::min(std::max(iy + 1, 0), height - 1);
    index[x] = y0 * width + x0;
    right[x] = x1 - x0;
    down[x] = (y1 - y0) * width;
  }
}

template <typename T>
inline __attribute__((always_inline)) void blend_plane(
    const T* __restrict plane, T* __restrict out, std::int64_t width,
    const std::int32_t* __restrict index, const std::int32_t* __restrict right,
    const std::int32_t* __restrict down, const T* __restrict fx, const T* __restrict fy) {
  for (std::int64_t x = 0; x < width; ++x) {
    const std::int32_t i = index[x], r = right[x], d = down[x];
    const T top = plane[i] + fx[x] * (plane[i + r] - plane[i]);
    const T bottom = plane[i + d] + fx[x] * (plane[i + d + r] - plane[i + d]);
    out[x] = top + fy[x] * (bottom - top);
  }
}

template <typename T>
inline __attribute__((always_inline)) void blend_pixels(const T* __restrict image,
                                                        T* __restrict out, std::int64_t width,
                                                        std::int64_t channels,
                                                        const RowTaps<T>& taps) {
  for (std::int64_t x = 0; x < width; ++x) {
    const auto k = static_cast<std::size_t>(x);
    const T* __restrict p00 = image + std::int64_t{taps.index[k]} * channels;
    const T* __restrict p01 = p00 + std::int64_t{taps.right[k]} * channels;
    const T* __restrict p10 = p00 + std::int64_t{taps.down[k]} * channels;
    const T* __restrict p11 = p10 + std::int64_t{taps.right[k]} * channels;
    const T fx = taps.fx[k], fy = taps.fy[k];
    const T w00 = (1 - fx) * (1 - fy), w01 = fx * (1 - fy), w10 = (1 - fx) * fy, w11 = fx * fy;
    T* __restrict target = out + x * channels;
    for (std::int64_t c = 0; c < channels; ++c)
      target[c] = w00 * p00[c] + w01 * p01[c] + w10 * p10[c] + w11 * p11[c];
  }
}

SEMCODEC_VECTOR_CLONES
void taps_float(const float* dx, const float* dy, std::int32_t y, std::int32_t h, std::int32_t w,
                RowTaps<float>* t) {
  find_taps(dx, dy, y, h, w, t->index.data(), t->right.data(), t->down.data(), t->fx.data(),
            t->fy.data());
}
SEMCODEC_VECTOR_CLONES
void plane_float(const float* plane, float* out, std::int64_t width, const RowTaps<float>& t) {
  blend_plane(plane, out, width, t.index.data(), t.right.data(), t.down.data(), t.fx.data(),
              t.fy.data());
}
SEMCODEC_VECTOR_CLONES
void pixels_float(const float* image, float* out, std::int64_t width, std::int64_t channels,
                  const RowTaps<float>& t) {
  blend_pixels(image, out, width, channels, t);
}

template <typename T>
void row_taps(const T* dx, const T* dy, std::int64_t y, std::int64_t h, std::int64_t w,
              RowTaps<T>& t) {
  const auto iy = static_cast<std::int32_t>(y), ih = static_cast<std::int32_t>(h),
             iw = static_cast<std::int32_t>(w);
  if constexpr (std::is_same_v<T, float>) {
    taps_float(dx, dy, iy, ih, iw, &t);
  } else {
    find_taps(dx, dy, iy, ih, iw, t.index.data(), t.right.data(), t.down.data(), t.fx.data(),
              t.fy.data());
  }
}

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
      row_taps(dx, dx + h * w, y, h, w, taps);
      if (channels_last) {
        const T* source = pi + n * h * w * channels;
        T* target = po + r * w * channels;
        if constexpr (std::is_same_v<T, float>) {
          pixels_float(source, target, w, channels, taps);
        } else {
          blend_pixels(source, target, w, channels, taps);
        }
        continue;
      }
      for (std::int64_t c = 0; c < channels; ++c) {
        const T* source = pi + (n * channels + c) * h * w;
        T* target = po + (n * channels + c) * h * w + y * w;
        if constexpr (std::is_same_v<T, float>) {
          plane_float(source, target, w, taps);
        } else {
          blend_plane(source, target, w, taps.index.data(), taps.right.data(), taps.down.data(),
                      taps.fx.data(), taps.fy.data());
        }
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
      row_taps(dx, dx + h * w, y, h, w, taps);
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

torch::ScalarType compute_type(const torch::Tensor& image) {
  require(image.size(2) * image.size(3) < (std::int64_t{1} << 31), ErrorKind::unsupported,
          "Warping takes images of less than 2^31 pixels.");
  return image.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
}

}  // namespace

torch::Tensor resample_cpu(const torch::Tensor& image, const torch::Tensor& flow) {
  const auto type = compute_type(image);
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
  const auto type = compute_type(image);
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
