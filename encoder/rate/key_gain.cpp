#include "encoder/rate/key_gain.h"

#include <algorithm>
#include <cmath>

namespace semcodec {

namespace {

// Below this a scene stands still; its logarithm says no more.
constexpr double kStill = 0.02;

double fade_of(const KeyScene& scene, const KeyGainTable& table) {
  return std::max(scene.fade.value_or(table.usual_fade), kStill);
}

double steps_of(double quality) { return (quality - 60) / 100; }

}  // namespace

double expected_plane_bits(const KeyScene& scene, const KeyGainTable& table) {
  const double later = std::exp(table.later[0] + table.later[1] * std::log(fade_of(scene, table)) +
                                table.later[2] * steps_of(scene.quality));
  return scene.plane_bits * (1 + later * scene.life / scene.interval);
}

void judge(const KeyScene& scene, const KeyGainTable& table, KeyOption& option) {
  option.gain = option.worth = 0;
  if (option.quality < 0) return;
  const double f = option.fidelity;
  const double at_once = table.gain[0] + table.gain[1] * f + table.gain[2] * f * f +
                         table.gain[3] * steps_of(scene.quality);
  const double gone = scene.life * (table.fade * fade_of(scene, table) + table.least_fade);
  option.gain = at_once * (gone > 1e-6 ? (1 - std::exp(-gone)) / gone : 1.0);
  const double exchange =
      std::max(table.exchange[0] + table.exchange[1] * steps_of(scene.quality), 0.01);
  const double planes = std::max(expected_plane_bits(scene, table), 1.0);
  option.worth = option.gain / exchange - std::log2(1 + option.bits / planes);
}

}  // namespace semcodec
