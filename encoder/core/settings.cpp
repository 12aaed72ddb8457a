#include "encoder/core/settings.h"

#include <algorithm>
#include <cmath>

#include "common/core/error.h"
#include "semcodec/planes.h"

namespace semcodec {

namespace {

constexpr int kStride = 16;
constexpr int kDefaultLongSide = 512;
constexpr int kSmallest = 64;

/// How hard the planes' bits are weighed.
struct Thrift {
  float smoothing;  ///< of the labels
  int palette_hold;
  float lines, vectors;  ///< λ of the structure and of the motion
};

// On training clips kLow's lines and vectors save a sixth to a fifth of the whole rate for 0 to 2 %
// of LPIPS. Of lines weighed five times as hard none were left.
constexpr Thrift kLow{30, 6, 0.01F, 0.7F};
constexpr Thrift kMiddle{20, 4, 0.006F, 0.5F};
constexpr Thrift kHigh{10, 3, 0.003F, 0.35F};
constexpr Thrift kEveryFrame{10, 1, 0.0025F, 0.5F};
constexpr Thrift kFinest{10, 0, 0.0025F, 0.5F};

/// One row: from this quality on, these planes.
struct Step {
  double quality;
  int colour_cell;
  int clusters;
  int edge_cell;
  int edge_levels;
  int motion_cell;
  int texture;
  int key;  ///< quality of intra pictures, -1 = none
  const Thrift& thrift;
};

// Chosen on training clips, by LPIPS and motion error against bits. The texture plane earns
// its bits with the present weights (docs/results.md) at the finest point only. Rows
// differ in the labels' size or colours wherever they differ in thrift, or the analyser would not
// know.
constexpr Step kSemantic[] = {
    {0, 32, 6, 16, 2, 64, 0, -1, kLow},    {8, 32, 8, 16, 2, 32, 0, -1, kLow},
    {16, 16, 8, 16, 2, 32, 0, 0, kLow},    {24, 16, 12, 8, 2, 32, 0, 0, kLow},
    {34, 16, 16, 8, 4, 32, 0, 5, kLow},    {46, 8, 12, 8, 4, 32, 0, 8, kLow},
    {56, 8, 16, 8, 4, 16, 0, 12, kLow},    {66, 8, 24, 8, 4, 16, 0, 18, kLow},
    {74, 8, 28, 8, 4, 16, 0, 22, kMiddle}, {80, 8, 32, 8, 4, 16, 0, 26, kHigh},
    {89, 8, 32, 4, 4, 16, 0, 28, kHigh},   {95, 4, 32, 4, 4, 16, 0, 32, kHigh},
};
constexpr Step kPaper[] = {
    {0, 16, 12, 8, 3, 16, 0, 0, kEveryFrame},  {20, 8, 16, 8, 4, 16, 0, 10, kEveryFrame},
    {40, 8, 24, 4, 4, 16, 0, 15, kEveryFrame}, {55, 4, 24, 4, 4, 16, 0, 15, kEveryFrame},
    {72, 4, 64, 4, 4, 16, 0, 20, kEveryFrame}, {88, 2, 256, 4, 4, 16, 8, 30, kFinest},
};

template <std::size_t N>
const Step& step_at(const Step (&steps)[N], double quality) {
  std::size_t i = 0;
  while (i + 1 < N && steps[i + 1].quality <= quality) ++i;
  return steps[i];
}

/// Seconds between coded frames of the semantic profile: 1 s at 0, 0.45 s at 50, 0.28 s at 80.
/// Fewer but better coded frames win at equal bits, now that the frames between them move well.
/// Above 80, where the planes hardly get finer, coded frames come faster: 0.12 s at 100.
double semantic_interval(double quality) {
  constexpr double kTop = 80;
  const double low = std::pow(0.2, std::min(quality, kTop) / 100.0);
  const double at_top = std::pow(0.2, kTop / 100.0);
  return low * std::pow(0.12 / at_top, std::max(quality - kTop, 0.0) / (100.0 - kTop));
}

}  // namespace

Profile parse_profile(const std::string& text) {
  for (const auto profile : {Profile::semantic, Profile::hybrid, Profile::paper}) {
    if (text == to_string(profile)) return profile;
  }
  throw Error(ErrorKind::usage, "'" + text + "' is no profile; use semantic, hybrid or paper.");
}

Profile automatic_profile(std::optional<double> bit_rate, int coded_width, int coded_height) {
  // On a city drive at 512x256 and 3.3 kbit/s base pictures are ahead by 2 dB, and behind in LPIPS
  // alone (docs/experiments.md). Larger pictures need more bits for a base.
  const double area = static_cast<double>(coded_width) * coded_height / (512.0 * 256.0);
  const double least = 3000 * std::sqrt(area);
  return bit_rate && *bit_rate < least ? Profile::semantic : Profile::hybrid;
}

double default_quality(Profile profile) { return profile == Profile::hybrid ? 60 : 80; }

const char* to_string(Profile profile) {
  switch (profile) {
    case Profile::hybrid:
      return "hybrid";
    case Profile::paper:
      return "paper";
    default:
      return "semantic";
  }
}

OperatingPoint operating_point(Profile profile, double quality, int coded_width, int coded_height) {
  const double q = std::clamp(quality, 0.0, 100.0);
  const Step& step = profile == Profile::paper ? step_at(kPaper, q) : step_at(kSemantic, q);
  // A larger coded size shows the same scene with more pixels, not with more cells.
  int scale = 1;
  while (std::max(coded_width, coded_height) / (scale * 2) >= kDefaultLongSide && scale < 8) {
    scale *= 2;
  }
  OperatingPoint point;
  point.interval = profile == Profile::paper ? 0.0 : semantic_interval(q);
  point.colour.cell = std::min(step.colour_cell * scale, 64);
  point.colour.clusters = step.clusters;
  point.colour.smoothing = step.thrift.smoothing;
  point.colour.palette_hold = step.thrift.palette_hold;
  point.structure.cell = std::min(step.edge_cell * scale, 64);
  point.structure.levels = step.edge_levels;
  point.structure.min_length = profile == Profile::paper ? 0 : 6;
  point.structure.lambda = step.thrift.lines;
  point.motion.lambda = step.thrift.vectors;
  point.motion.cell = std::min(step.motion_cell * scale, 64);
  point.texture_channels = step.texture;
  point.key_quality = step.key;
  point.choose_key = profile == Profile::semantic && step.key >= 0;
  return point;
}

PictureSize default_coded_size(int source_width, int source_height) {
  const auto rounded = [](double value) {
    return std::clamp(static_cast<int>(std::lround(value / kStride)) * kStride, kSmallest,
                      kMaxCodedDimension);
  };
  const int long_side = std::max(source_width, source_height);
  // No larger than the source: generation more pixels than there were helps nobody.
  const double target = std::min(kDefaultLongSide, (long_side + kStride - 1) / kStride * kStride);
  const double factor = target / long_side;
  return {rounded(source_width * factor), rounded(source_height * factor)};
}

void check_coded_size(int width, int height) {
  const auto good = [](int value) {
    return value >= kSmallest && value <= kMaxCodedDimension && value % kStride == 0;
  };
  require(good(width) && good(height), ErrorKind::usage,
          "The coded size " + std::to_string(width) + "x" + std::to_string(height) +
              " should have sides that are multiples of 16, from 64 to " +
              std::to_string(kMaxCodedDimension) + ".");
}

}  // namespace semcodec
