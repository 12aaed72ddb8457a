#include "training/trainer/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "common/app/interrupt.h"
#include "common/core/error.h"
#include "common/core/log.h"
#include "models/core/device.h"
#include "training/sample_grid.h"
#include "training/trainer/batch_feed.h"
#include "training/trainer/checkpoint.h"
#include "training/trainer/fused_adam.h"

namespace semcodec {

namespace {

// Flags of the ranks travel as one sum: those that got a signal count 1, those whose loss went
// wrong this much.
constexpr double kDivergenceFlag = 4096;
// Averages forget their start within some steps of it; from trained weights they are far beyond.
constexpr std::int64_t kPretrained = 1'000'000;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Runs what may fail for want of space without ending the training. The last checkpoint is whole
/// in any case, since files appear under their names when they are complete.
template <typename Function>
void unless_disk_is_full(const Function& f) {
  try {
    f();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::output) throw;
    log::warning(std::string(error.what()) + " The training goes on without it.");
  }
}

}  // namespace

Trainer::Trainer(Task& task)
    : task_(task),
      options_(task.settings()),
      ranks_(task.ranks()),
      networks_(task.networks()),
      log_(options_.output, task.columns(), ranks_.first()) {
  std::error_code code;
  std::filesystem::create_directories(options_.output, code);
  require(!code, ErrorKind::output, "Cannot make " + options_.output + ": " + code.message() + ".");
  require(options_.batch % ranks_.size() == 0, ErrorKind::usage,
          "'" + options_.stage + ".batch' is " + std::to_string(options_.batch) + ", which " +
              std::to_string(ranks_.size()) + " ranks cannot share; give a multiple.");
  for (auto& network : networks_) {
    if (network.ema != nullptr) load_into(*network.ema, state_of(*network.module), network.name);
    for (auto* module : {network.module, network.ema}) {
      if (module == nullptr) continue;
      module->to(task.device());
      to_channels_last(*module);
    }
  }
  for (auto& settings : task.optimisers()) {
    const auto adam = torch::optim::AdamOptions(settings.learning_rate)
                          .betas({settings.beta1, settings.beta2})
                          .weight_decay(settings.weight_decay);
    auto optimiser = std::make_unique<torch::optim::Adam>(settings.parameters, adam);
    optimisers_.push_back({std::move(settings), std::move(optimiser)});
  }
  if (!ranks_.first()) return;
  std::int64_t count = 0;
  for (const auto& parameter : optimisers_.back().settings.parameters) count += parameter.numel();
  log::info("Stage " + options_.stage + ": " + std::to_string(count) + " parameters on " +
            semcodec::describe(task.device()) + ". " + task.describe());
}

double Trainer::schedule() const {
  return options_.schedule == "steps"
             ? stepped_rate(step_, options_.steps, options_.warm_up)
             : scheduled_rate(step_, options_.steps, options_.warm_up, options_.final_rate);
}

void Trainer::set_rates() {
  for (auto& [settings, adam] : optimisers_) {
    const double factor = settings.scheduled ? schedule() : 1;
    set_rate(*adam, settings.learning_rate * recovery_.rate_scale * factor);
  }
}

Batch Trainer::batch_of(std::int64_t step) const {
  return task_.draw_batch(step,
                          Random(options_.seed + static_cast<std::uint64_t>(step) * 1000003 +
                                 static_cast<std::uint64_t>(recovery_.reseed) * 7777777777777ULL));
}

torch::Tensor Trainer::accumulate(std::size_t index, const Batch& batch, std::int64_t parts,
                                  StepContext& context) {
  const bool detached = optimisers_[index].settings.detached;
  const bool fault = index + 1 == optimisers_.size() && step_ == options_.fault_at && !fault_used_;
  const auto size = task_.size_of(batch);
  torch::Tensor total;
  for (std::int64_t i = 0; i < parts; ++i) {
    const auto first = size * i / parts, count = size * (i + 1) / parts - first;
    const Batch part = parts == 1 ? batch : task_.part_of_batch(batch, first, count);
    context.share = static_cast<double>(count) / static_cast<double>(size);
    if (parts > 1) {
      const torch::AutoGradMode gradients(!detached);
      task_.forward_batch(part, context);
    }
    auto loss = task_.loss_of_batch(index, part, context);
    if (parts > 1) loss = loss * context.share;
    if (fault) loss = loss * NAN;
    if (loss.requires_grad()) loss.backward();
    total = total.defined() ? total + loss.detach() : loss.detach();
  }
  fault_used_ = fault_used_ || fault;
  return total;
}

