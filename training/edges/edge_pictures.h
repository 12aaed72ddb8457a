#pragma once
// Pictures that the edge network learns from: frame stores, with annotations where NAME.labels lies
// beside NAME.frames.

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace semcodec {

struct EdgePicture {
  torch::Tensor rgb;    ///< 3×H×W, uint8
  torch::Tensor edges;  ///< 1×H×W, uint8, mean annotation; undefined when there is none
};

/// `count` pictures, any of which `get` returns, for several threads at once. All are at least as
/// high and wide as the crop.
struct EdgePictures {
  std::size_t count = 0;
  std::size_t annotated = 0;  ///< how many of them have annotations
  std::function<EdgePicture(std::size_t index)> get;
};

/// All frames of the stores in `folders` (an empty name is none). Stores whose pictures are smaller
/// than `crop` are named and skipped. Throws Error(input) when nothing is left or NAME.labels does
/// not fit.
EdgePictures open_edge_pictures(const std::vector<std::string>& folders, int crop);

}  // namespace semcodec
