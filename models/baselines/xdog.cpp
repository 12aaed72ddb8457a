#include "models/baselines/xdog.h"

#include <cmath>
#include <vector>

namespace semcodec {

namespace {

constexpr double kSigma = 0.8, kRatio = 1.6, kSharpness = 20, kThreshold = 0.6, kSlope = 10;

/// Blurs N×1×H×W; borders are mirrored.
torch::Tensor blurred(const torch::Tensor& luma, double sigma) {
  const auto radius = static_cast<std::int64_t>(std::ceil(3 * sigma));
  const auto place = torch::arange(-radius, radius + 1, luma.options());
  auto window = torch::exp(-place.square() / (2 * sigma * sigma));
  window = window / window.sum();
  const std::vector<std::int64_t> border(4, radius);
  const auto x = torch::reflection_pad2d(luma, border);
  return torch::conv2d(torch::conv2d(x, window.view({1, 1, 1, -1})), window.view({1, 1, -1, 1}));
}

}  // namespace

torch::Tensor xdog_sketch(const torch::Tensor& pictures) {
  const auto luma = 0.299 * pictures.narrow(1, 0, 1) + 0.587 * pictures.narrow(1, 1, 1) +
                    0.114 * pictures.narrow(1, 2, 1);
  const auto sharp =
      (1 + kSharpness) * blurred(luma, kSigma) - kSharpness * blurred(luma, kRatio * kSigma);
  // 1 − T: nothing above the threshold, −tanh below it.
  return torch::tanh(kSlope * (sharp - kThreshold)).clamp_max(0).neg();
}

}  // namespace semcodec
