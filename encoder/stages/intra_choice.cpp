#include "encoder/stages/intra_choice.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "encoder/rate/intra_gain_table.h"

namespace semcodec {

namespace {

/// Qualities that are coded ...
constexpr std::array<int, 3> kTried{8, 26, 44};
/// ... and those to choose from, between which sizes go up by a third or so.
constexpr int kOffered[] = {0, 4, 8, 14, 20, 26, 33, 40, 48};

/// The parabola through three values at kTried.
double between(const std::array<double, 3>& values, int quality) {
  double sum = 0;
  for (std::size_t i = 0; i < kTried.size(); ++i) {
    double weight = 1;
    for (std::size_t j = 0; j < kTried.size(); ++j) {
      if (i != j) weight *= static_cast<double>(quality - kTried[j]) / (kTried[i] - kTried[j]);
    }
    sum += weight * values[i];
  }
  return sum;
}

}  // namespace

KeyTrial::KeyTrial(const RgbImage& picture, const std::vector<Later>& ahead, double life,
                   const KeyCodec& codec) {
  ReferenceDecay reference_decay(picture);
  for (const Later& later : ahead) reference_decay.push(*later.picture, later.seconds);
  scene_.life = life;
  scene_.detail = reference_decay.detail();
  if (!ahead.empty()) scene_.fade = reference_decay.rate();
  std::array<double, 3> sizes{}, fidelities{};
  for (std::size_t i = 0; i < kTried.size(); ++i) {
    const IntraPicture coded = codec.encode(picture, kTried[i], true);
    sizes[i] = std::log(8.0 * static_cast<double>(coded.bytes.size()));
    fidelities[i] = reference_decay.fidelity(codec.decode(coded, picture.width, picture.height));
  }
  options_.push_back({});
  for (const int quality : kOffered) {
    KeyOption option;
    option.quality = quality;
    option.bits = std::exp(between(sizes, quality));
    option.fidelity = std::clamp(between(fidelities, quality), 0.0, 1.0);
    options_.push_back(option);
  }
}

KeyReport KeyTrial::choose(double quality, double plane_bits, double interval, double room) const {
  KeyReport report{scene_, options_, 0};
  report.scene.quality = quality;
  report.scene.plane_bits = plane_bits;
  report.scene.interval = std::max(interval, 0.01);
  for (std::size_t i = 1; i < report.options.size(); ++i) {
    KeyOption& option = report.options[i];
    estimate_gain(report.scene, kIntraGain, option);
    if (option.bits <= room && option.worth > report.options[report.chosen].worth) {
      report.chosen = i;
    }
  }
  return report;
}

}  // namespace semcodec
