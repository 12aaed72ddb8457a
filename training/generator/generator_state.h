#pragma once
// What the generator stage holds; shared by the files that implement generator_trainer.h.

#include <memory>
#include <string>
#include <vector>

#include "models/discriminator/discriminator.h"
#include "training/data/sequence_sampler.h"
#include "training/generator/generation.h"
#include "training/generator/generator_trainer.h"
#include "training/generator/objective.h"
#include "training/trainer/divergence_guard.h"
#include "training/trainer/loss_log.h"
#include "training/trainer/recovery.h"
#include "training/trainer/step_tools.h"

namespace semcodec {

struct GeneratorTrainer::State {
  State(const GeneratorOptions& o, const Ranks& r);

  GeneratorOptions options;
  const Ranks& ranks;
  torch::Device device;
  Generator generator, average;
  TextureEncoder texture, texture_average;
  Discriminator image_discriminator, video_discriminator;
  SequenceSampler sampler;
  Objective objective;
  std::unique_ptr<torch::optim::Adam> generator_adam, discriminator_adam;
  LossLog log;
  DivergenceGuard guard;
  std::int64_t step = 0;
  bool resumed = false;
  bool stop = false;            ///< some rank got a signal
  std::string divergence;       ///< why the last step was bad on some rank; empty = it was not
  bool finite_gradient = true;  ///< of the last step
  bool fault_used = false;      ///< GeneratorOptions::fault_at happens once
  Recovery recovery;            ///< from going back to a checkpoint
  LossNotes notes;              ///< of this step

  std::string checkpoint_path() const { return options.output + "/checkpoint.safetensors"; }
  bool image_phase() const { return step < options.image_steps; }
  bool judged() const { return step >= options.gan_start; }

  // generator_step.cpp
  Generated generate(const SequenceSample& sample);
  void train_step(const SequenceSample& sample);
  torch::Tensor generator_loss_of(const Generated& generated, double share);
  torch::Tensor discriminator_loss_of(const Generated& generated, double share);
  std::vector<torch::Tensor> trained() const;
  std::vector<torch::Tensor> discriminator_parameters() const;
  void set_rates();
  double rate() const;

  // generator_checkpoint.cpp
  void save();
  bool load();
  void roll_back();

  // generator_trainer.cpp
  void write_samples(const SequenceSample& sample);
};

}  // namespace semcodec
