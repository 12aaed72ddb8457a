#pragma once
// The patches that distances of whole picture sets (FID, KID) are measured on, and what is
// measured.
//
// Protocol "FID/256" of learned compression (Mentzer et al., HiFiC, 2020, as NeuralCompression does
// it): pictures rounded to 8 bits are cut into 256x256 patches without overlap from the top left
// corner, and again from (128, 128); what does not fill a patch is left out. Figures depend on the
// number of patches, so it is always stated beside them; thousands are needed for a figure that
// can be compared with others.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/core/image.h"

namespace semcodec {

inline constexpr int kPatchSide = 256;
inline constexpr int kPatchShift = 128;

struct PatchPlace {
  int x = 0, y = 0;  ///< top left corner
  bool operator==(const PatchPlace&) const = default;
};

/// Row by row, first the grid at the corner, then the shifted one. Empty when a side is below 256.
std::vector<PatchPlace> patch_places(int width, int height);

/// Subsets that KID is averaged over. Defaults are those of the paper's code.
struct KernelOptions {
  int subsets = 100;
  int subset_size = 1000;
  std::uint32_t seed = 2020;
};

struct PatchMetricChoice {
  bool fid = true;            ///< Frechet distance of Inception-v3 features
  bool kid = true;            ///< kernel distance of the same
  bool fd_squeezenet = true;  ///< Frechet distance of SqueezeNet features
  KernelOptions kernel;
  bool keep_features = false;  ///< for save_features()

  bool any() const { return fid || kid || fd_squeezenet; }
};

struct PatchScores {
  std::int64_t patches = 0;  ///< of each side
  std::optional<double> fid, fd_squeezenet;
  std::optional<double> kid, kid_deviation;  ///< mean and standard deviation over the subsets
  int kid_subsets = 0, kid_subset_size = 0;
};

}  // namespace semcodec
