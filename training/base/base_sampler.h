#pragma once
// Training samples for the restorer: coded frames in a row, as the receiver meets them, with the
// source that they stand for.
//
// A sample takes one layer of one clip and one crop of it. Clips are drawn by the square root of
// their length, so that the longest does not drown the others.

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/core/random.h"
#include "training/base/base_layer.h"
#include "training/base/base_motion.h"
#include "training/base/base_sample.h"
#include "training/frame_store.h"

namespace semcodec {

struct BaseSamplerOptions {
  int crop = 192;                   ///< side of the square crops, multiple of 16
  int unroll = 2;                   ///< coded frames of a sample
  double no_next_share = 0.15;      ///< share of samples without neighbours after (low delay)
  double no_previous_share = 0.08;  ///< share whose first frame has no neighbour before
  double memory_share = 0.9;        ///< of the later frames that see the output before them
  double dis_share = 0.5;           ///< share of samples whose motion is by DIS; 1 without `flow`
  double edges_share = 0;           ///< share of samples with an edge map; wants NAME.edges
  bool flip = true;
  std::string flow;                            ///< FlowNet2's weights; empty: DIS alone
  std::map<std::string, double> clip_weights;  ///< by the beginning of a clip's name
};

class BaseSampler {
 public:
  enum class Part { all_but, only };

  /// Loads the clips of `folder` whose names begin with one of `names` (`only`), or those whose
  /// names do not (`all_but`). One without layers or smaller than the crop is named and skipped.
  /// Throws Error(input) when none is left or a layer's pictures are missing, Error(corrupt) for a
  /// layer that does not belong to its clip.
  BaseSampler(const std::string& folder, const BaseSamplerOptions& options,
              Part part = Part::all_but, const std::vector<std::string>& names = {});

  /// Thread-safe; the sample depends on `seed` alone.
  BaseSample draw(std::uint64_t seed) const;

  std::size_t clips() const { return clips_.size(); }
  std::size_t layers() const;
  std::uint64_t frames() const;

 private:
  struct Layer {
    BasePlan plan;
    FrameStore pictures;
  };
  struct Clip {
    FrameStore frames;
    std::vector<FrameStore> edges;  ///< one or none
    std::vector<Layer> layers;
    double weight = 0;
  };
  struct Crop;
  struct Draw;
  class Flows;

  void add_clip(const std::string& path);
  const Clip& choose(double share) const;
  Draw draw_place(Random& random) const;
  /// Coded frame `i` of a sample, from 1.
  BaseFrame frame_of(const Draw& draw, const Flows& flows, std::size_t i, bool with_memory) const;
  InterpolatedFrame interpolated(const Draw& draw, const Flows& flows, Random& random) const;
  torch::Tensor edge_map(const Clip& clip, std::int64_t frame, std::uint64_t seed) const;

  BaseSamplerOptions options_;
  BaseMotion motion_;
  std::vector<Clip> clips_;
  double total_weight_ = 0;
};

}  // namespace semcodec
