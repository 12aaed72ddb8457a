#include "training/generator/spectral_loss.h"

namespace semcodec {

namespace {

constexpr int kWindow = 32;

/// ½ log of the power at every frequency of every window.
torch::Tensor log_amplitudes(const torch::Tensor& pictures) {
  const auto luma =
      pictures.select(1, 0) * 0.299 + pictures.select(1, 1) * 0.587 + pictures.select(1, 2) * 0.114;
  const auto windows = luma.unfold(1, kWindow, kWindow / 2).unfold(2, kWindow, kWindow / 2);
  const auto hann = torch::hann_window(kWindow, pictures.options());
  const auto weight = hann.unsqueeze(0) * hann.unsqueeze(1);
  // Scaled such that white noise of variance v has power v on average.
  const auto even = windows - windows.mean({-2, -1}, true);
  const auto spectrum = torch::fft::rfft2(even * (weight / weight.square().mean().sqrt()),
                                          c10::nullopt, {-2, -1}, "ortho");
  const auto power = torch::real(spectrum).square() + torch::imag(spectrum).square();
  constexpr double kFloor = (2.0 / 255) * (2.0 / 255);
  return 0.5 * torch::log(power + kFloor);
}

}  // namespace

torch::Tensor spectral_loss(const torch::Tensor& output, const torch::Tensor& source) {
  return (log_amplitudes(output.to(torch::kFloat32)) - log_amplitudes(source.to(torch::kFloat32)))
      .abs()
      .mean();
}

}  // namespace semcodec
