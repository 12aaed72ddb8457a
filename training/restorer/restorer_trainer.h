#pragma once
// Trains the restorer (models/generator/restorer.h) on base layers: sequences of coded frames, each
// restored with the output before it as memory, as at the receiver.

#include <map>
#include <memory>
#include <string>

#include "training/parallel/ranks.h"
#include "training/restorer/restorer_options.h"

namespace semcodec {

class RestorerTrainer {
 public:
  /// `ranks` outlives the trainer. The batch is shared among them; only the first one logs and
  /// writes files. Throws as BaseSampler, and Error(usage) when the ranks cannot share the batch.
  RestorerTrainer(const RestorerOptions& options, const Ranks& ranks);
  ~RestorerTrainer();

  /// Goes on from the checkpoint in the output folder. False when there is none.
  bool resume();
  /// Trains until options.steps, or until a signal comes (then writes a checkpoint and returns).
  void run();
  /// Makes the output folder a model package: restorer.safetensors (averaged weights, fp16) and the
  /// other networks of options.package, with a model.json for both.
  void export_package() const;

  /// One step on this batch, as run() makes them. Returns its losses by name, without their
  /// weights; "loss" is the weighted sum. For benchmarks and tests.
  std::map<std::string, double> step_on(const BaseSample& batch);
  /// The batch of a step, as run() draws it.
  BaseSample batch_of(std::int64_t step) const;
  /// Writes the checkpoint (first rank only).
  void save();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace semcodec
