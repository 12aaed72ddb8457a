#include "training/trainer/divergence_guard.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace semcodec {

namespace {

constexpr double kDecay = 0.95;
constexpr std::int64_t kSettling = 20;  // steps before the average means anything
constexpr int kBadGradients = 3;
constexpr double kFactor = 3.0, kMargin = 0.1;

}  // namespace

std::optional<std::string> DivergenceGuard::check(double loss, double error, bool finite_gradient) {
  if (!std::isfinite(loss) || !std::isfinite(error)) return "the loss is no number";
  bad_gradients_ = finite_gradient ? 0 : bad_gradients_ + 1;
  if (bad_gradients_ >= kBadGradients) {
    return "the gradient was no number for " + std::to_string(kBadGradients) + " steps in a row";
  }
  average_ = seen_ == 0 ? error : kDecay * average_ + (1 - kDecay) * error;
  lowest_ = known_ ? std::min(lowest_, average_) : average_;
  known_ = true;
  if (++seen_ < kSettling || average_ <= kFactor * lowest_ + kMargin) return std::nullopt;
  char text[96];
  std::snprintf(text, sizeof text, "the error of the pictures rose from %.3f to %.3f", lowest_,
                average_);
  return text;
}

void DivergenceGuard::restart() {
  average_ = 0;
  seen_ = 0;
  bad_gradients_ = 0;
}

}  // namespace semcodec
