#include "training/data/intra_picture.h"

#include <cmath>

namespace semcodec {

namespace {

constexpr int kBlock = 16;

torch::Tensor cosine_basis() {
  auto basis = torch::empty({kBlock, kBlock});
  for (int k = 0; k < kBlock; ++k) {
    for (int n = 0; n < kBlock; ++n) {
      basis[k][n] = std::sqrt((k == 0 ? 1.0 : 2.0) / kBlock) *
                    std::cos(M_PI * (2 * n + 1) * k / (2.0 * kBlock));
    }
  }
  return basis;
}

/// One channel, 1×1×H×W, values 0..255.
torch::Tensor quantise_blocks(const torch::Tensor& plane, double step, int shift) {
  const auto basis = cosine_basis();
  const auto h = plane.size(2), w = plane.size(3);
  const auto blocks = torch::roll(plane, {-shift, -shift}, {2, 3})
                          .reshape({h / kBlock, kBlock, w / kBlock, kBlock})
                          .permute({0, 2, 1, 3});
  const auto coefficients = basis.matmul(blocks).matmul(basis.t());
  const auto frequency = torch::arange(kBlock, torch::kFloat32);
  const auto steps = step * (1.0 + 0.15 * (frequency.unsqueeze(0) + frequency.unsqueeze(1)));
  // Rounded towards zero by a sixth of a step, as encoders do to save bits.
  const auto scaled = coefficients / steps;
  const auto rounded = torch::sign(scaled) * torch::floor(scaled.abs() + 1.0 / 3) * steps;
  const auto back = basis.t().matmul(rounded).matmul(basis);
  return torch::roll(back.permute({0, 2, 1, 3}).reshape({1, 1, h, w}), {shift, shift}, {2, 3});
}

torch::Tensor degrade(const torch::Tensor& plane, double step) {
  return 0.5 * (quantise_blocks(plane, step, 0) + quantise_blocks(plane, step, kBlock / 2));
}

}  // namespace

torch::Tensor as_intra_picture(const torch::Tensor& picture, Random& random) {
  const torch::NoGradGuard guard;
  const double share = static_cast<double>(random.next() >> 11) * 0x1p-53;
  const double step = 12.0 * std::pow(12.0, share);
  const auto rgb = picture.to(torch::kFloat32) * 255.0;
  const auto r = rgb.narrow(1, 0, 1), g = rgb.narrow(1, 1, 1), b = rgb.narrow(1, 2, 1);
  const auto y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  const auto small = [&](const torch::Tensor& x) { return torch::avg_pool2d(x, 2); };
  const auto large = [&](const torch::Tensor& x) {
    return torch::upsample_bilinear2d(x, {y.size(2), y.size(3)}, false);
  };
  const auto luma = degrade(y, step);
  const auto blue = large(degrade(small((b - y) / 1.8556), 1.3 * step));
  const auto red = large(degrade(small((r - y) / 1.5748), 1.3 * step));
  const auto out_r = luma + 1.5748 * red, out_b = luma + 1.8556 * blue;
  const auto out_g = (luma - 0.2126 * out_r - 0.0722 * out_b) / 0.7152;
  return (torch::cat({out_r, out_g, out_b}, 1) / 255.0).clamp(0, 1);
}

}  // namespace semcodec
