#pragma once
// Training of FlowNet2, all members at once, on synthetic pairs.
//
// Loss, summed over the members m and the levels k of their pyramids:
//   w_k · mean( v · (EPE + 0.01)^q ),  EPE = ‖prediction · to_pixels − pooled flow‖ in pixels,
// with q < 1 so that the few very long errors do not rule, and v lower where image1 does not show
// the place. SD is responsible for small motion only, so long vectors weigh less in its loss.
// Adam with warm-up and cosine decay, gradient clipping, and an exponential moving average of the
// weights, which is what is validated and exported.

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>

#include "models/flownet2/flownet2.h"
#include "training/flow/synthetic_motion.h"
#include "training/trainer/divergence_guard.h"
#include "training/trainer/recovery.h"

namespace semcodec {

struct FlowTrainingOptions {
  FlowNet2Options net;
  int input_scale = 1;  ///< written to the export; the pairs must show pictures reduced by it
  SyntheticMotionOptions motion;
  int batch = 8;
  std::int64_t iterations = 20000;  ///< length of the learning-rate schedule
  double learning_rate = 6e-4;
  double final_rate = 0.02;  ///< last rate as a part of the first
  int warmup = 200;
  double robustness = 0.7;  ///< q above
  double clip_norm = 1.0;
  double ema = 0.998;
  bool detach_members = true;
  bool bf16 = true;  ///< autocast
  std::uint64_t seed = 1;
  std::string folder;  ///< checkpoint.pt and flow.safetensors go here
  int save_seconds = 180;
  int log_every = 50;
  int validation_pairs = 64;  ///< at every save; 0 = none
  torch::Device device = torch::kCPU;
  RetryOptions retry;          ///< when it goes wrong
  std::int64_t fault_at = -1;  ///< for tests: this step's loss is no number, once
};

class FlowTrainer {
 public:
  /// `train` and `held_out` give textures; the latter for validation only.
  FlowTrainer(const FlowTrainingOptions& options, ImageSource train, ImageSource held_out);

  /// Continues from folder/checkpoint.pt when it is there. Throws Error(corrupt) when it is damaged
  /// or of another network. Returns whether it was there.
  bool resume();

  /// Takes the weights of an exported file of the same options. Throws as load_module().
  void start_from(const std::string& safetensors);

  /// Trains until the schedule ends or `stop()` is true (asked after every step), then saves.
  /// When the training goes wrong (divergence_guard.h, with the end-point error) it goes back to
  /// the checkpoint. Throws Error(internal) when that does not help.
  void run(const std::function<bool()>& stop);

  /// Mean end-point error in pixels of the averaged weights on `pairs` held-out pairs (always the
  /// same ones), over visible pixels; `degraded` pairs look like generated pictures.
  double validate(int pairs, bool degraded);

  /// Writes checkpoint.pt and flow.safetensors, each complete or not at all. Throws Error(output).
  void save();

  std::int64_t iteration() const { return iteration_; }

 private:
  struct Batch {
    torch::Tensor image0, image1, flow, visible;
  };
  Batch make_batch(const SyntheticMotionOptions& motion, int count, const ImageSource& source,
                   std::mt19937_64& random) const;
  torch::Tensor loss(const FlowNet2Output& output, const Batch& batch) const;
  double step(const Batch& batch, double& pixel_error);
  void set_rate();
  void swap_average();
  std::string checkpoint_path() const;
  bool healthy() const;
  void write_files();
  void roll_back(const std::string& divergence);

  FlowTrainingOptions options_;
  ImageSource train_, held_out_;
  FlowNet2 net_{nullptr};
  std::unique_ptr<torch::optim::Adam> optimiser_;
  std::vector<torch::Tensor> average_;  // of net_->parameters(), in their order
  std::mt19937_64 random_;
  std::int64_t iteration_ = 0;
  Recovery recovery_;
  DivergenceGuard guard_;
  bool finite_gradient_ = true;  ///< of the last step
  bool fault_used_ = false;
};

}  // namespace semcodec