void Trainer::train_step(const Batch& batch) {
  // Parts of the batch, one after the other: every loss is a mean over the batch, so the mean of
  // the parts' gradients is the gradient of the whole.
  const auto parts = std::min<std::int64_t>(options_.accumulate, task_.size_of(batch));
  StepContext context{step_, 1, notes_};
  if (parts == 1) task_.forward_batch(batch, context);
  for (std::size_t i = 0; i + 1 < optimisers_.size(); ++i) {
    if (!task_.learns(i, step_)) continue;
    auto& [settings, adam] = optimisers_[i];
    adam->zero_grad();
    accumulate(i, batch, parts, context);
    ranks_.average_gradients(settings.parameters);
    for (const auto& group : settings.clipped) clip_gradients(group, settings.clip);
    fused_step(*adam);
  }
  optimisers_.back().adam->zero_grad();
  context.error = torch::Tensor();
  const auto loss = accumulate(optimisers_.size() - 1, batch, parts, context);
  notes_.add("loss", loss);
  notes_.settle(log_);
  log_.step_done();
  const auto& error = context.error.defined() ? context.error : loss;
  finish_step(loss.item<double>(), error.item<double>());
}

void Trainer::finish_step(double loss, double error) {
  auto& [settings, adam] = optimisers_.back();
  const auto wrong = guard_.check(loss, error, finite_gradient_);
  const double flags = ranks_.average_gradients(
      settings.parameters, (interrupted() ? 1.0 : 0.0) + (wrong ? kDivergenceFlag : 0.0));
  stop_ = std::fmod(flags, kDivergenceFlag) > 0;
  divergence_.clear();
  if (flags >= kDivergenceFlag) {
    divergence_ = wrong.value_or("a loss on another rank went wrong");
    return;
  }
  double norm = settings.clipped.empty() ? clip_gradients(settings.parameters, 0) : 0;
  for (const auto& group : settings.clipped) norm += clip_gradients(group, settings.clip);
  finite_gradient_ = std::isfinite(norm);
  if (!finite_gradient_) {
    log::warning("Step " + std::to_string(step_) + ": the gradient is not finite; step left out.");
    return;
  }
  fused_step(*adam);
  const auto age = task_.pretrained() ? step_ + kPretrained : step_;
  for (const auto& network : networks_) {
    if (network.ema != nullptr) update_ema(*network.ema, *network.module, options_.ema, age);
  }
}

std::map<std::string, double> Trainer::step_on(const Batch& batch) {
  set_rates();
  train_step(batch);
  ++step_;
  return log_.take();
}

void Trainer::report(const Batch& batch) {
  const torch::NoGradGuard no_grad;
  unless_disk_is_full([&] {
    const auto columns = task_.sample_pictures(batch, step_);
    if (columns.empty()) return;
    const auto grid =
        write_sample_grid(options_.output + "/sample-" + std::to_string(step_) + ".ppm", columns);
    log_.picture(step_, static_cast<int>(grid.size(1)), static_cast<int>(grid.size(0)),
                 {grid.data_ptr<std::uint8_t>(), static_cast<std::size_t>(grid.numel())});
  });
  auto figures = task_.validate();
  if (figures.empty()) return;
  std::string line = "held out at step " + std::to_string(step_) + ":";
  for (auto& [name, value] : figures) {
    char text[32];
    std::snprintf(text, sizeof text, " %.4f", value);
    line += (line.back() == ':' ? " " : ", ") + name + text;
    name = "validation/" + name;
  }
  log::info(line + ".");
  log_.scalars(step_, figures);
}

