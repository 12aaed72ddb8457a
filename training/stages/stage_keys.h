#pragma once
// Which keys of a configuration belong to which stage, and what the stages' programs call them.
//
// The generator and the restorer stage read their sections themselves (training_options.h). The
// sections [prepare], [base], [edges] and [flow] are turned into options of semcodec-train-prepare
// (the first two), -edges and -flow here, each with its value, so that a default which changes
// later does not change what a run means.

#include <string>
#include <vector>

#include "training/config.h"

namespace semcodec {

/// Options for the program of `section` ("prepare", "base", "edges", "flow"): "--crop", "192", ….
/// Throws Error(usage) naming a key of the wrong type.
std::vector<std::string> stage_options(const Config& config, const std::string& section);

/// The keys of a section that say where its network comes from instead of how it is trained.
struct NetworkSource {
  std::string use;          ///< take this package's network as it is; "none" (flow): do without
  std::string teacher;      ///< edges: a larger PiDiNet
  std::string annotations;  ///< edges: folder of frame stores with NAME.labels
};
NetworkSource edge_source(const Config& config);
NetworkSource flow_source(const Config& config);

/// Base layers a clip; 0: the package gets no restorer.
int base_layers(const Config& config);

/// What concerns the whole run.
struct RunKeys {
  std::string name;    ///< of the package; the output folder's when empty
  std::string device;  ///< auto, cpu, cuda:N
  int threads = 0;
  std::int64_t seed = 1;
  int ranks = 1;  ///< processes of the generator stage, started by mpirun
};
RunKeys run_keys(const Config& config);

/// Asks for all of the above, so that Config::check_all_used() knows them.
void read_stage_keys(const Config& config);

}  // namespace semcodec
