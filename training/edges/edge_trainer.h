#pragma once
// Training of PiDiNet, in two ways that may be mixed:
//
//   labels        pictures with annotated boundaries (BSDS500: mean of several annotators, 0..255),
//                 class-balanced cross-entropy on all five maps. A pixel that more than `eta` of
//                 the annotators marked is an edge, one that nobody marked is none, others have no
//                 say. Edges weigh (share of non-edges), non-edges lambda * (share of edges).
//   distillation  any pictures; the student follows the five maps of a trained, larger PiDiNet by
//                 cross-entropy with soft targets. Optimal where student = teacher.
//
// Both losses are summed over the pixels and averaged over the pictures, as in the authors' code,
// so that their weight decay keeps its meaning. Pictures reach the trainer through a callback, as
// it knows neither video nor picture files; training/edges/main.cpp reads frame stores.

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "models/pidinet/edge_detector.h"
#include "models/pidinet/pidinet.h"
#include "training/trainer/divergence_guard.h"
#include "training/trainer/recovery.h"

namespace semcodec {

struct EdgePicture {
  torch::Tensor rgb;    ///< 3 x H x W, uint8
  torch::Tensor edges;  ///< 1 x H x W, uint8, mean annotation; undefined when there is none
};

/// `count` pictures, any of which `get` returns. All must be at least `crop` high and wide.
struct EdgePictures {
  std::size_t count = 0;
  std::function<EdgePicture(std::size_t index)> get;
};

struct EdgeTrainingOptions {
  std::string size = "tiny";  ///< of PiDiNetConfig::named
  std::string teacher;        ///< safetensors file of a PiDiNet; empty = labels only
  double distillation = 1.0;  ///< weight of the distillation loss (needs a teacher)
  double labels = 0.0;        ///< weight of the balanced loss, on pictures that have labels
  double lambda = 1.1;
  double eta = 0.3;
  int crop = 192;  ///< pixels, square; a multiple of 8
  int batch = 6;
  std::int64_t steps = 20000;
  double max_seconds = 0;  ///< 0 = no limit; else the schedule ends then, all runs together
  double learning_rate =
      0.005;  ///< /10 at half and at four fifths of the way (epochs 10 and 16 of 20)
  double weight_decay = 1e-4;
  double average_decay = 0.999;
  std::uint64_t seed = 1;
  std::string checkpoint;  ///< written every `save_seconds` and at the end
  double save_seconds = 60;
  RetryOptions retry;          ///< when it goes wrong
  std::int64_t fault_at = -1;  ///< for tests: this step's loss is no number, once
  int log_steps = 50;

  /// Throws Error(usage) naming the option.
  void check() const;
};

/// The balanced loss of logits against mean annotations in 0..1, both N x 1 x H x W.
torch::Tensor balanced_edge_loss(const torch::Tensor& logits, const torch::Tensor& annotation,
                                 double lambda, double eta);

/// The distillation loss of logits against the teacher's probabilities, both N x 1 x H x W. Pixels
/// are weighted 1 + 4 p, since edges are few.
torch::Tensor soft_edge_loss(const torch::Tensor& logits, const torch::Tensor& probability);

class EdgeTrainer {
 public:
  /// Goes on from options.checkpoint when `resume` and that file exists.
  EdgeTrainer(const EdgeTrainingOptions& options, EdgePictures pictures, torch::Device device,
              bool resume);
  ~EdgeTrainer();

  /// Trains until the steps or the seconds are used up or `stop` returns true, then writes the
  /// checkpoint. Log lines: step, loss, learning rate, pictures a second. When the training goes
  /// wrong (divergence_guard.h, with the loss for the error) it goes back to the checkpoint. Throws
  /// Error(internal) when that does not help.
  void run(const std::function<bool()>& stop);

  /// Writes the averaged weights in half precision (about 170 KB for "tiny").
  void export_weights(const std::string& path) const;

  std::int64_t step() const { return step_; }
  const PiDiNet& averaged() const { return average_; }

 private:
  struct Batch {
    torch::Tensor rgb;       ///< N x 3 x crop x crop, 0..1
    torch::Tensor edges;     ///< N x 1 x crop x crop, 0..1, or undefined
    torch::Tensor labelled;  ///< N x 1 x 1 x 1, 1 where edges hold
  };
  Batch draw();
  double train_step();
  void roll_back(const std::string& divergence);
  double progress() const;
  void save();
  void restore();

  EdgeTrainingOptions options_;
  EdgePictures pictures_;
  torch::Device device_;
  PiDiNet student_{nullptr}, average_{nullptr};
  std::optional<EdgeDetector> teacher_;
  std::unique_ptr<torch::optim::Adam> optimizer_;
  std::mt19937_64 random_;
  std::int64_t step_ = 0;
  double seconds_ = 0;  ///< trained so far, over all runs
  Recovery recovery_;
  DivergenceGuard guard_;
  bool finite_gradient_ = true;  ///< of the last step
  bool fault_used_ = false;
};

}  // namespace semcodec
