#pragma once
// Structure analysis: edge probability map → small plane of edge strengths.
//
// The map (PiDiNet's output, 0..1) is thinned to lines one pixel wide, weak and short lines are
// dropped, the rest is pooled over square cells and quantised to a few levels; 0 means no edge.

#include <array>
#include <cstddef>
#include <vector>

#include "encoder/analysis/edge_map.h"
#include "encoder/analysis/pooling.h"
#include "semcodec/planes.h"

namespace semcodec {

struct StructureOptions {
  int cell = 4;    ///< 1..64 pixels, usually 1, 2, 4 or 8
  int levels = 4;  ///< 2..8
  /// Strength at which level i + 1 begins, rising; the first levels - 1 entries are used.
  /// Empty: default_thresholds(levels).
  std::vector<float> thresholds;
  bool thin = true;  ///< non-maximum suppression before pooling
  Pooling pooling = Pooling::max;
  float hysteresis_low = 0;   ///< pixels below this are no edge
  float hysteresis_high = 0;  ///< a connected line without one pixel of this strength is dropped
  int min_length = 0;         ///< a connected line (8 neighbours) of fewer pixels is dropped
  float lambda = 0;           ///< squared strength that is worth a bit when the plane is chosen by
                              ///< what it really costs (FrameEncoder::choose); 0 = off
};

/// Evenly spaced thresholds 0.2 … 0.65 for 4 levels: first at 0.2, last at 0.65 (2 levels: 0.3).
std::vector<float> default_thresholds(int levels);

/// Thins a map: a pixel survives where it is not below its two neighbours across the line. Whether
/// the line runs more along y or along x is taken from the second derivatives of the smoothed map
/// (the idea of P. Dollár's edgesNms), and the neighbours on that axis are compared as they are,
/// so that a line has one pixel a row, or one a column, whatever its slope. Pixels at the border of
/// the picture, where detectors ring, are faded. Returns width * height values; removed pixels
/// are 0, and so are pixels below `floor`.
std::vector<float> thin_edges(const float* probability, int width, int height, float floor = 0);

/// The maximum or the mean of columns × rows cells that cover the map evenly (cells.h).
std::vector<float> pool_cells(const float* lines, int width, int height, int columns, int rows,
                              Pooling pooling);

/// Applies the hysteresis thresholds and drops short lines, in place.
void drop_weak_lines(std::vector<float>& strength, int width, int height, float low, float high,
                     int min_length);

/// The strengths that a plane was made from, and how far each level is from them.
struct StructureMap {
  Plane plane;
  std::vector<float> strength;    ///< pooled, a cell
  std::vector<float> thresholds;  ///< as used

  /// Squared distance from the cell's strength to the nearest strength that has the level,
  /// [cell * levels + level].
  std::vector<float> distortions() const;
};

/// The whole chain. The plane has round(width / cell) × round(height / cell) cells.
/// Throws Error(usage) when an option is out of its range.
StructureMap map_structure(const EdgeMap& edges, const StructureOptions& options);
/// Its plane alone, of a map in the memory of the CPU.
Plane analyse_structure(const float* probability, int width, int height,
                        const StructureOptions& options);

}  // namespace semcodec
