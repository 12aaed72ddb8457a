// Checkpoints of the restorer stage, going back to them, and the export.

#include <filesystem>

#include "common/core/error.h"
#include "common/core/log.h"
#include "models/package/model_package.h"
#include "training/copy_file.h"
#include "training/restorer/restorer_state.h"
#include "training/run_tools.h"
#include "training/trainer/checkpoint.h"

namespace semcodec {

namespace {

namespace fs = std::filesystem;

}  // namespace

void RestorerTrainer::State::save() {
  if (!ranks.first()) return;
  if (!finite_weights(restorer->parameters())) {
    log::warning("No checkpoint at step " + std::to_string(step) +
                 ": there are weights that are no numbers.");
    return;
  }
  recovery.reached(step);
  TensorMap out;
  put_module(out, "restorer.", *restorer);
  put_module(out, "average.", *average);
  put_module(out, "image_discriminator.", *image_discriminator);
  put_module(out, "video_discriminator.", *video_discriminator);
  put_adam(out, "adam.restorer.", *adam);
  put_adam(out, "adam.discriminator.", *discriminator_adam);
  Metadata metadata = {{"step", std::to_string(step)}, {"losses", log.pending()}};
  recovery.put(metadata);
  save_safetensors(checkpoint_path(), out, metadata);
}

bool RestorerTrainer::State::load() {
  const std::string path = checkpoint_path();
  if (!fs::exists(path)) return false;
  Metadata metadata;
  const auto tensors = load_safetensors(path, &metadata);
  take_module(tensors, "restorer.", *restorer, path);
  take_module(tensors, "average.", *average, path);
  take_module(tensors, "image_discriminator.", *image_discriminator, path);
  take_module(tensors, "video_discriminator.", *video_discriminator, path);
  take_adam(tensors, "adam.restorer.", *adam, path);
  take_adam(tensors, "adam.discriminator.", *discriminator_adam, path);
  step = checkpoint_step(metadata, path);
  recovery = Recovery::from(metadata);
  log.start_at(step);
  if (ranks.first()) log.restore(metadata["losses"]);
  return true;
}

void RestorerTrainer::State::roll_back() {
  const auto next = recovery.after(step, divergence, options.retry, checkpoint_path());
  ranks.wait();  // the first one may still be writing it
  require(load(), ErrorKind::internal,
          "Step " + std::to_string(step) + ": " + divergence +
              ", and there is no checkpoint to go back to.");
  recovery = next;
  if (ranks.first()) log::warning(next.sentence(step, divergence, options.retry));
  divergence.clear();
  finite_gradient = true;
  guard.restart();
  ranks.wait();
  save();  // so that a run killed now comes back with the lower rate
}

bool RestorerTrainer::resume() {
  auto& s = *state_;
  if (!s.load()) return false;
  s.resumed = true;
  if (!s.ranks.first()) return true;
  remove_partial_files(s.checkpoint_path());
  log::info("Going on from step " + std::to_string(s.step) + " of " + s.checkpoint_path() + ".");
  return true;
}

void RestorerTrainer::export_package() const {
  const auto& s = *state_;
  if (!s.ranks.first()) return;
  const std::string& folder = s.options.output;
  auto package = open_package(s.options.package);
  for (const auto& path : {package.generator_path(), package.edges_path(), package.texture_path(),
                           package.flow_path()}) {
    if (fs::exists(path)) copy_whole(path, folder + "/" + fs::path(path).filename().string());
  }
  TensorMap halves;
  for (const auto& [key, tensor] : state_of(*s.average)) {
    halves[key] = tensor.detach().to(torch::kCPU, torch::kFloat16).contiguous();
  }
  save_safetensors(folder + "/restorer.safetensors", halves,
                   {{"step", std::to_string(s.step)}, {"objective", s.objective.describe()}});
  package.name = fs::path(folder).filename().string();
  package.restorer = s.options.network;
  package.detail = s.options.detail;
  package.base_flow = s.options.base_flow;
  write_package_description(folder, package);
}

}  // namespace semcodec
