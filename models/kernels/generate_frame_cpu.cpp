// See generate_frame.h. Four floats at a time: the four components of a pixel when warping, the
// four sub-pixels of a folded cell when blending.

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "common/core/error.h"
#include "models/kernels/cpu_kernels.h"
#include "models/kernels/generate_frame.h"

namespace semcodec {
namespace {

using Four = float __attribute__((vector_size(16)));
using FourInts = std::int32_t __attribute__((vector_size(16)));

inline Four load(const float* p) {
  Four v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, Four v) { std::memcpy(p, &v, sizeof v); }

inline float to_float(float v) { return v; }
inline float to_float(c10::BFloat16 v) {
  const std::uint32_t bits = std::uint32_t{v.x} << 16;
  float out;
  std::memcpy(&out, &bits, sizeof out);
  return out;
}
inline void put(float& to, float v) { to = v; }
inline void put(c10::BFloat16& to, float v) {
  std::uint32_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  to.x = static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);  // to even
}

/// e^x to 1e-6, for x in ±80: 2^(x log2 e), whole part by the exponent bits, rest by a polynomial.
inline Four exponential(Four x) {
  const Four y = x * 1.44269504F;
  const Four magic = Four{} + 12582912.0F;  // 1.5 * 2^23: adding it rounds to a whole number
  const Four whole = (y + magic) - magic;
  const Four f = y - whole;
  Four p = f * 0.0013333558F + 0.0096181291F;
  p = p * f + 0.0555041087F;
  p = p * f + 0.2402265070F;
  p = p * f + 0.6931471806F;
  p = p * f + 1.0F;
  FourInts bits;
  std::memcpy(&bits, &p, sizeof bits);
  bits += __builtin_convertvector(whole, FourInts) << 23;
  std::memcpy(&p, &bits, sizeof p);
  return p;
}

inline Four clamp(Four v, float low, float high) {
  v = v > low ? v : Four{} + low;
  return v < high ? v : Four{} + high;
}

/// One row of the flow at full size: bilinear between the centres of 4×4 cells.
inline __attribute__((always_inline)) void enlarge_flow_row(const float* flow, std::int64_t y,
                                                            std::int64_t rows, std::int64_t columns,
                                                            float* out) {
  const float at = (static_cast<float>(y) + 0.5F) * 0.25F - 0.5F;
  const float low = std::max(at, 0.0F);
  const auto y0 = static_cast<std::int64_t>(low);
  const auto y1 = std::min(y0 + 1, rows - 1);
  const float fy = low - static_cast<float>(y0);
  const float* top = flow + y0 * columns;
  const float* bottom = flow + y1 * columns;
  const auto value = [&](std::int64_t x) { return top[x] + fy * (bottom[x] - top[x]); };
  for (std::int64_t x = 0; x < columns; ++x) {
    const float here = value(x), left = value(std::max<std::int64_t>(x - 1, 0)),
                right = value(std::min(x + 1, columns - 1));
    out[4 * x] = here + 0.375F * (left - here);
    out[4 * x + 1] = here + 0.125F * (left - here);
    out[4 * x + 2] = here + 0.125F * (right - here);
    out[4 * x + 3] = here + 0.375F * (right - here);
  }
}

inline __attribute__((always_inline)) void warp_row(const float* pixels, const float* dx,
                                                    const float* dy, std::int64_t y,
                                                    std::int64_t height, std::int64_t width,
                                                    float* out) {
  const auto max_x = static_cast<float>(width), max_y = static_cast<float>(height);
  for (std::int64_t x = 0; x < width; ++x) {
    // Written so that a NaN takes the second operand; one pixel beyond the border is enough.
    float px = static_cast<float>(x) + dx[x], py = static_cast<float>(y) + dy[x];
    px = px > -1.0F ? px : -1.0F;
    px = px < max_x ? px : max_x;
    py = py > -1.0F ? py : -1.0F;
    py = py < max_y ? py : max_y;
    const auto ix = static_cast<std::int64_t>(px + 1.0F) - 1;
    const auto iy = static_cast<std::int64_t>(py + 1.0F) - 1;
    const float fx = px - static_cast<float>(ix), fy = py - static_cast<float>(iy);
    const auto x0 = std::clamp<std::int64_t>(ix, 0, width - 1),
               x1 = std::clamp<std::int64_t>(ix + 1, 0, width - 1),
               y0 = std::clamp<std::int64_t>(iy, 0, height - 1) * width,
               y1 = std::clamp<std::int64_t>(iy + 1, 0, height - 1) * width;
    const Four p00 = load(pixels + 4 * (y0 + x0)), p01 = load(pixels + 4 * (y0 + x1));
    const Four p10 = load(pixels + 4 * (y1 + x0)), p11 = load(pixels + 4 * (y1 + x1));
    const Four top = p00 + fx * (p01 - p00), bottom = p10 + fx * (p11 - p10);
    store(out + 4 * x, top + fy * (bottom - top));
  }
}

SEMCODEC_VECTOR_CLONES
void warp_one_row(const float* pixels, const float* flow, std::int64_t y, std::int64_t height,
                  std::int64_t width, float* dx, float* dy, float* out) {
  const std::int64_t rows = height / 4, columns = width / 4;
  enlarge_flow_row(flow, y, rows, columns, dx);
  enlarge_flow_row(flow + rows * columns, y, rows, columns, dy);
  warp_row(pixels, dx, dy, y, height, width, out);
}

/// Two warped rows into one row of folded cells.
template <typename T>
inline __attribute__((always_inline)) void fold_rows(const float* rows, std::int64_t width, T* out,
                                                     std::int64_t stride) {
  for (std::int64_t x = 0; x < width / 2; ++x, out += stride) {
    for (std::int64_t s = 0; s < 4; ++s) {
      const float* pixel = rows + 4 * ((s / 2) * width + 2 * x + s % 2);
      for (std::int64_t c = 0; c < 3; ++c) put(out[4 * c + s], pixel[c]);
    }
  }
}
SEMCODEC_VECTOR_CLONES
void fold_two_rows(const float* rows, std::int64_t width, c10::BFloat16* out, std::int64_t stride) {
  fold_rows(rows, width, out, stride);
}
SEMCODEC_VECTOR_CLONES
void fold_two_rows(const float* rows, std::int64_t width, float* out, std::int64_t stride) {
  fold_rows(rows, width, out, stride);
}

/// The same into words of pairs: word x of plane 2c + dy holds colour c of pixels 2x and 2x + 1.
SEMCODEC_VECTOR_CLONES
void fold_two_rows(const float* rows, std::int64_t width, std::uint32_t* out,
                   std::ptrdiff_t plane) {
  const auto rounded = [](float v) {
    std::uint32_t bits;
    std::memcpy(&bits, &v, sizeof bits);
    return (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;  // to even
  };
  for (std::int64_t c = 0; c < 3; ++c) {
    for (std::int64_t dy = 0; dy < 2; ++dy) {
      const float* from = rows + 4 * dy * width + c;
      std::uint32_t* to = out + (2 * c + dy) * plane;
      for (std::int64_t x = 0; x < width / 2; ++x) {
        to[x] = rounded(from[8 * x]) | rounded(from[8 * x + 4]) << 16;
      }
    }
  }
}

/// Four channels of a folded cell, channels last.
template <typename T>
struct LastChannels {
  const T* cell;
  Four four(std::int64_t c) const {
    const T* p = cell + c;
    return Four{to_float(p[0]), to_float(p[1]), to_float(p[2]), to_float(p[3])};
  }
  void next() { cell += 24; }
};

/// The same of pair planes.
struct PairChannels {
  const std::uint32_t* cell;
  std::ptrdiff_t plane;
  Four four(std::int64_t c) const {
    const std::uint32_t* p = cell + c / 2 * plane;
    const std::int32_t low = static_cast<std::int32_t>(p[0]),
                       high = static_cast<std::int32_t>(p[plane]);
    const FourInts bits{low << 16, low & ~0xffff, high << 16, high & ~0xffff};
    Four value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  void next() { ++cell; }
};

template <typename Heads>
inline __attribute__((always_inline)) void blend_rows(Heads heads, const float* a, const float* b,
                                                      std::int64_t width, float t,
                                                      std::uint8_t* out) {
  for (std::int64_t x = 0; x < width / 2; ++x, heads.next()) {
    const Four red = heads.four(0), green = heads.four(4), blue = heads.four(8);
    const Four wr = exponential(clamp(heads.four(12), -8, 8)) * 0.25F;
    const Four wa = exponential(clamp(heads.four(16), -8, 8)) * (1.0F - t);
    const Four wb = exponential(clamp(heads.four(20), -8, 8)) * t;
    const Four scale = 255.0F / (wa + wb + wr);
    for (std::int64_t s = 0; s < 4; ++s) {
      const std::int64_t at = (s / 2) * width + 2 * x + s % 2;
      const Four pa = load(a + 4 * at), pb = load(b + 4 * at);
      const Four added{red[s], green[s], blue[s], 0};
      const Four raw = pa * (1.0F - t) + pb * t + added;
      const Four value = clamp((pa * wa[s] + pb * wb[s] + raw * wr[s]) * scale[s] + 0.5F, 0, 255);
      for (std::int64_t c = 0; c < 3; ++c) {
        out[3 * at + c] = static_cast<std::uint8_t>(static_cast<std::int32_t>(value[c]));
      }
    }
  }
}
SEMCODEC_VECTOR_CLONES
void blend_two_rows(const c10::BFloat16* heads, const float* a, const float* b, std::int64_t width,
                    float t, std::uint8_t* out) {
  blend_rows(LastChannels<c10::BFloat16>{heads}, a, b, width, t, out);
}
SEMCODEC_VECTOR_CLONES
void blend_two_rows(const float* heads, const float* a, const float* b, std::int64_t width, float t,
                    std::uint8_t* out) {
  blend_rows(LastChannels<float>{heads}, a, b, width, t, out);
}
SEMCODEC_VECTOR_CLONES
void blend_two_rows(const PairChannels& heads, const float* a, const float* b, std::int64_t width,
                    float t, std::uint8_t* out) {
  blend_rows(heads, a, b, width, t, out);
}

void check(bool good) {
  require(good, ErrorKind::unsupported,
          "The fused generation on the CPU got tensors of a shape or type that it does not take.");
}

bool is_folded(const torch::Tensor& t, std::int64_t height, std::int64_t width) {
  return t.dim() == 4 && t.size(0) == 1 && t.size(2) == height / 2 && t.size(3) == width / 2 &&
         t.is_contiguous(at::MemoryFormat::ChannelsLast) && t.is_cpu() &&
         (t.scalar_type() == torch::kFloat || t.scalar_type() == torch::kBFloat16);
}

bool is_pixels(const torch::Tensor& t) {
  return t.dim() == 3 && t.size(2) == 4 && t.size(0) % 4 == 0 && t.size(1) % 4 == 0 &&
         t.scalar_type() == torch::kFloat && t.is_contiguous() && t.is_cpu();
}

}  // namespace

torch::Tensor to_pixels(const torch::Tensor& picture) {
  check(picture.dim() == 4 && picture.size(0) == 1 && picture.size(1) == 3 && picture.is_cpu());
  const auto rgb = picture.squeeze(0).to(torch::kFloat).permute({1, 2, 0});
  return torch::constant_pad_nd(rgb, {0, 1}).contiguous();
}

namespace {

/// Warps two rows at a time; `fold` (rows, y) takes each pair of them, y being the row of cells.
template <typename Fold>
torch::Tensor warp_rows(const torch::Tensor& pixels, const torch::Tensor& flow, const Fold& fold) {
  check(is_pixels(pixels));
  const std::int64_t h = pixels.size(0), w = pixels.size(1);
  check(flow.sizes() == at::IntArrayRef({1, 2, h / 4, w / 4}) && flow.is_cpu());
  const auto motion = flow.to(torch::kFloat).contiguous();
  auto out = torch::empty_like(pixels);
  at::parallel_for(0, h / 2, 8, [&](std::int64_t first, std::int64_t last) {
    std::vector<float> dx(static_cast<std::size_t>(w)), dy(dx.size());
    for (std::int64_t y = first; y < last; ++y) {
      float* rows = out.data_ptr<float>() + 8 * y * w;
      for (std::int64_t i = 0; i < 2; ++i) {
        warp_one_row(pixels.data_ptr<float>(), motion.data_ptr<float>(), 2 * y + i, h, w, dx.data(),
                     dy.data(), rows + 4 * i * w);
      }
      fold(rows, y);
    }
  });
  return out;
}

/// `row(y)`: the heads of a row of cells, as blend_two_rows() takes them.
template <typename Row>
torch::Tensor blend_all(const Row& row, const torch::Tensor& a, const torch::Tensor& b, float tau) {
  const std::int64_t h = a.size(0), w = a.size(1);
  auto out = torch::empty({h, w, 3}, torch::kUInt8);
  at::parallel_for(0, h / 2, 8, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t y = first; y < last; ++y) {
      blend_two_rows(row(y), a.data_ptr<float>() + 8 * y * w, b.data_ptr<float>() + 8 * y * w, w,
                     tau, out.data_ptr<std::uint8_t>() + 6 * y * w);
    }
  });
  return out;
}

}  // namespace

