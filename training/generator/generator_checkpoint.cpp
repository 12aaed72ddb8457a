// Checkpoints of the generator stage, going back to them, and the export.

#include <filesystem>

#include "common/core/error.h"
#include "common/core/log.h"
#include "models/package/model_package.h"
#include "training/generator/generator_state.h"
#include "training/run_tools.h"
#include "training/trainer/checkpoint.h"

namespace semcodec {

namespace {

namespace fs = std::filesystem;

}  // namespace

void GeneratorTrainer::State::save() {
  if (!ranks.first()) return;
  if (!finite_weights(trained())) {
    log::warning("No checkpoint at step " + std::to_string(step) +
                 ": there are weights that are no numbers.");
    return;
  }
  recovery.reached(step);
  TensorMap out;
  put_module(out, "generator.", *generator);
  put_module(out, "average.", *average);
  put_module(out, "texture.", *texture);
  put_module(out, "texture_average.", *texture_average);
  put_module(out, "image_discriminator.", *image_discriminator);
  put_module(out, "video_discriminator.", *video_discriminator);
  put_adam(out, "adam.generator.", *generator_adam);
  put_adam(out, "adam.discriminator.", *discriminator_adam);
  Metadata metadata = {{"step", std::to_string(step)}, {"losses", log.pending()}};
  recovery.put(metadata);
  save_safetensors(checkpoint_path(), out, metadata);
}

bool GeneratorTrainer::State::load() {
  const std::string path = checkpoint_path();
  if (!fs::exists(path)) return false;
  Metadata metadata;
  const auto tensors = load_safetensors(path, &metadata);
  take_module(tensors, "generator.", *generator, path);
  take_module(tensors, "average.", *average, path);
  take_module(tensors, "texture.", *texture, path);
  take_module(tensors, "texture_average.", *texture_average, path);
  take_module(tensors, "image_discriminator.", *image_discriminator, path);
  take_module(tensors, "video_discriminator.", *video_discriminator, path);
  take_adam(tensors, "adam.generator.", *generator_adam, path);
  take_adam(tensors, "adam.discriminator.", *discriminator_adam, path);
  step = checkpoint_step(metadata, path);
  recovery = Recovery::from(metadata);
  log.start_at(step);
  if (ranks.first()) log.restore(metadata["losses"]);
  return true;
}

void GeneratorTrainer::State::roll_back() {
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

bool GeneratorTrainer::resume() {
  auto& s = *state_;
  if (!s.load()) return false;
  s.resumed = true;
  if (!s.ranks.first()) return true;
  remove_partial_files(s.checkpoint_path());
  log::info("Going on from step " + std::to_string(s.step) + " of " + s.checkpoint_path() + ".");
  return true;
}

void GeneratorTrainer::export_package(const std::string& folder) const {
  if (!state_->ranks.first()) return;
  const auto write = [&](const torch::nn::Module& module, const std::string& name) {
    TensorMap halves;
    for (const auto& [key, tensor] : state_of(module)) {
      halves[key] = tensor.detach().to(torch::kCPU, torch::kFloat16).contiguous();
    }
    save_safetensors(
        folder + "/" + name, halves,
        {{"step", std::to_string(state_->step)}, {"objective", state_->objective.describe()}});
  };
  write(*state_->average, "generator.safetensors");
  if (state_->options.network.texture.channels > 0) {
    write(*state_->texture_average, "texture.safetensors");
  }
  ModelPackage package;
  package.name = fs::path(folder).filename().string();
  package.config = state_->options.network;
  package.refine_flow = fs::exists(folder + "/flow.safetensors");
  write_package_description(folder, package);
}

}  // namespace semcodec
