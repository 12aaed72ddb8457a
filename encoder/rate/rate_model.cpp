#include "encoder/rate/rate_model.h"

#include <algorithm>
#include <cmath>

namespace semcodec {

RateModel RateModel::typical(int coded_width, int coded_height, bool intervals) {
  RateModel model;
  // Measured on the dev clips at 512 pixels on the long side: 1.2 to 1.7 kbit/s at quality 0, five
  // octaves to quality 100. Smaller pictures have fewer cells; larger ones have as many.
  const double area = static_cast<double>(coded_width) * coded_height / (512.0 * 272.0);
  model.zero = std::log2(intervals ? 1500.0 : 20000.0) + 0.8 * std::log2(std::min(area, 1.0));
  model.per_octave = intervals ? 18 : 25;
  model.intervals = intervals;
  return model;
}

RateModel RateModel::base_pictures(int coded_width, int coded_height) {
  RateModel model;
  // Measured on two street drives and a face: 6 to 20 kbit/s at quality 60, 10 to 23 steps an
  // octave.
  const double area = static_cast<double>(coded_width) * coded_height / (512.0 * 272.0);
  model.zero = std::log2(560.0) + 0.8 * std::log2(std::min(area, 1.0));
  model.per_octave = 14;
  model.trims = false;
  return model;
}

double RateModel::octaves(const RateChoice& choice) const {
  const double interval = intervals ? interval_power * std::log2(choice.interval_scale) : 0.0;
  return choice.quality / per_octave - interval;
}

double RateModel::quality(double octaves) const {
  return std::clamp(octaves * per_octave, 0.0, 100.0);
}

RateChoice RateModel::choose(double octaves, double quality, double reach) const {
  if (!intervals) return {this->quality(octaves), 1};
  if (std::abs(octaves - quality / per_octave) > reach) quality = this->quality(octaves);
  double left = std::clamp(octaves - quality / per_octave, -reach, reach);
  if (quality <= 0 && !below_zero) left = std::max(left, 0.0);
  if (quality >= 100) left = std::min(left, 0.0);
  return {quality, std::exp2(-left / interval_power)};
}

}  // namespace semcodec
