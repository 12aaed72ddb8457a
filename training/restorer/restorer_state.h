#pragma once
// What the restorer stage holds; shared by the files that implement restorer_trainer.h.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/discriminator/discriminator.h"
#include "training/base/base_sampler.h"
#include "training/restorer/restorer_objective.h"
#include "training/restorer/restorer_trainer.h"
#include "training/trainer/divergence_guard.h"
#include "training/trainer/loss_log.h"
#include "training/trainer/recovery.h"
#include "training/trainer/step_tools.h"

namespace semcodec {

struct RestorerTrainer::State {
  using Outputs = std::vector<RestorerImpl::Output>;

  State(const RestorerOptions& o, const Ranks& r);

  RestorerOptions options;
  const Ranks& ranks;
  torch::Device device;
  Restorer restorer, average;
  Discriminator image_discriminator, video_discriminator;
  BaseSampler sampler;
  std::optional<BaseSample> held_out;  ///< a batch of the validation clips, on the device
  RestorerObjective objective;
  std::unique_ptr<torch::optim::Adam> adam, discriminator_adam;
  LossLog log;
  DivergenceGuard guard;
  LossNotes notes;  ///< of this step
  std::int64_t step = 0;
  bool resumed = false;
  bool stop = false;            ///< some rank got a signal
  std::string divergence;       ///< why the last step was bad on some rank; empty = it was not
  bool finite_gradient = true;  ///< of the last step
  bool fault_used = false;      ///< RestorerOptions::fault_at happens once
  Recovery recovery;            ///< from going back to a checkpoint

  std::string checkpoint_path() const { return options.output + "/checkpoint.safetensors"; }
  bool adversarial() const { return step >= options.gan_start; }
  bool interpolates() const {
    return options.sampler.unroll >= 2 && options.weight_interpolator > 0;
  }
  bool with_video() const { return options.sampler.unroll >= 3 && options.weight_gan_video > 0; }
  double rate() const;
  void set_rates();

  // restorer_step.cpp
  /// All frames of a batch, each with the one before as memory. `detached`: no gradient goes
  /// through the memory.
  Outputs restore(Restorer& network, const BaseSample& batch, bool detached) const;
  void train_step(const BaseSample& batch);
  /// Parameters of the restorer proper and of its interpolator.
  std::pair<std::vector<torch::Tensor>, std::vector<torch::Tensor>> trained_parts();
  /// The interpolator's loss between the last two frames, which learn nothing from it.
  torch::Tensor interpolator_loss_of(const BaseSample& batch, const Outputs& outputs);
  torch::Tensor discriminator_loss_of(const BaseSample& batch, const Outputs& outputs);
  torch::Tensor adversarial_loss_of(const BaseSample& batch, const Outputs& outputs);
  /// The coded frame that D_I looks at in this step.
  std::size_t compared_frame() const;

  // restorer_checkpoint.cpp
  void save();
  bool load();
  void roll_back();

  // restorer_trainer.cpp
  /// `reseed`: of the samples after a return to a checkpoint (Recovery).
  BaseSample draw_batch(std::int64_t at, std::int64_t reseed) const;
  void write_samples(const BaseSample& batch);
  void validate();
};

}  // namespace semcodec