void Trainer::run_steps(std::int64_t last) {
  BatchFeed<Batch> feed([this](std::int64_t step) { return batch_of(step); }, step_, options_.steps,
                        options_.workers);
  while (step_ < last && !stop_) {
    const auto batch = task_.batch_on_device(feed.batch_of(step_));
    set_rates();
    const double rate = static_cast<torch::optim::AdamOptions&>(
                            optimisers_.back().adam->param_groups()[0].options())
                            .lr();
    train_step(batch);
    if (!divergence_.empty()) return;
    ++step_;
    if (step_ % options_.log_every == 0) {
      log_.report(step_, options_.steps,
                  (now() - logged_) / static_cast<double>(options_.log_every), rate, ranks_.size(),
                  [&](std::vector<double>& values) { ranks_.sum(values); });
      logged_ = now();
    }
    if (step_ % options_.sample_every == 0 && ranks_.first()) report(batch);
    if (now() - saved_ > options_.checkpoint_minutes * 60) {
      unless_disk_is_full([&] { save(); });
      saved_ = now();
    }
  }
}

void Trainer::run() {
  const auto last =
      options_.stop_after > 0 ? std::min(options_.stop_after, options_.steps) : options_.steps;
  if (!resumed_) {
    log_.start_at(step_);
    save();  // something to go back to
  }
  saved_ = logged_ = now();
  while (step_ < last && !stop_) {
    run_steps(last);
    if (step_ >= last && divergence_.empty() && !finite()) {
      divergence_ = "there are weights that are no numbers";
    }
    if (!divergence_.empty()) roll_back();
  }
  save();
}

bool Trainer::finite() const {
  for (const auto& [settings, adam] : optimisers_) {
    if (!finite_weights(settings.parameters)) return false;
  }
  return true;
}

void Trainer::save() {
  if (!ranks_.first()) return;
  if (!finite()) {
    log::warning("No checkpoint at step " + std::to_string(step_) +
                 ": there are weights that are no numbers.");
    return;
  }
  recovery_.reached(step_);
  TensorMap out;
  for (const auto& network : networks_) {
    put_module(out, network.name + ".", *network.module);
    if (network.ema != nullptr) put_module(out, "ema." + network.name + ".", *network.ema);
  }
  for (auto& [settings, adam] : optimisers_) put_adam(out, "adam." + settings.name + ".", *adam);
  Metadata metadata = {
      {"stage", options_.stage}, {"step", std::to_string(step_)}, {"losses", log_.pending()}};
  recovery_.put(metadata);
  save_safetensors(checkpoint_path(), out, metadata);
}

bool Trainer::load() {
  const std::string path = checkpoint_path();
  if (!std::filesystem::exists(path)) return false;
  Metadata metadata;
  const auto tensors = load_safetensors(path, &metadata);
  const auto stage = metadata.find("stage");
  require(stage == metadata.end() || stage->second == options_.stage, ErrorKind::corrupt,
          path + " is a checkpoint of the stage '" + metadata["stage"] + "', not of '" +
              options_.stage + "'; choose another output folder.");
  for (const auto& network : networks_) {
    take_module(tensors, network.name + ".", *network.module, path);
    if (network.ema == nullptr) continue;
    // Without its stage: the restorer's, from the time when its averages were called so.
    take_module(tensors, stage == metadata.end() ? "average." : "ema." + network.name + ".",
                *network.ema, path);
  }
  for (auto& [settings, adam] : optimisers_) {
    take_adam(tensors, "adam." + settings.name + ".", *adam, path);
  }
  step_ = checkpoint_step(metadata, path);
  recovery_ = Recovery::from(metadata);
  log_.start_at(step_);
  if (ranks_.first()) log_.restore(metadata["losses"]);
  return true;
}

bool Trainer::resume() {
  resumed_ = load();
  ranks_.wait();  // before the first one writes another
  if (!resumed_ || !ranks_.first()) return resumed_;
  remove_partial_files(checkpoint_path());
  log::info("Going on from step " + std::to_string(step_) + " of " + checkpoint_path() + ".");
  return true;
}

void Trainer::roll_back() {
  const auto next = recovery_.after(step_, divergence_, options_.retry, checkpoint_path());
  ranks_.wait();  // the first one may still be writing it
  require(load(), ErrorKind::internal,
          "Step " + std::to_string(step_) + ": " + divergence_ +
              ", and there is no checkpoint to go back to.");
  recovery_ = next;
  if (ranks_.first()) log::warning(next.sentence(step_, divergence_, options_.retry));
  divergence_.clear();
  finite_gradient_ = true;
  guard_.restart();
  ranks_.wait();
  save();  // so that a run killed now comes back with the lower rate
}

void Trainer::export_result() {
  if (ranks_.first()) task_.export_result(step_);
}

}  // namespace semcodec
