// semcodec-train-flow: trains FlowNet2 on synthetic motion.

#include <CLI/CLI.hpp>
#include <chrono>

#include "common/app/interrupt.h"
#include "common/app/run_main.h"
#include "common/app/version.h"
#include "common/core/error.h"
#include "common/core/log.h"
#include "models/core/device.h"
#include "training/flow/flow_trainer.h"
#include "training/flow/store_textures.h"

namespace {

using namespace semcodec;

struct Arguments {
  FlowTrainingOptions options;
  std::string data, start_from, variant = "full", device = "cpu";
  int threads = 1;
  double minutes = 1e9;
  bool fp32 = false, repeatable = false;
};

void train(Arguments& a) {
  FlowTrainingOptions& options = a.options;
  options.net.variant = flownet2_variant_from_text(a.variant);
  options.device = parse_device(a.device);
  options.bf16 = !a.fp32 && (options.device.is_cuda() || cpu_has_bf16());
  set_deterministic(a.repeatable);
  set_threads(a.threads);

  FlowTrainer trainer(options, open_textures(a.data, options.input_scale, TexturePart::train),
                      open_textures(a.data, options.input_scale, TexturePart::held_out));
  if (trainer.resume()) {
    log::info("Continuing at step " + std::to_string(trainer.iteration()) + ".");
  } else if (!a.start_from.empty()) {
    trainer.start_from(a.start_from);
  }
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::duration<double>(std::min(a.minutes, 1e6) * 60.0);
  trainer.run([end] { return interrupted() || std::chrono::steady_clock::now() >= end; });
  require(!interrupted(), ErrorKind::interrupted, "Stopped; the same command goes on.");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Trains FlowNet2 on synthetic motion; continues where the folder's checkpoint ends."};
  CommonOptions common;
  add_common_options(app, common, version_text("semcodec-train flow", {}));
  Arguments a;
  FlowTrainingOptions& options = a.options;
  options.folder = "flow-training";
  app.add_option("--data", a.data, "Folder of frame stores for textures; an eighth is held out")
      ->required();
  app.add_option("--output", options.folder, "Where the checkpoint and the export go");
  app.add_option("--start-from", a.start_from, "Exported weights to start from (no checkpoint)");
  app.add_option("--variant", a.variant, "full, css, cs, c, s or sd");
  app.add_option("--channels", options.net.width, "Part of the published channel counts");
  app.add_option("--correlation", options.net.max_displacement, "Largest displacement compared");
  app.add_option("--input-scale", options.input_scale, "Pictures are reduced by 1 or 2 first");
  app.add_option("--width", options.motion.width, "Width of a training pair");
  app.add_option("--height", options.motion.height, "Height of a training pair");
  app.add_option("--max-motion", options.motion.max_displacement, "Longest motion, pixels");
  app.add_option("--typical-motion", options.motion.typical_displacement, "Mean motion, pixels");
  app.add_option("--degrade", options.motion.degrade_probability,
                 "Part of the pairs that look like generated pictures");
  app.add_option("--batch", options.batch, "Pairs a step");
  app.add_option("--iterations", options.iterations, "Steps of the whole schedule");
  app.add_option("--rate", options.learning_rate, "Highest learning rate");
  app.add_option("--final-rate", options.final_rate, "Last rate as a part of the highest");
  app.add_option("--robustness", options.robustness, "Exponent of the end-point error");
  app.add_option("--ema", options.ema, "Decay of the averaged weights");
  app.add_option("--seed", options.seed, "Seed of weights and pairs");
  app.add_option("--save-seconds", options.save_seconds, "Time between checkpoints");
  app.add_option("--log-every", options.log_every, "Steps between log lines");
  app.add_option("--minutes", a.minutes, "Stop (and save) after this time");
  app.add_option("--device", a.device, "auto, cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--threads", a.threads, "Threads, 0 = one a core");
  app.add_flag("--fp32", a.fp32, "Compute in fp32 instead of bf16");
  app.add_flag("--deterministic", a.repeatable, "The same weights every time on this machine");
  return run_main(app, argc, argv, [&] { train(a); });
}
