#include "encoder/core/hybrid_point.h"

#include <algorithm>
#include <cmath>

namespace semcodec {

namespace {

struct Node {
  double quality, scale, rate;  // rate: coded frames a second
};

// The scale holds from a node to the next, the rate goes in straight lines.
constexpr Node kNodes[] = {
    {0, 0.25, 2.5}, {22, 0.25, 5}, {22.01, 0.375, 4.0}, {40, 0.375, 6},   {40.01, 0.5, 5},
    {55, 0.5, 7},   {70, 0.5, 8},  {85, 0.5, 10},       {85.01, 0.75, 9}, {100, 0.75, 12},
};

// The middle of the scale: at this quality, scale and rate the quantiser is this.
constexpr double kMiddle = 60, kMiddleScale = 0.5, kMiddleRate = 7.3, kMiddleQuantiser = 58;
constexpr double kMiddleLambda = 1500;
constexpr double kQualityAnOctave = 10;  // of lambda
// From here to the end it falls three times as fast, for links that carry more.
constexpr double kSteep = 90, kSteepness = 3;
constexpr double kQuantisersAnOctave = 5.5;
constexpr double kCoarsest = 63;

// Along the whole ladder the coded frames a second double in so many steps.
constexpr double kQualityADoubling = 44;
// What the interval then does, in octaves of it, for an octave of lambda that no quantiser answers.
constexpr double kIntervalALambda = 0.5;
constexpr double kLongest = 0.8;  // seconds

/// Not limited to what the coder has.
double wanted_quantiser(double lambda, double scale, double rate) {
  const double octaves =
      std::log2(lambda / kMiddleLambda) +
      std::log2(scale * scale * rate / (kMiddleScale * kMiddleScale * kMiddleRate));
  return kMiddleQuantiser + kQuantisersAnOctave * octaves;
}

}  // namespace

HybridPoint hybrid_point(double quality) {
  const double q = std::clamp(quality, 0.0, 100.0);
  const Node* after = kNodes + 1;
  while (after->quality < q) ++after;
  const Node& before = *(after - 1);
  const double share = (q - before.quality) / (after->quality - before.quality);
  const auto mix = [share](double a, double b) { return a + share * (b - a); };
  const double rate = mix(before.rate, after->rate);
  return {before.scale, 1 / rate, hybrid_quantiser(hybrid_lambda(q), before.scale, rate)};
}

double hybrid_lambda(double quality) {
  const double steps = quality + (kSteepness - 1) * std::max(quality - kSteep, 0.0);
  return kMiddleLambda * std::exp2((kMiddle - steps) / kQualityAnOctave);
}

double hybrid_quantiser(double lambda, double scale, double rate) {
  return std::clamp(wanted_quantiser(lambda, scale, rate), 0.0, kCoarsest);
}

HybridPoint moved_point(const HybridPoint& chosen, double at, double quality) {
  const auto beyond = [&](double q) {
    const double wanted = wanted_quantiser(hybrid_lambda(q), chosen.scale, 1 / chosen.interval);
    return std::max(wanted - kCoarsest, 0.0) / kQuantisersAnOctave;
  };
  const double octaves =
      (at - quality) / kQualityADoubling + kIntervalALambda * (beyond(quality) - beyond(at));
  HybridPoint point = chosen;
  point.interval =
      std::min(chosen.interval * std::exp2(octaves), std::max(kLongest, chosen.interval));
  point.quantiser = hybrid_quantiser(hybrid_lambda(quality), point.scale, 1 / point.interval);
  return point;
}

int base_side(int coded_side, double scale) {
  return std::max(16, 2 * static_cast<int>(std::lround(coded_side * scale / 2)));
}

}  // namespace semcodec
