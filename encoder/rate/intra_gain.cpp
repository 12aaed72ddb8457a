#include "encoder/rate/intra_gain.h"

#include <algorithm>
#include <cmath>

namespace semcodec {

namespace {

// Beyond the most detailed of the scenes measured the model stops.
constexpr double kMostDetail = 30;
// Slower than this a scene stands still.
constexpr double kLeastDecay = 0.05;

/// Mean of e^(-rate t) over `life` seconds.
double mean_left(double rate, double life) {
  const double gone = rate * life;
  return gone > 1e-6 ? (1 - std::exp(-gone)) / gone : 1.0;
}

}  // namespace

double expected_plane_bits(const KeyScene& scene, const IntraGainTable& table) {
  const double fade = std::max(scene.fade.value_or(table.usual_decay), kLeastDecay);
  const double later = std::exp(table.planes[0] + table.planes[1] * std::log(fade));
  return scene.plane_bits * (1 + later * scene.life / scene.interval);
}

void estimate_gain(const KeyScene& scene, const IntraGainTable& table, KeyOption& option) {
  option.gain = option.worth = 0;
  if (option.quality < 0) return;
  const double f = option.fidelity;
  const double fade = table.decay_share * scene.fade.value_or(table.usual_decay);
  const double detail = std::min(scene.detail, kMostDetail) / 10;
  const double soon = table.soon[0] + table.soon[1] * detail;
  const double late = table.late[0] + table.late[1] * (scene.quality - 60) / 100;
  option.gain = f * f * std::max(soon, 0.0) * mean_left(table.forget, scene.life) +
                f * std::max(late, 0.0) * mean_left(fade, scene.life);
  const double planes = std::max(expected_plane_bits(scene, table), 1.0);
  option.worth = option.gain - std::log2(1 + option.bits / planes);
}

}  // namespace semcodec
