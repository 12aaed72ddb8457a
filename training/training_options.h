#pragma once
// The options of all stages, from one configuration.

#include <string>
#include <vector>

#include "training/edges/edge_options.h"
#include "training/flow/flow_options.h"
#include "training/generator/generator_options.h"
#include "training/restorer/restorer_options.h"
#include "training/stages/prepare_options.h"

namespace semcodec {

struct TrainingOptions {
  PrepareOptions prepare;
  BaseStageOptions base;
  EdgeOptions edges;
  FlowOptions flow;
  GeneratorOptions generator;
  RestorerOptions restorer;
};

/// Reads the sections of all stages, whichever of them is to run. Throws Error(usage) naming a bad
/// key, and one of any section that is unknown.
TrainingOptions read_training_options(const Config& config);

/// All options with their defaults, as text for a terminal or as the tables of docs/training.md.
std::string describe_options(bool markdown);

}  // namespace semcodec
