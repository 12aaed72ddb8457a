// semcodec-models: which weights there are, and one network alone on a picture or two.

#include <CLI/CLI.hpp>
#include <cstdio>

#include "common/app/run_main.h"
#include "common/app/version.h"
#include "common/media/versions.h"
#include "models/core/device.h"
#include "models/program/catalogue.h"
#include "models/program/try_network.h"

int main(int argc, char** argv) {
  using namespace semcodec;
  CLI::App app("Lists weights, and tries one network alone");
  app.require_subcommand(1);
  app.fallthrough();
  CommonOptions common;
  add_common_options(app, common, version_text("semcodec-models", media_versions()));

  bool as_json = false;
  auto* list = app.add_subcommand("list", "What is shipped and what can be fetched");
  list->add_flag("--json", as_json, "One object on stdout instead of a table");

  TryRequest request;
  int threads = 0;
  std::string names;
  for (const auto& name : network_names()) names += (names.empty() ? "" : ", ") + name;
  auto* run =
      app.add_subcommand("run", "Runs one network: edges of a picture, flow or distance of two");
  run->add_option("NAME", request.network, "Network: " + names)->required();
  run->add_option("WEIGHTS", request.weights,
                  "A .safetensors file, a name of `list`, or a model package by name")
      ->required();
  run->add_option("FILES", request.files,
                  "pidinet*: PICTURE OUTPUT.npy|.png; flownet2*: FIRST SECOND "
                  "OUTPUT.flo|.npy|.png; lpips-*: FIRST SECOND")
      ->required();
  run->add_flag("-y,--overwrite", request.overwrite, "Overwrite the output");
  run->add_option("--device", request.device, "auto, cpu or cuda:N")->capture_default_str();
  run->add_option("--threads", threads, "Threads; 0 = one a core")->check(CLI::Range(0, 1024));
  run->add_flag("--fast", request.fast,
                "Compute in the number format that the codec uses here, not in float32");
  run->add_option("--longest", request.longest,
                  "Flow pictures: length in pixels of full colour; 0 = the longest vector")
      ->check(CLI::NonNegativeNumber);
  run->add_option("--backbone", request.backbone,
                  "lpips-*: weights of the feature network (default: those of `list`)");

  return run_main(app, argc, argv, [&] {
    if (list->parsed()) {
      const Catalogue catalogue = read_catalogue();
      std::fputs((as_json ? catalogue_json(catalogue) : catalogue_table(catalogue)).c_str(),
                 stdout);
      return;
    }
    set_threads(threads);
    try_network(request);
  });
}
