#pragma once
// The one trainer of all stages: runs the steps of a task (task.h) and owns what they have in
// common: optimisers, averaged weights, schedule, divergence guard, recovery, checkpoint, log.
//
// The output folder receives losses.csv, event files for TensorBoard, sample-STEP.ppm and
// checkpoint.safetensors (networks, averages, Adam's moments; step, losses since the last log line
// and recovery as metadata: opening it runs no code). Samples follow from seed, step and recovery
// alone, so that a resumed run is the uninterrupted one.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "training/trainer/divergence_guard.h"
#include "training/trainer/loss_log.h"
#include "training/trainer/recovery.h"
#include "training/trainer/task.h"

namespace semcodec {

class Trainer {
 public:
  /// `task` outlives the trainer. Of several ranks only the first one logs and writes files.
  /// Throws Error(usage) when the ranks cannot share the batch, Error(output) when the output
  /// folder cannot be made.
  explicit Trainer(Task& task);

  /// Goes on from the checkpoint in the output folder. False when there is none. Throws
  /// Error(corrupt) naming the file when it is damaged, or of another stage or network.
  bool resume();
  /// Trains until the steps are done, or until a signal comes; then writes a checkpoint. When the
  /// training goes wrong it goes back to the last one; throws Error(internal) when that does not
  /// help.
  void run();
  /// Writes the checkpoint, unless there are weights that are no numbers. Throws Error(output).
  void save();
  /// Task::export_result(), on the first rank.
  void export_result();

  std::int64_t step() const { return step_; }
  /// The batch of a step, as run() draws it.
  Batch batch_of(std::int64_t step) const;
  /// One step on this batch, as run() makes them. Returns the losses by name, without their
  /// weights; "loss" is the weighted sum. For benchmarks and tests.
  std::map<std::string, double> step_on(const Batch& batch);

 private:
  struct Optimiser {
    OptimiserSettings settings;
    std::unique_ptr<torch::optim::Adam> adam;
  };

  std::string checkpoint_path() const { return options_.output + "/checkpoint.safetensors"; }
  /// The learning rate's factor at this step.
  double schedule() const;
  void set_rates();
  void train_step(const Batch& batch);
  /// All parts of a batch through one optimiser's loss, backwards. Returns the sum of the losses.
  torch::Tensor accumulate(std::size_t index, const Batch& batch, std::int64_t parts,
                           StepContext& context);
  /// The exported network's step, after its gradients: agreement of the ranks, guard, averages.
  void finish_step(double loss, double error);
  void run_steps(std::int64_t last);
  void report(const Batch& batch);
  bool finite() const;
  bool load();
  void roll_back();

  Task& task_;
  const TrainerOptions options_;
  const Ranks& ranks_;
  std::vector<TrainedNetwork> networks_;
  std::vector<Optimiser> optimisers_;
  LossLog log_;
  LossNotes notes_;
  DivergenceGuard guard_;
  Recovery recovery_;
  std::int64_t step_ = 0;
  bool resumed_ = false;
  bool stop_ = false;              ///< some rank got a signal
  std::string divergence_;         ///< why the last step was bad on some rank; empty = it was not
  bool finite_gradient_ = true;    ///< of the last step
  bool fault_used_ = false;        ///< TrainerOptions::fault_at happens once
  double saved_ = 0, logged_ = 0;  ///< seconds of the monotonic clock
};

}  // namespace semcodec
