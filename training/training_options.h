#pragma once
// The options of all stages, from one configuration.

#include "training/generator/generator_options.h"
#include "training/restorer/restorer_options.h"

namespace semcodec {

struct TrainingOptions {
  GeneratorOptions generator;
  RestorerOptions restorer;
};

/// Reads the sections of all stages, whichever of them is to run. Throws Error(usage) naming a bad
/// key, and one of any section that is unknown.
TrainingOptions read_training_options(const Config& config);

}  // namespace semcodec
