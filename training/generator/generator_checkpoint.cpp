// Checkpoints of the generator stage, going back to them, and the export.

#include <cstdlib>
#include <filesystem>

#include "common/core/error.h"
#include "common/core/log.h"
#include "models/package/model_package.h"
#include "training/checkpoint.h"
#include "training/generator/generator_state.h"

namespace semcodec {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kRecovered = 100;  // steps beyond the trouble after which it is forgotten

/// A number of the metadata; `fallback` when it is not there, as in checkpoints of earlier
/// versions.
double number_of(const Metadata& metadata, const std::string& key, double fallback) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return fallback;
  char* end = nullptr;
  const double value = std::strtod(found->second.c_str(), &end);
  return end == found->second.c_str() ? fallback : value;
}

}  // namespace

bool GeneratorTrainer::State::healthy() const {
  const torch::NoGradGuard no_grad;
  for (const auto& parameter : trained()) {
    if (!parameter.sum().isfinite().item<bool>()) return false;
  }
  return true;
}

void GeneratorTrainer::State::save() {
  if (!ranks.first()) return;
  if (!healthy()) {
    log::warning("No checkpoint at step " + std::to_string(step) +
                 ": there are weights that are no numbers.");
    return;
  }
  if (tries > 0 && step > trouble_step + kRecovered) tries = 0;
  TensorMap out;
  put_module(out, "generator.", *generator);
  put_module(out, "average.", *average);
  put_module(out, "texture.", *texture);
  put_module(out, "texture_average.", *texture_average);
  put_module(out, "image_judge.", *image_judge);
  put_module(out, "video_judge.", *video_judge);
  put_adam(out, "adam.generator.", *generator_adam);
  put_adam(out, "adam.judge.", *judge_adam);
  save_safetensors(checkpoint_path(), out,
                   {{"step", std::to_string(step)},
                    {"losses", log.pending()},
                    {"rate_scale", std::to_string(rate_scale)},
                    {"salt", std::to_string(salt)},
                    {"tries", std::to_string(tries)},
                    {"trouble_step", std::to_string(trouble_step)}});
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
  take_module(tensors, "image_judge.", *image_judge, path);
  take_module(tensors, "video_judge.", *video_judge, path);
  take_adam(tensors, "adam.generator.", *generator_adam, path);
  take_adam(tensors, "adam.judge.", *judge_adam, path);
  const auto found = metadata.find("step");
  require(found != metadata.end() && !found->second.empty() &&
              found->second.find_first_not_of("0123456789") == std::string::npos &&
              found->second.size() < 16,
          ErrorKind::corrupt, path + " does not say its step; it is no checkpoint of this stage.");
  step = std::stoll(found->second);
  rate_scale = number_of(metadata, "rate_scale", 1);
  salt = static_cast<std::int64_t>(number_of(metadata, "salt", 0));
  tries = static_cast<std::int64_t>(number_of(metadata, "tries", 0));
  trouble_step = static_cast<std::int64_t>(number_of(metadata, "trouble_step", -1));
  log.start_at(step);
  if (ranks.first()) log.restore(metadata["losses"]);
  return true;
}

void GeneratorTrainer::State::roll_back() {
  const std::int64_t bad = step, tried = tries + 1, salted = salt + 1;
  const double scale = rate_scale * options.retry_rate;
  const std::string what = "Step " + std::to_string(bad) + ": " + trouble;
  require(tried <= options.retries, ErrorKind::internal,
          what + ", after " + std::to_string(tries) +
              " returns to the last good checkpoint, which is kept in " + checkpoint_path() +
              "; go on from there with --resume and a lower generator.learning_rate.");
  ranks.wait();  // the first one may still be writing it
  require(load(), ErrorKind::internal, what + ", and there is no checkpoint to go back to.");
  rate_scale = scale;
  salt = salted;
  tries = tried;
  trouble_step = std::max(bad, trouble_step);
  trouble.clear();
  finite_gradient = true;
  guard.restart();
  ranks.wait();
  if (!ranks.first()) return;
  char factor[32];
  std::snprintf(factor, sizeof factor, "%.3g", scale);
  log::warning(what + "; going back to step " + std::to_string(step) + " with " + factor +
               " times the learning rate and other samples (try " + std::to_string(tried) + " of " +
               std::to_string(options.retries) + ").");
  save();  // so that a run killed now comes back with the lower rate
}

bool GeneratorTrainer::resume() {
  auto& s = *state_;
  if (!s.load()) return false;
  s.resumed = true;
  if (!s.ranks.first()) return true;
  // Left by a run that was killed while it wrote.
  for (const auto& entry : fs::directory_iterator(s.options.output)) {
    if (entry.path().filename().string().rfind("checkpoint.safetensors.part", 0) == 0) {
      std::error_code code;
      fs::remove(entry.path(), code);
    }
  }
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
  const bool has_flow = fs::exists(folder + "/flow.safetensors");
  write_package_description(folder, fs::path(folder).filename().string(), state_->options.network,
                            has_flow);
}

}  // namespace semcodec
