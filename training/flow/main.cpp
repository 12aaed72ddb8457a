// semcodec-train-flow: trains FlowNet2 on synthetic motion.

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>

#include "common/core/error.h"
#include "common/core/log.h"
#include "models/core/device.h"
#include "training/flow/flow_trainer.h"
#include "training/flow/store_textures.h"

namespace {

std::atomic<bool> stopped{false};
extern "C" void on_signal(int) { stopped = true; }

int run(int argc, char** argv) {
  semcodec::FlowTrainingOptions options;
  options.folder = "flow-training";
  std::string data, start_from, variant = "full";
  int threads = 1;
  double minutes = 1e9;
  bool fp32 = false, repeatable = false;
  CLI::App app{
      "Trains FlowNet2 on synthetic motion; continues where the folder's checkpoint ends."};
  app.add_option("--data", data, "Folder of frame stores for textures; an eighth is held out")
      ->required();
  app.add_option("--output", options.folder, "Where the checkpoint and the export go");
  app.add_option("--start-from", start_from, "Exported weights to start from (no checkpoint)");
  app.add_option("--variant", variant, "full, css, cs, c, s or sd");
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
  app.add_option("--minutes", minutes, "Stop (and save) after this time");
  app.add_option("--threads", threads, "Threads, 0 = one a core");
  app.add_flag("--fp32", fp32, "Compute in fp32 instead of bf16");
  app.add_flag("--deterministic", repeatable, "The same weights every time on this machine");
  CLI11_PARSE(app, argc, argv);

  options.net.variant = semcodec::flownet2_variant_from_text(variant);
  options.bf16 = !fp32 && semcodec::cpu_has_bf16();
  semcodec::set_deterministic(repeatable);
  semcodec::set_threads(threads);
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);

  semcodec::FlowTrainer trainer(
      options, semcodec::open_textures(data, options.input_scale, semcodec::TexturePart::train),
      semcodec::open_textures(data, options.input_scale, semcodec::TexturePart::held_out));
  if (trainer.resume()) {
    semcodec::log::info("Continuing at step " + std::to_string(trainer.iteration()) + ".");
  } else if (!start_from.empty()) {
    trainer.start_from(start_from);
  }
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::duration<double>(std::min(minutes, 1e6) * 60.0);
  trainer.run([end] { return stopped || std::chrono::steady_clock::now() >= end; });
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const semcodec::Error& error) {
    std::fprintf(stderr, "semcodec-train-flow: %s\n", error.what());
    return error.exit_code();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "semcodec-train-flow: %s\n", error.what());
    return 1;
  }
}