torch::Tensor warp_folded(const torch::Tensor& pixels, const torch::Tensor& flow,
                          torch::Tensor& folded, int64_t offset) {
  check(is_pixels(pixels));
  const std::int64_t w = pixels.size(1), stride = folded.size(1);
  check(is_folded(folded, pixels.size(0), w) && offset >= 0 && offset + 12 <= stride);
  const auto run = [&](auto* to) {
    return warp_rows(pixels, flow, [=](const float* rows, std::int64_t y) {
      fold_two_rows(rows, w, to + y * (w / 2) * stride + offset, stride);
    });
  };
  if (folded.scalar_type() == torch::kFloat) return run(folded.data_ptr<float>());
  return run(folded.data_ptr<c10::BFloat16>());
}

torch::Tensor warp_folded(const torch::Tensor& pixels, const torch::Tensor& flow,
                          const FoldedPairs& folded) {
  check(is_pixels(pixels));
  return warp_rows(pixels, flow, [&, w = pixels.size(1)](const float* rows, std::int64_t y) {
    fold_two_rows(rows, w, folded.first + y * folded.stride, folded.plane);
  });
}

torch::Tensor blend_to_bytes(const torch::Tensor& heads, const torch::Tensor& a,
                             const torch::Tensor& b, float tau) {
  check(is_pixels(a) && is_pixels(b) && a.sizes() == b.sizes());
  const std::int64_t w = a.size(1);
  check(is_folded(heads, a.size(0), w) && heads.size(1) == 24);
  const auto run = [&](const auto* from) {
    return blend_all([=](std::int64_t y) { return from + y * (w / 2) * 24; }, a, b, tau);
  };
  if (heads.scalar_type() == torch::kFloat) return run(heads.data_ptr<float>());
  return run(heads.data_ptr<c10::BFloat16>());
}

torch::Tensor blend_to_bytes(const ConstFoldedPairs& heads, const torch::Tensor& a,
                             const torch::Tensor& b, float tau) {
  check(is_pixels(a) && is_pixels(b) && a.sizes() == b.sizes());
  return blend_all(
      [&](std::int64_t y) {
        return PairChannels{heads.first + y * heads.stride, heads.plane};
      },
      a, b, tau);
}

}  // namespace semcodec
