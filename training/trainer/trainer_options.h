#pragma once
// What every stage of the training is asked for: the keys outside of sections, and the keys that
// each stage's section has for its trainer. A stage's options extend these and set its own
// defaults.

#include <cstdint>
#include <string>

#include "training/trainer/option_table.h"
#include "training/trainer/recovery.h"

namespace semcodec {

/// Keys outside of sections.
struct RunOptions {
  std::string data, output, name, device = "auto";
  std::string all_reduce = "main_memory";  ///< how gradients travel between ranks
  int threads = 0, ranks = 1;
  std::uint64_t seed = 1;
};

OptionTable table_of(RunOptions& options);

struct TrainerOptions : RunOptions {
  std::string stage;  ///< its section in the configuration: "generator"
  std::int64_t steps = 20000;
  std::int64_t stop_after = 0;
  int batch = 4;       ///< of all ranks together
  int accumulate = 1;  ///< parts that a rank's batch is worked off in
  double learning_rate = 4e-4;
  std::string schedule = "cosine";  ///< step_tools.h
  double final_rate = 0.1;
  std::int64_t warm_up = 100;
  double beta1 = 0.9, beta2 = 0.99;
  double weight_decay = 0;
  double clip_gradient = 1.0;  ///< 0 = no limit
  double ema = 0.998;
  bool bf16 = true;
  int workers = 1;
  double checkpoint_minutes = 3;
  std::int64_t log_every = 50;
  std::int64_t sample_every = 500;
  RetryOptions retry;
  std::int64_t fault_at = -1;  ///< for tests, no key: this step's loss is no number, once
};

/// The rows of `options` that all stages share, and the names that they had before.
void add_trainer_options(OptionTable& table, TrainerOptions& options);

/// Reads the keys outside of sections. Throws Error(usage) when `data` ("the folder of …") or
/// `output` is missing.
void read_run_options(const Config& config, RunOptions& options, const std::string& data);

}  // namespace semcodec
