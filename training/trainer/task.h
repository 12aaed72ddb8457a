#pragma once
// What a stage of the training supplies to the one trainer (trainer.h): networks, optimisers,
// batches, losses, samples and an export. Everything else, from the schedule to the checkpoint, is
// the trainer's. A stage derives from TaskOn<Sample>.
//
// A step makes the outputs once, by forward(), and then lets each optimiser learn in turn from
// loss(): discriminators first, the network that is exported last. Losses are means over the batch,
// so that a batch can be worked off in parts and shared among ranks.

#include <torch/torch.h>

#include <any>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/core/random.h"
#include "models/core/safetensors.h"
#include "training/parallel/ranks.h"
#include "training/trainer/batch.h"
#include "training/trainer/step_tools.h"
#include "training/trainer/trainer_options.h"

namespace semcodec {

using Batch = std::any;  ///< the Sample of a TaskOn<Sample>

struct TrainedNetwork {
  std::string name;  ///< of its tensors in the checkpoint: "generator"
  torch::nn::Module* module;
  torch::nn::Module* ema = nullptr;  ///< of the same kind: receives the averaged weights
};

/// Adam over some parameters.
struct OptimiserSettings {
  std::string name;  ///< in the checkpoint
  std::vector<torch::Tensor> parameters;
  double learning_rate = 0, beta1 = 0.9, beta2 = 0.999, weight_decay = 0;
  bool scheduled = true;  ///< else the learning rate stays, apart from recoveries
  /// Parameters whose gradients are limited together, and the largest norm; none: no limit.
  std::vector<std::vector<torch::Tensor>> clipped{};
  double clip = 0;
  /// Learns from outputs without a gradient through forward(), as discriminators do. When a batch
  /// is worked off in parts, its forward passes then keep nothing.
  bool detached = false;
};

/// A step, as loss() sees it.
struct StepContext {
  std::int64_t step = 0;
  double share = 1;  ///< of the rank's batch: the part that is worked off
  LossNotes& notes;
  torch::Tensor error{};  ///< see set_error()

  /// Reports a loss, without its weight; a scalar. `weight` for a mean over several of a name.
  void note(const std::string& name, const torch::Tensor& loss, double weight = 1) {
    notes.add(name, loss, share * weight);
  }
  /// The error that the divergence guard watches: a scalar that the last optimiser's loss sets,
  /// below 1 when all is well.
  void set_error(const torch::Tensor& value) {
    const auto part = value.detach() * share;
    error = error.defined() ? error + part : part;
  }
};

class Task {
 public:
  /// Chooses the device, sets threads and torch's seed: before the networks are made.
  Task(const TrainerOptions& options, const Ranks& ranks);
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  const TrainerOptions& settings() const { return settings_; }
  const Ranks& ranks() const { return ranks_; }
  torch::Device device() const { return device_; }

  virtual std::vector<TrainedNetwork> networks() = 0;
  /// In the order of a step; the last one trains what is exported, and its loss is the run's.
  virtual std::vector<OptimiserSettings> optimisers() = 0;
  /// Columns of losses.csv after the step; the first one is "loss".
  virtual std::vector<std::string> columns() const = 0;
  /// What the run trains on and with, in sentences.
  virtual std::string describe() const = 0;
  /// Whether an optimiser takes part in a step.
  virtual bool learns(std::size_t /*optimiser*/, std::int64_t /*step*/) const { return true; }
  /// The averages start from trained weights, which they need not forget quickly.
  virtual bool pretrained() const { return false; }

  /// This rank's samples of a step. `random` is the same on all ranks. Called by several threads.
  virtual Batch draw_batch(std::int64_t step, Random random) const = 0;
  virtual Batch batch_on_device(const Batch& batch) const = 0;
  virtual std::int64_t size_of(const Batch& batch) const = 0;
  virtual Batch part_of_batch(const Batch& batch, std::int64_t first, std::int64_t count) const = 0;

  virtual void forward_batch(const Batch& batch, const StepContext& context) = 0;
  virtual torch::Tensor loss_of_batch(std::size_t optimiser, const Batch& batch,
                                      StepContext& context) = 0;

  /// Columns of a grid of sample pictures by the averaged weights, N×3×H×W each; none: no grid.
  virtual std::vector<torch::Tensor> sample_pictures(const Batch& batch, std::int64_t step) = 0;
  /// Figures of held-out samples by the averaged weights: "psnr", 31.2.
  virtual std::vector<std::pair<std::string, double>> validate() { return {}; }
  /// Writes what the stage is for to the output folder, from the averaged weights.
  virtual void export_result(std::int64_t step) = 0;

 protected:
  /// Draws `count` samples from one seed each, and collates those of this rank.
  template <typename Draw>
  auto draw_share(Random& random, int count, const Draw& draw) const {
    std::vector<decltype(draw(std::uint64_t{}))> mine;
    for (int i = 0; i < count; ++i) {
      const auto seed = random.next();
      if (i % ranks_.size() == ranks_.rank()) mine.push_back(draw(seed));
    }
    return collate(std::move(mine));
  }

 private:
  TrainerOptions settings_;
  const Ranks& ranks_;
  torch::Device device_;
};

/// A task whose batches are of type Sample (batch.h).
template <TensorStruct Sample>
class TaskOn : public Task {
 public:
  using Task::Task;

  virtual Sample draw(std::int64_t step, Random& random) const = 0;
  virtual void forward(const Sample& batch, const StepContext& context) = 0;
  virtual torch::Tensor loss(std::size_t optimiser, const Sample& batch, StepContext& context) = 0;
  virtual std::vector<torch::Tensor> samples(const Sample& /*batch*/, std::int64_t /*step*/) {
    return {};
  }

  Batch draw_batch(std::int64_t step, Random random) const final {
    const auto batch = draw(step, random);
    return device().is_cuda() ? pinned(batch) : batch;
  }
  Batch batch_on_device(const Batch& batch) const final { return to_device(of(batch), device()); }
  std::int64_t size_of(const Batch& batch) const final { return batch_size(of(batch)); }
  Batch part_of_batch(const Batch& batch, std::int64_t first, std::int64_t count) const final {
    return part_of(of(batch), first, count);
  }
  void forward_batch(const Batch& batch, const StepContext& context) final {
    forward(of(batch), context);
  }
  torch::Tensor loss_of_batch(std::size_t optimiser, const Batch& batch,
                              StepContext& context) final {
    return loss(optimiser, of(batch), context);
  }
  std::vector<torch::Tensor> sample_pictures(const Batch& batch, std::int64_t step) final {
    return samples(of(batch), step);
  }

 private:
  static const Sample& of(const Batch& batch) { return std::any_cast<const Sample&>(batch); }
};

/// The averaged weights of `module` in half precision, which is as good as bf16 inference.
TensorMap half_precision(const torch::nn::Module& module);

}  // namespace semcodec
