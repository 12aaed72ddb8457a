#pragma once
// The generator stage: image path, coded frames and frames between them, trained together.
//
// Each step takes one batch of sequences of three frames (sequence_sampler.h):
//   y0 = G(condition 0), or G(condition 0, intra picture)     the image path
//   y1 = G(condition 1, warp(y0))                           a coded frame with one reference
//   y2 = I(y0, y1)                                          a frame between (interpolator), or
//        G(condition 2, warp(y1), warp(y0))                 a coded frame with two references
// References carry no gradient. The objective is the seed paper's eq. (3):
//   L1 + LPIPS + VGG (eq. 6) + λ_I L_I (eq. 4, patches resampled by φ) + λ_V L_V + feature
//   matching.

#include <map>
#include <memory>
#include <string>

#include "training/generator/generator_options.h"
#include "training/parallel/ranks.h"

namespace semcodec {

class GeneratorTrainer {
 public:
  /// `ranks` outlives the trainer. The batch is shared among them; only the first one logs and
  /// writes files.
  GeneratorTrainer(const GeneratorOptions& options, const Ranks& ranks);
  ~GeneratorTrainer();

  /// Goes on from the checkpoint in the output folder. False when there is none.
  bool resume();
  /// Trains until options.steps, or until a signal comes (then writes a checkpoint and returns).
  void run();
  /// Writes the averaged weights (fp16, which is as good as bf16 inference) and model.json.
  void export_package(const std::string& folder) const;

  /// One step on this batch, as run() makes them. Returns its losses by name, without their
  /// weights; "loss" is the weighted sum. For benchmarks.
  std::map<std::string, double> step_on(const SequenceSample& batch);
  /// Writes the checkpoint (first rank only).
  void save();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace semcodec
