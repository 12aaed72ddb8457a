#include "training/trainer/trainer_options.h"

namespace semcodec {

OptionTable table_of(RunOptions& o) {
  OptionTable table("", "All stages");
  table.add("data", o.data, any_value(),
            "`all`: videos (a folder or a file); a stage: frame stores");
  table.add("output", o.output, any_value(), "`all`: the package; a stage: all that it writes");
  table.add("name", o.name, any_value(), "of the package; empty: the output folder's");
  table.add("device", o.device, any_value(), "auto, cpu, cuda or cuda:N");
  table.add("threads", o.threads, at_least(0), "CPU threads; 0 = one a core");
  table.add("seed", o.seed, at_least(0), "of weights and samples");
  table.add("ranks", o.ranks, in_range(1, 4096),
            "processes of each trained stage that `all` starts");
  table.add("all_reduce", o.all_reduce, one_of({"main_memory", "nccl"}),
            "how gradients travel between ranks; `nccl`: from GPU to GPU, for ranks of torchrun");
  return table;
}

void add_trainer_options(OptionTable& table, TrainerOptions& o) {
  table.add("steps", o.steps, at_least(1), "length of the run and of the learning rate's schedule");
  table.add("stop_after", o.stop_after, at_least(0),
            "end with a checkpoint after this step; the schedule stays; 0 = at the end");
  table.add("batch", o.batch, at_least(1), "samples a step, of all ranks together");
  table.add("accumulate", o.accumulate, at_least(1),
            "parts that a rank works its batch off in, for less memory");
  table.add("learning_rate", o.learning_rate, above(0), "Adam's, the highest of the schedule");
  table.add("schedule", o.schedule, one_of({"cosine", "steps"}),
            "`steps`: a tenth from half of the run on, a hundredth from four fifths on");
  table.add("final_rate", o.final_rate, in_range(0, 1),
            "where the cosine ends, a share of the rate");
  table.add("warm_up", o.warm_up, at_least(0), "steps over which the learning rate rises");
  table.add("beta1", o.beta1, below(0, 1), "Adam's, of the mean of the gradients");
  table.add("beta2", o.beta2, below(0, 1), "Adam's, of the mean of their squares");
  table.add("weight_decay", o.weight_decay, at_least(0), "Adam's (L2)");
  table.add("clip_gradient", o.clip_gradient, at_least(0), "largest norm; 0 = no limit");
  table.add("ema", o.ema, below(0, 1), "decay of the averaged weights, which are exported");
  table.add("bf16", o.bf16, any_value(), "mixed precision, on devices that compute it");
  table.add("workers", o.workers, in_range(1, 1024), "threads that prepare samples");
  table.add("retries", o.retry.retries, at_least(0),
            "returns to the last checkpoint when it goes wrong, before giving up");
  table.add("retry_rate", o.retry.rate, in_range(0.01, 1),
            "what each of them does to the learning rate");
  table.add("checkpoint_minutes", o.checkpoint_minutes, at_least(0), "time between checkpoints");
  table.add("log_every", o.log_every, at_least(1), "steps between log lines");
  table.add("sample_every", o.sample_every, at_least(1), "steps between samples and validations");
  table.gone("average", "is now '" + o.stage + ".ema'");
}

void read_run_options(const Config& config, RunOptions& options, const std::string& data) {
  table_of(options).read(config);
  config.require_text("data", data);
  config.require_text("output", "the folder to write to");
}

}  // namespace semcodec
