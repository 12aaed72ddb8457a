#pragma once
// The flow stage: FlowNet2, all members at once, learns from synthetic pairs.
//
// Loss, summed over the members m and the levels k of their pyramids:
//   w_k · mean( v · (EPE + 0.01)^q ),  EPE = ‖prediction · to_pixels − pooled flow‖ in pixels,
// with q < 1 so that the few very long errors do not rule, and v lower where image1 does not show
// the place. SD is responsible for small motion only, so long vectors weigh less in its loss.
//
// losses.csv: "loss", and "epe", the end-point error of the whole network in pixels, which the
// divergence guard watches. Checkpoint: network "flow" (averaged), optimiser "flow".

#include <torch/torch.h>

#include <random>
#include <string>
#include <vector>

#include "models/flownet2/flownet2.h"
#include "training/flow/flow_options.h"
#include "training/flow/synthetic_motion.h"
#include "training/trainer/task.h"

namespace semcodec {

/// Pairs with their motion, batched.
struct FlowPairs {
  torch::Tensor image0, image1;  ///< N×3×H×W in 0..1
  torch::Tensor flow;            ///< N×2×H×W, pixels
  torch::Tensor visible;         ///< N×1×H×W, 0 or 1
};

std::vector<torch::Tensor*> tensors_of(FlowPairs& pairs);

class FlowTask : public TaskOn<FlowPairs> {
 public:
  /// Textures come from the stores in options.data (store_textures.h). Throws as open_textures(),
  /// FlowNet2 and load_module().
  FlowTask(const FlowOptions& options, const Ranks& ranks);
  /// `train` and `held_out` give textures; the latter for validation only.
  FlowTask(const FlowOptions& options, const Ranks& ranks, ImageSource train, ImageSource held_out);

  std::vector<TrainedNetwork> networks() override;
  std::vector<OptimiserSettings> optimisers() override;
  std::vector<std::string> columns() const override { return {"loss", "epe"}; }
  std::string describe() const override;
  bool pretrained() const override { return !options_.initial.empty(); }

  FlowPairs draw(std::int64_t step, Random& random) const override;
  void forward(const FlowPairs& batch, const StepContext& context) override;
  torch::Tensor loss(std::size_t optimiser, const FlowPairs& batch, StepContext& context) override;

  /// "epe" of validate(), and "epe_degraded".
  std::vector<std::pair<std::string, double>> validate() override;
  /// Mean end-point error in pixels of the averaged weights on `pairs` held-out pairs (always the
  /// same ones), over visible pixels; `degraded` pairs look like generated pictures.
  double end_point_error_on(int pairs, bool degraded);

  /// Writes flow.safetensors: the averaged weights in half precision.
  void export_result(std::int64_t step) override;

 private:
  FlowOptions options_;
  ImageSource train_, held_out_;
  FlowNet2 net_, ema_;
  FlowNet2Output output_;  ///< of this step
};

}  // namespace semcodec
