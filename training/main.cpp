// semcodec-train: trains the networks of semcodec, stage by stage.
//
// Stages with a program of their own (semcodec-train-STAGE beside this one) are started in its
// place: `prepare` needs libav, which the others must do without.

#include <unistd.h>
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "common/app/interrupt.h"
#include "common/app/run_main.h"
#include "common/app/version.h"
#include "common/core/error.h"
#include "common/core/log.h"
#include "models/core/device.h"
#include "models/package/model_package.h"
#include "training/generator/generator_trainer.h"
#include "training/restorer/restorer_trainer.h"
#include "training/stages/train_all.h"
#include "training/training_options.h"

namespace {

using namespace semcodec;

constexpr const char* kPrograms[] = {"prepare", "edges", "flow"};

/// Replaces this process by semcodec-train-STAGE. Returns only when that is not possible.
int start_program(const std::string& stage, char** argv) {
  std::error_code code;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", code);
  std::string program = (self.parent_path() / ("semcodec-train-" + stage)).string();
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

/// Runs one stage: `train` makes its trainer, trains and exports.
template <typename Train>
void run_stage(const StageArguments& arguments, const Train& train) {
  const Config config(arguments.config, arguments.overrides);
  const auto options = read_training_options(config);
  set_deterministic(arguments.deterministic);
  const Ranks ranks;
  try {
    train(options, ranks);
    // An exit code of its own: whoever started this must not take the stage for done.
    require(!interrupted(), ErrorKind::interrupted, "Stopped; go on with --resume.");
  } catch (const std::exception& error) {
    // Said here, because what ends the other ranks ends this one too.
    if (ranks.size() > 1) log::error("Rank " + std::to_string(ranks.rank()) + ": " + error.what());
    throw;
  }
}

void train_generator(const StageArguments& arguments) {
  run_stage(arguments, [&](const TrainingOptions& all, const Ranks& ranks) {
    GeneratorTrainer trainer(all.generator, ranks);
    if (arguments.resume) trainer.resume();
    trainer.run();
    trainer.export_package(all.generator.output);
    if (!ranks.first()) return;
    log::info("Wrote generator.safetensors and model.json to " + all.generator.output + ".");
  });
}

void train_restorer(const StageArguments& arguments) {
  run_stage(arguments, [&](const TrainingOptions& all, const Ranks& ranks) {
    RestorerTrainer trainer(all.restorer, ranks);
    if (arguments.resume) trainer.resume();
    trainer.run();
    trainer.export_package();
    if (ranks.first()) log::info("Wrote the model package " + all.restorer.output + ".");
  });
}

/// Arguments of a stage that runs in this program.
CLI::App* add_stage(CLI::App& app, const std::string& name, const std::string& what,
                    StageArguments& arguments) {
  auto* stage = app.add_subcommand(name, what);
  stage->add_option("CONFIG", arguments.config, "TOML file (docs/training.md lists the keys)")
      ->check(CLI::ExistingFile);
  stage->add_option("--set", arguments.overrides, "key=value, over the file's");
  stage->fallthrough();  // so that -q and the like may stand anywhere
  stage->add_flag("--deterministic", arguments.deterministic,
                  "The same weights every time, for the same machine, threads and ranks");
  stage->add_flag("--resume", arguments.resume, "Go on from the checkpoint in the output folder");
  return stage;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) {
    const std::string stage = argv[1];
    if (std::find(std::begin(kPrograms), std::end(kPrograms), stage) != std::end(kPrograms)) {
      return start_program(stage, argv);
    }
  }
  CLI::App app("Trains the networks of semcodec");
  CommonOptions common;
  add_common_options(app, common, version_text("semcodec-train", {}));
  app.require_subcommand(1);
  TrainAllArguments all;
  auto* everything = app.add_subcommand("all", "All stages: from videos to a model package");
  bool go_on = false;
  everything->add_option("CONFIG", all.config, "TOML file (docs/training.md lists the keys)")
      ->check(CLI::ExistingFile);
  everything->add_option("--set", all.overrides, "key=value, over the file's");
  everything->add_flag("--resume", go_on, "Go on with what is unfinished (it does so anyway)");
  everything->fallthrough();
  app.footer(
      "Stages with options of their own (--help after the name):\n"
      "  prepare   videos to frame stores\n"
      "  edges     the edge network (PiDiNet)\n"
      "  flow      the flow network (FlowNet2)");
  StageArguments generator, restorer;
  auto* generator_stage = add_stage(app, "generator", "Image and temporal generator", generator);
  auto* restorer_stage =
      add_stage(app, "restorer", "Generator of frames that carry a base picture", restorer);
  return run_main(app, argc, argv, [&] {
    all.quiet = common.quiet;
    if (everything->parsed()) {
      const Config config(all.config, all.overrides);
      read_training_options(config);  // refuses a bad key before hours of other stages
      train_all(all, config);
    }
    if (generator_stage->parsed()) train_generator(generator);
    if (restorer_stage->parsed()) train_restorer(restorer);
  });
}
