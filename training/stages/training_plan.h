#pragma once
// The tasks of `semcodec-train all`, and where each of them reads and writes.

#include <cstdint>
#include <string>
#include <vector>

#include "training/stages/stage_keys.h"
#include "training/stages/stage_runner.h"
#include "training/stages/train_all.h"

namespace semcodec {

/// Everything that the tasks share.
struct TrainingPlan {
  const TrainAllArguments& arguments;
  const Config& config;
  RunKeys run;
  NetworkSource edges, flow;
  std::string data, output, work, store, edges_file, flow_file, generator_folder, restorer_folder;

  TrainingPlan(const TrainAllArguments& a, const Config& c)
      : arguments(a),
        config(c),
        run(run_keys(c)),
        edges(edge_source(c)),
        flow(flow_source(c)),
        data(c.require_text("data", "the folder of videos")),
        output(c.require_text("output", "the folder of the model package")),
        work(output + "/train"),
        store(work + "/store"),
        edges_file(work + "/edges/edges.safetensors"),
        flow_file(work + "/flow/flow.safetensors"),
        generator_folder(work + "/generator"),
        restorer_folder(work + "/restorer") {}

  /// A whole number of a stage that reads its section itself.
  std::int64_t number(const std::string& stage, const std::string& key) const {
    return std::stoll(config.resolved(stage + ".").at(stage + "." + key));
  }
  std::string text(const std::string& stage, const std::string& key) const {
    return config.resolved(stage + ".").at(stage + "." + key);
  }
  bool with_restorer() const { return base_layers(config) > 0; }
  bool with_flow() const { return flow.use != "none"; }
  std::vector<std::string> quiet(std::vector<std::string> command) const {
    if (arguments.quiet) command.emplace_back("-q");
    return command;
  }
  void check() const;
  Task prepare_task() const;
  Task edges_task() const;
  Task maps_task() const;
  Task flow_task() const;
  Task generator_task() const;
  Task base_task() const;
  Task restorer_task() const;
  /// A stage of semcodec-train itself, in `run.ranks` processes, that writes to `folder`; `extra`
  /// are settings beside those of the user. Returns the exit code.
  int run_stage(const std::string& stage, const std::string& folder,
                const std::vector<std::string>& extra) const;
  Task copy_task(int stage, const std::string& name, const std::string& from,
                 const std::string& to) const;
};

}  // namespace semcodec
