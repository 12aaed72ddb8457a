#pragma once
// The jobs of `semcodec-train all`, and where each of them reads and writes.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "training/stages/model_card.h"
#include "training/stages/prepare_options.h"
#include "training/stages/stage_runner.h"
#include "training/stages/train_all.h"
#include "training/trainer/trainer_options.h"

namespace semcodec {

/// Everything that the jobs share.
struct TrainingPlan {
  const TrainAllArguments& arguments;
  const Config& config;
  RunOptions run;
  PrepareOptions prepare;
  BaseStageOptions base;
  NetworkSource edges, flow;
  std::string work, store, edges_file, flow_file, generator_folder, restorer_folder;

  /// `config`: see train_all().
  TrainingPlan(const TrainAllArguments& arguments, const Config& config);

  /// The value that a trained stage has read.
  std::string text(const std::string& stage, const std::string& key) const {
    return config.resolved(stage + ".").at(stage + "." + key);
  }
  std::int64_t number(const std::string& stage, const std::string& key) const {
    return std::stoll(text(stage, key));
  }
  bool trains_edges() const { return edges.use.empty(); }
  bool with_flow() const { return flow.use != "none"; }
  bool trains_flow() const { return flow.use.empty(); }
  bool with_restorer() const { return base.layers > 0; }
  std::vector<std::string> quiet(std::vector<std::string> command) const {
    if (arguments.quiet) command.emplace_back("-q");
    return command;
  }
  void check() const;
  Job prepare_job() const;
  Job edges_job() const;
  Job maps_job() const;
  Job flow_job() const;
  Job generator_job() const;
  Job base_job() const;
  Job restorer_job() const;
  /// A stage that semcodec-train trains itself, in `run.ranks` processes; it writes `result`,
  /// beside all else. `extra`: settings beside those of the user, known when it starts.
  Job trained_job(int place, const std::string& stage, const std::string& result,
                  const std::function<std::vector<std::string>()>& extra) const;
  /// Its program. Returns the exit code.
  int run_stage(const std::string& stage, const std::string& folder,
                const std::vector<std::string>& extra) const;
  Job copy_job(int stage, const std::string& name, const std::string& from,
               const std::string& to) const;
};

}  // namespace semcodec
