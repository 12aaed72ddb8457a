#pragma once
// Training samples for the generator: short sequences of source frames with the conditions that
// the receiver would have, made by the encoder's own analysis.
//
// A sample has three moments. "between": coded frames 0 and 1 and a frame between them, the
// receiver's usual work. "chain": three coded frames in a row, so that the third refers to two.
// Plane sizes, palette, edge levels, texture channels and the distance of the coded frames are
// drawn anew for each sample from the ranges of docs/training.md, so that one model serves all
// rates.

#include <torch/torch.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/core/random.h"
#include "models/generator/conditions.h"
#include "training/data/still.h"
#include "training/frame_store.h"

namespace semcodec {

/// Which operating points the samples cover.
struct SamplerOptions {
  int crop = 256;              ///< side of the square crops, multiple of 32
  double min_interval = 0.03;  ///< seconds between coded frames
  double max_interval = 0.65;
  double dense_flow_share = 0.5;  ///< share of samples with dense instead of transmitted motion,
                                  ///< standing for what FlowNet2 refines at the receiver
  bool flip = true;               ///< spatial reversal (seed paper, section IV)
  double still_share = 0.3;       ///< share of samples from stores of one frame (still.h), when
                                  ///< there are both kinds
  double key_share = 0.35;        ///< share of samples whose first picture has an intra picture
  double finest_share = 0;        ///< share of samples at the finest operating point there is
  int texture_channels = 8;       ///< of the model: how many are sent is drawn, 0 included
  /// "edges" or "colour": samples with this one alone; "sketch": with an XDoG sketch
  /// (models/baselines/xdog.h) in place of the edges; "labels": with semantic labels in place of
  /// the colours (common/semantic/class_plane.h), from NAME.classes beside NAME.frames.
  std::string planes = "all";
  int clusters = 0;  ///< colours of every sample; 0 = drawn
  int classes = 0;   ///< of "labels"
};

/// One sample, or a batch of them along the first dimension.
struct SequenceSample {
  bool between = true;          ///< else chain; the same for a whole batch
  torch::Tensor pictures[3];    ///< N×3×C×C, 0..1: coded frame 0, coded frame 1, third moment
  torch::Tensor conditions[3];  ///< N×4×C/2×C/2; the third is undefined when between
  torch::Tensor planes;         ///< N×4, plane_scalars()
  torch::Tensor key;  ///< N×3×C×C, coded frame 0 as an intra picture; zeros where it has none
  torch::Tensor has_key;   ///< N, 0 or 1
  torch::Tensor flow_10;   ///< N×2×C/4×C/4, of coded frame 1 towards coded frame 0
  torch::Tensor flow_01;   ///< the other way (between only)
  torch::Tensor flow_21;   ///< of coded frame 2 towards coded frame 1 (chain only)
  torch::Tensor interval;  ///< N, seconds from coded frame 0 to coded frame 1
  torch::Tensor third;     ///< N: tau in (0, 1) when between; seconds from 1 to 2 in a chain
};

/// For training/trainer/batch.h.
std::vector<torch::Tensor*> tensors_of(SequenceSample& sample);

class SequenceSampler {
 public:
  /// Loads every NAME.frames with its NAME.edges in `folder`. One that is smaller than the crop or
  /// too short is named and skipped; for "labels" stills are left out. Throws Error(input) when
  /// none is left.
  SequenceSampler(const std::string& folder, const SamplerOptions& options);

  /// Thread-safe; the sample depends only on `seed`.
  SequenceSample draw(std::uint64_t seed, bool between) const;

  std::uint64_t frames() const;
  std::size_t clips() const { return clips_.size(); }

 private:
  struct Clip {
    FrameStore frames;
    FrameStore edges;
    std::optional<FrameStore> classes;  ///< one byte a pixel, for "labels"
    bool still() const { return frames.size() == 1; }
  };
  /// One picture of a sample with its edge map, at the whole size.
  struct View {
    RgbImage picture;
    std::vector<float> edges;
    std::vector<std::uint8_t> classes;  ///< for "labels"
  };
  const Clip& choose(Random& random) const;
  View view(const Clip& clip, std::int64_t index, bool flip, const StillMotion& motion) const;

  std::vector<Clip> clips_;  ///< videos first, then stills
  std::size_t videos_ = 0;
  SamplerOptions options_;
};

}  // namespace semcodec
