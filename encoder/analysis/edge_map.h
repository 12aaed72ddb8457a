#pragma once
// The edge probabilities of one picture, where the edge network left them.

#include <vector>

#include "encoder/analysis/pooling.h"

namespace semcodec {

/// height() rows of width() values 0..1, in the memory of the CPU or of a GPU.
class EdgeMap {
 public:
  EdgeMap(int width, int height) : width_(width), height_(height) {}
  virtual ~EdgeMap() = default;
  EdgeMap(const EdgeMap&) = delete;
  EdgeMap& operator=(const EdgeMap&) = delete;

  int width() const { return width_; }
  int height() const { return height_; }

  /// thin_edges() of it (structure.h); the values as they are if not `thin`.
  virtual std::vector<float> lines(bool thin, float floor) const = 0;

  /// pool_cells() of its lines.
  virtual std::vector<float> cells(bool thin, float floor, int columns, int rows,
                                   Pooling pooling) const = 0;

 private:
  int width_, height_;
};

/// In the memory of the CPU; the values are not copied.
class HostEdgeMap : public EdgeMap {
 public:
  HostEdgeMap(const float* probability, int width, int height)
      : EdgeMap(width, height), probability_(probability) {}

  std::vector<float> lines(bool thin, float floor) const override;
  std::vector<float> cells(bool thin, float floor, int columns, int rows,
                           Pooling pooling) const override;

 private:
  const float* probability_;
};

}  // namespace semcodec
