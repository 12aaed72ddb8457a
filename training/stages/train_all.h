#pragma once
// `semcodec-train all`: from a folder of videos to a model package.
//
//   OUTPUT/            the package: model.json, *.safetensors, MODEL_CARD.md, losses.csv
//   OUTPUT/train/      how it was made: markers of the stages (stage_runner.h),
//     store/           frame stores with their edge maps and base layers
//     edges/ flow/ generator/ restorer/    each stage's own checkpoint, exports and samples
//
// The stages are the programs that can also be run by hand, started as child processes.

#include <string>
#include <vector>

#include "training/config.h"

namespace semcodec {

struct TrainAllArguments {
  std::string config;                  ///< TOML file
  std::vector<std::string> overrides;  ///< key=value
  bool quiet = false;
};

/// `config` is the one of the arguments, from which read_training_options() has read: its keys are
/// known to be good. Throws Error before anything starts, or else as run_jobs().
void train_all(const TrainAllArguments& arguments, const Config& config);

}  // namespace semcodec
