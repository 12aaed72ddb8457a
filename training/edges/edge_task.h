#pragma once
// The edges stage: PiDiNet learns in two ways that may be mixed:
//
//   labels        pictures with annotated boundaries (BSDS500: mean of several annotators, 0..255),
//                 class-balanced cross-entropy on all five maps. A pixel that more than `eta` of
//                 the annotators marked is an edge, one that nobody marked is none, others have no
//                 say. Edges weigh (share of non-edges), non-edges lambda * (share of edges).
//   distillation  any pictures; the student follows the five maps of a trained, larger PiDiNet by
//                 cross-entropy with soft targets. Optimal where student = teacher.
//
// Both losses are summed over the pixels and averaged over the pictures, as in the authors' code,
// so that their weight decay keeps its meaning; losses.csv and the divergence guard see them a
// pixel. Checkpoint: network "student" (averaged), optimiser "student".

#include <torch/torch.h>

#include <optional>
#include <string>
#include <vector>

#include "models/pidinet/edge_detector.h"
#include "models/pidinet/pidinet.h"
#include "training/edges/edge_options.h"
#include "training/edges/edge_pictures.h"
#include "training/trainer/task.h"

namespace semcodec {

/// Crops, batched.
struct EdgeCrops {
  torch::Tensor rgb;       ///< N×3×C×C in 0..1
  torch::Tensor edges;     ///< N×1×C×C in 0..1, mean annotation
  torch::Tensor labelled;  ///< N, 1 where `edges` holds, else 0
};

std::vector<torch::Tensor*> tensors_of(EdgeCrops& crops);

/// The balanced loss of logits against mean annotations in 0..1, both N×1×H×W.
torch::Tensor balanced_edge_loss(const torch::Tensor& logits, const torch::Tensor& annotation,
                                 double lambda, double eta);

/// The distillation loss of logits against the teacher's probabilities, both N×1×H×W. Pixels are
/// weighted 1 + 4 p, since edges are few.
torch::Tensor soft_edge_loss(const torch::Tensor& logits, const torch::Tensor& probability);

class EdgeTask : public TaskOn<EdgeCrops> {
 public:
  /// Throws as open_edge_pictures(), and Error(usage) when there is nothing to learn from.
  EdgeTask(const EdgeOptions& options, const Ranks& ranks);
  EdgeTask(const EdgeOptions& options, const Ranks& ranks, EdgePictures pictures);

  std::vector<TrainedNetwork> networks() override;
  std::vector<OptimiserSettings> optimisers() override;
  std::vector<std::string> columns() const override { return {"loss", "distillation", "labels"}; }
  std::string describe() const override;

  EdgeCrops draw(std::int64_t step, Random& random) const override;
  void forward(const EdgeCrops& batch, const StepContext& context) override;
  torch::Tensor loss(std::size_t optimiser, const EdgeCrops& batch, StepContext& context) override;

  /// Picture, edge map.
  std::vector<torch::Tensor> samples(const EdgeCrops& batch, std::int64_t step) override;
  /// Writes edges.safetensors: the averaged weights in half precision (170 kB for "tiny").
  void export_result(std::int64_t step) override;

  PiDiNet& averaged() { return ema_; }

 private:
  EdgeCrops draw_crop(std::uint64_t seed) const;

  EdgeOptions options_;
  EdgePictures pictures_;
  PiDiNet student_, ema_;
  std::optional<EdgeDetector> teacher_;
  std::vector<torch::Tensor> maps_;  ///< logits of this step
};

}  // namespace semcodec
