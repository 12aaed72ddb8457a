#include "encoder/analysis/colour.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <utility>

#include "common/core/error.h"
#include "common/semantic/motion_ops.h"
#include "encoder/analysis/cells.h"
#include "encoder/analysis/lab.h"

namespace semcodec {
namespace {

constexpr int kSmoothingSweeps = 4;
// A label that stays costs far less than one that changes; also the eye minds flicker.
constexpr int kTemporalVotes = 3;

float squared_distance(const Centre& a, const Centre& b) {
  const float x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
  return x * x + y * y + z * z;
}

/// Iterated conditional modes on the Potts energy
///   Σ |colour − centre(label)|² + λ Σ [label ≠ neighbour] + 3 λ Σ [label ≠ moved previous label].
/// A cell only considers the labels that save something: its nearest centre, its neighbours' and
/// the expected one.
void smooth_labels(Plane& labels, const std::vector<Centre>& colours,
                   const std::vector<Centre>& centres, const Plane& expected, float lambda) {
  const Plane nearest = labels;
  const int w = labels.width, h = labels.height;
  for (int sweep = 0; sweep < kSmoothingSweeps; ++sweep) {
    bool changed = false;
    std::size_t at = 0;
    for (int y = 0; y < h; ++y) {
      for (int x = 0; x < w; ++x, ++at) {
        std::array<std::uint8_t, 5> wishes{};  // labels of those who would like to be agreed with
        std::size_t count = 0;
        if (x > 0) wishes[count++] = labels.values[at - 1];
        if (x + 1 < w) wishes[count++] = labels.values[at + 1];
        if (y > 0) wishes[count++] = labels.values[at - static_cast<std::size_t>(w)];
        if (y + 1 < h) wishes[count++] = labels.values[at + static_cast<std::size_t>(w)];
        if (!expected.empty()) wishes[count++] = expected.values[at];
        const auto energy = [&](std::uint8_t label) {
          auto agree = std::count(wishes.begin(),
                                  wishes.begin() + static_cast<std::ptrdiff_t>(count), label);
          if (!expected.empty() && expected.values[at] == label) agree += kTemporalVotes - 1;
          return squared_distance(colours[at], centres[label]) - lambda * static_cast<float>(agree);
        };
        std::uint8_t best = labels.values[at];
        float best_energy = energy(best);
        const auto consider = [&](std::uint8_t label) {
          const float e = energy(label);
          if (e < best_energy) {
            best_energy = e;
            best = label;
          }
        };
        consider(nearest.values[at]);
        for (std::size_t i = 0; i < count; ++i) consider(wishes[i]);
        changed = changed || best != labels.values[at];
        labels.values[at] = best;
      }
    }
    if (!changed) break;
  }
}

/// Mean RGB of each label's members. A label without members takes the colour of its centre.
Palette mean_palette(const Plane& labels, const CellColours& cells,
                     const std::vector<Centre>& centres) {
  std::vector<std::array<double, 3>> sums(centres.size());
  std::vector<int> counts(centres.size());
  for (std::size_t i = 0; i < labels.values.size(); ++i) {
    const std::size_t label = labels.values[i];
    for (std::size_t c = 0; c < 3; ++c) sums[label][c] += static_cast<double>(cells.rgb[i][c]);
    ++counts[label];
  }
  Palette palette(centres.size());
  for (std::size_t label = 0; label < palette.size(); ++label) {
    if (counts[label] == 0) {
      palette[label] = lab_to_rgb(centres[label]);
      continue;
    }
    for (std::size_t c = 0; c < 3; ++c) {
      palette[label][c] = static_cast<std::uint8_t>(std::lround(sums[label][c] / counts[label]));
    }
  }
  return palette;
}

void hold_palette(Palette& palette, const Palette& previous, int hold) {
  for (std::size_t i = 0; i < palette.size(); ++i) {
    int moved = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      moved = std::max(moved, std::abs(int{palette[i][c]} - int{previous[i][c]}));
    }
    if (moved <= hold) palette[i] = previous[i];
  }
}

}  // namespace

ColourAnalyser::ColourAnalyser(const ColourOptions& options, KMeansReference twin)
    : options_(options), twin_(std::move(twin)) {
  require(options.cell >= 1 && options.cell <= 64, ErrorKind::usage,
          "The cell of the colour labels must be 1 to 64 pixels, not " +
              std::to_string(options.cell) + ".");
  require(options.clusters >= 2 && options.clusters <= kMaxClusters, ErrorKind::usage,
          "The number of colours must be 2 to " + std::to_string(kMaxClusters) + ", not " +
              std::to_string(options.clusters) + ".");
  require(options.smoothing >= 0 && options.palette_hold >= 0 && options.iterations >= 0 &&
              options.warm_iterations >= 0,
          ErrorKind::usage, "An option of the colour analysis is negative.");
}

void ColourAnalyser::reset() {
  centres_.clear();
  previous_ = {};
}

/// From the centres of the coded frame before, if there was one.
KMeansResult ColourAnalyser::cluster(const PointSet& points, const KMeansOptions& options) {
  const bool there = twin_.takes(points);
  if (centres_.empty()) return there ? twin_.fresh(points, options) : kmeans(points, options);
  return there ? twin_.from(points, std::move(centres_), options)
               : kmeans_from(points, std::move(centres_), options);
}

ColourMap ColourAnalyser::analyse(const RgbImage& picture, const MotionField* motion) {
  const CellColours cells = average_cells(picture, cells_along(picture.width, options_.cell),
                                          cells_along(picture.height, options_.cell));
  if (previous_.labels.width != cells.width || previous_.labels.height != cells.height) reset();

  PointSet points;
  std::vector<Centre> colours(cells.rgb.size());
  points.x.resize(colours.size());
  points.y.resize(colours.size());
  points.z.resize(colours.size());
  for (std::size_t i = 0; i < colours.size(); ++i) {
    colours[i] = rgb_to_lab(cells.rgb[i]);
    points.x[i] = colours[i][0];
    points.y[i] = colours[i][1];
    points.z[i] = colours[i][2];
  }

  const bool warm = !centres_.empty();
  KMeansOptions k;
  k.clusters = options_.clusters;
  k.max_iterations = warm ? options_.warm_iterations : options_.iterations;
  k.epsilon = 0.1F;  // well under a just noticeable difference
  k.seed = options_.seed;
  k.threads = options_.threads;
  KMeansResult clusters = cluster(points, k);
  centres_ = std::move(clusters.centres);

  ColourMap map;
  map.labels = {cells.width, cells.height, options_.clusters, std::move(clusters.labels)};
  if (options_.smoothing > 0) {
    const Plane expected = warm && motion != nullptr ? predict_plane(previous_.labels, *motion,
                                                                     picture.width, picture.height)
                                                     : previous_.labels;
    smooth_labels(map.labels, colours, centres_, expected, options_.smoothing);
  }
  map.palette = mean_palette(map.labels, cells, centres_);
  if (warm) hold_palette(map.palette, previous_.palette, options_.palette_hold);
  previous_ = map;
  return map;
}

}  // namespace semcodec
