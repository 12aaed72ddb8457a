// semcodec-train: trains the networks of semcodec, stage by stage.
//
// `prepare` is a program of its own (semcodec-train-prepare beside this one), started in its place:
// it needs libav, which the training must do without.

#include <unistd.h>
#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>

#include "common/app/interrupt.h"
#include "common/app/run_main.h"
#include "common/app/version.h"
#include "common/core/error.h"
#include "common/core/log.h"
#include "models/core/device.h"
#include "training/baselines/baseline_task.h"
#include "training/edges/edge_task.h"
#include "training/flow/flow_task.h"
#include "training/generator/generator_task.h"
#include "training/restorer/restorer_task.h"
#include "training/stages/train_all.h"
#include "training/trainer/trainer.h"
#include "training/training_options.h"

namespace {

using namespace semcodec;

/// Replaces this process by semcodec-train-prepare. Returns only when that is not possible.
int start_prepare(char** argv) {
  std::error_code code;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", code);
  std::string program = (self.parent_path() / "semcodec-train-prepare").string();
  argv[1] = program.data();
  ::execv(program.c_str(), argv + 1);
  log::error("Cannot start " + program + ": " + std::strerror(errno) + ".");
  return 1;
}

struct StageArguments {
  std::string config;
  std::vector<std::string> overrides;
  bool resume = false, deterministic = false;
};

/// Trains, writes a checkpoint and exports.
template <typename StageTask, typename Options>
void train(const StageArguments& arguments, Options TrainingOptions::*which) {
  const Config config(arguments.config, arguments.overrides);
  const auto options = read_training_options(config).*which;
  set_deterministic(arguments.deterministic);
  Ranks ranks;
  try {
    StageTask task(options, ranks);
    if (options.all_reduce == "nccl") ranks.use_nccl(task.device());
    Trainer trainer(task);
    if (arguments.resume) trainer.resume();
    trainer.run();
    trainer.export_result();
    if (ranks.first())
      log::info("Stage " + options.stage + " has written its result to " + options.output + ".");
    // An exit code of its own: whoever started this must not take the stage for done.
    require(!interrupted(), ErrorKind::interrupted, "Stopped; go on with --resume.");
  } catch (const std::exception& error) {
    // Said here, because what ends the other ranks ends this one too.
    if (ranks.size() > 1) log::error("Rank " + std::to_string(ranks.rank()) + ": " + error.what());
    throw;
  }
}

/// CONFIG and --set of a command.
void add_configuration(CLI::App* command, std::string& config,
                       std::vector<std::string>& overrides) {
  command->add_option("CONFIG", config, "TOML file (see `options`)")->check(CLI::ExistingFile);
  command->add_option("--set", overrides, "key=value, over the file's");
  command->fallthrough();  // so that -q and the like may stand anywhere
}

/// A stage. `task` makes and trains it.
void add_stage(CLI::App& app, const std::string& name, const std::string& what,
               const std::function<void(const StageArguments&)>& task,
               std::function<void()>& chosen) {
  auto* stage = app.add_subcommand(name, what);
  const auto arguments = std::make_shared<StageArguments>();
  add_configuration(stage, arguments->config, arguments->overrides);
  stage->add_flag("--deterministic", arguments->deterministic,
                  "The same weights every time, for the same machine, threads and ranks");
  stage->add_flag("--resume", arguments->resume, "Go on from the checkpoint in the output folder");
  stage->callback([&chosen, task, arguments] { chosen = [=] { task(*arguments); }; });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && argv[1] == std::string("prepare")) return start_prepare(argv);
  CLI::App app("Trains the networks of semcodec");
  CommonOptions common;
  add_common_options(app, common, version_text("semcodec-train", {}));
  app.require_subcommand(1);
  app.footer("prepare turns videos into frame stores: semcodec-train prepare --help");
  std::function<void()> chosen;
  TrainAllArguments all;
  auto* everything = app.add_subcommand("all", "All stages: from videos to a model package");
  add_configuration(everything, all.config, all.overrides);
  bool go_on = false;
  everything->add_flag("--resume", go_on, "Go on with what is unfinished (it does so anyway)");
  everything->callback([&] {
    chosen = [&] {
      all.quiet = common.quiet;
      const Config config(all.config, all.overrides);
      // Refuses a bad key before hours of other stages.
      require(read_training_options(config).generator.ours(), ErrorKind::usage,
              "`all` makes a model package, which has our generator; train a baseline by "
              "`semcodec-train generator`.");
      train_all(all, config);
    };
  });
  add_stage(
      app, "edges", "The edge network (PiDiNet)",
      [](const auto& arguments) { train<EdgeTask>(arguments, &TrainingOptions::edges); }, chosen);
  add_stage(
      app, "flow", "The flow network (FlowNet2)",
      [](const auto& arguments) { train<FlowTask>(arguments, &TrainingOptions::flow); }, chosen);
  add_stage(
      app, "generator", "Image and temporal generator, or a baseline",
      [](const auto& arguments) {
        const Config config(arguments.config, arguments.overrides);
        if (read_training_options(config).generator.ours()) {
          train<GeneratorTask>(arguments, &TrainingOptions::generator);
        } else {
          train<BaselineTask>(arguments, &TrainingOptions::generator);
        }
      },
      chosen);
  add_stage(
      app, "restorer", "Generator of frames that carry a base picture",
      [](const auto& arguments) { train<RestorerTask>(arguments, &TrainingOptions::restorer); },
      chosen);
  bool markdown = false;
  auto* options = app.add_subcommand("options", "Prints every key of CONFIG and --set");
  options->add_flag("--markdown", markdown, "As tables, for docs/training.md");
  options->callback(
      [&] { chosen = [&] { std::fputs(describe_options(markdown).c_str(), stdout); }; });
  return run_main(app, argc, argv, [&] { chosen(); });
}
