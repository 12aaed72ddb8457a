// semcodec-train-edges: trains a PiDiNet on frame stores (training/frame_store.h).

#include <CLI/CLI.hpp>
#include <filesystem>

#include "common/app/interrupt.h"
#include "common/app/run_main.h"
#include "common/app/version.h"
#include "common/core/error.h"
#include "common/core/log.h"
#include "models/core/device.h"
#include "models/core/weights_path.h"
#include "training/edges/edge_trainer.h"
#include "training/frame_store.h"

namespace {

using namespace semcodec;

/// Frame `index` as channels x H x W; the store's bytes are interleaved.
torch::Tensor frame_tensor(const FrameStore& store, std::size_t index) {
  const FrameStoreHeader& header = store.header();
  torch::Tensor interleaved =
      torch::empty({header.height, header.width, header.channels}, torch::kUInt8);
  std::copy_n(store.frame(index), header.frame_bytes(), interleaved.data_ptr<std::uint8_t>());
  return interleaved.permute({2, 0, 1});
}

/// All frames of the stores; a store NAME.frames with NAME.labels beside it has annotations.
class StorePictures {
 public:
  explicit StorePictures(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
      Source source{FrameStore(path), std::nullopt, total_};
      const std::string labels = std::filesystem::path(path).replace_extension(".labels").string();
      if (std::filesystem::exists(labels)) source.labels.emplace(labels);
      const FrameStoreHeader& header = source.frames.header();
      require(header.channels == 3, ErrorKind::input, path + " does not hold RGB pictures.");
      if (source.labels) {
        const FrameStoreHeader& other = source.labels->header();
        require(other.channels == 1 && other.width == header.width &&
                    other.height == header.height && other.frames == header.frames,
                ErrorKind::input, labels + " does not fit " + path + ".");
      }
      total_ += source.frames.size();
      sources_.push_back(std::move(source));
    }
  }

  EdgePicture get(std::size_t index) const {
    std::size_t at = sources_.size() - 1;
    while (sources_[at].first > index) --at;
    const Source& source = sources_[at];
    EdgePicture picture{frame_tensor(source.frames, index - source.first), {}};
    if (source.labels) picture.edges = frame_tensor(*source.labels, index - source.first);
    return picture;
  }
  std::size_t size() const { return total_; }

 private:
  struct Source {
    FrameStore frames;
    std::optional<FrameStore> labels;
    std::size_t first;
  };
  std::vector<Source> sources_;
  std::size_t total_ = 0;
};

struct Arguments {
  EdgeTrainingOptions options;
  std::vector<std::string> stores;
  std::string device = "cpu", out;
  bool resume = false, repeatable = false;
  int threads = 0;
};

/// Stores whose pictures are too small for a crop are named and skipped.
std::vector<std::string> large_enough(const std::vector<std::string>& paths, int crop) {
  std::vector<std::string> out;
  for (const auto& path : paths) {
    const FrameStore store(path);
    if (store.header().width >= crop && store.header().height >= crop) {
      out.push_back(path);
    } else {
      log::warning(path + " is smaller than the crop of " + std::to_string(crop) +
                   " pixels. Skipped.");
    }
  }
  require(!out.empty(), ErrorKind::input, "No picture is left to train on; lower --crop.");
  return out;
}

void train(Arguments& a) {
  EdgeTrainingOptions& options = a.options;
  const torch::Device where = parse_device(a.device);
  set_deterministic(a.repeatable);
  set_threads(a.threads);
  if (!options.teacher.empty()) {
    options.teacher = require_weights(options.teacher, "distillation");
  }
  const StorePictures pictures(large_enough(a.stores, options.crop));
  EdgeTrainer trainer(options, {pictures.size(), [&](std::size_t i) { return pictures.get(i); }},
                      where, a.resume);
  log::info("Training on " + std::to_string(pictures.size()) + " pictures.");
  trainer.run([] { return interrupted(); });
  require(!interrupted(), ErrorKind::interrupted,
          "Stopped; go on with --resume --checkpoint " + options.checkpoint + ".");
  trainer.export_weights(a.out);
  log::info("Wrote " + a.out + " after " + std::to_string(trainer.step()) + " steps.");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Trains the edge network (PiDiNet) from frame stores, by a larger network's maps, by\n"
      "annotations (NAME.labels beside NAME.frames), or both."};
  CommonOptions common;
  add_common_options(app, common, version_text("semcodec-train edges", {}));
  Arguments a;
  EdgeTrainingOptions& options = a.options;
  app.add_option("stores", a.stores, "Frame stores (*.frames) to train on")->required();
  app.add_option("-o,--output", a.out, "Write the averaged weights (safetensors, fp16) here")
      ->required();
  app.add_option("--checkpoint", options.checkpoint, "Checkpoint file")->required();
  app.add_flag("--resume", a.resume, "Go on from the checkpoint");
  app.add_option("--size", options.size, "full, small or tiny, or one with -l")
      ->capture_default_str();
  app.add_option("--teacher", options.teacher, "Weights of the teacher: a file, or e.g. pidinet");
  app.add_option("--distillation", options.distillation, "Weight of the distillation loss")
      ->capture_default_str();
  app.add_option("--labels", options.labels, "Weight of the loss against annotations")
      ->capture_default_str();
  app.add_option("--lambda", options.lambda, "Weight of non-edges")->capture_default_str();
  app.add_option("--eta", options.eta, "Share of annotators that makes an edge")
      ->capture_default_str();
  app.add_option("--crop", options.crop, "Side of the crops, pixels")->capture_default_str();
  app.add_option("--batch", options.batch, "Crops a step")->capture_default_str();
  app.add_option("--steps", options.steps, "Steps in all")->capture_default_str();
  app.add_option("--seconds", options.max_seconds, "Seconds in all, 0 = no limit")
      ->capture_default_str();
  app.add_option("--learning-rate", options.learning_rate, "Adam's step")->capture_default_str();
  app.add_option("--weight-decay", options.weight_decay, "Adam's weight decay")
      ->capture_default_str();
  app.add_option("--average", options.average_decay, "Decay of the averaged weights")
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Random seed")->capture_default_str();
  app.add_option("--device", a.device, "auto, cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--threads", a.threads, "CPU threads, 0 = one a core")->capture_default_str();
  app.add_flag("--deterministic", a.repeatable, "The same weights every time on this machine");
  return run_main(app, argc, argv, [&] { train(a); });
}
