#pragma once
// FlowNet2 (Ilg et al., CVPR 2017): a large-displacement chain C → S → S, a small-displacement
// network SD, and a fusion network over both.
//
// At width 1 the modules, their parameters' names and the arithmetic are those of the published
// networks, so their checkpoints load unchanged (imported to safetensors):
// "flownetc.conv1.0.weight", "flownets_1.…", "flownets_2.…", "flownets_d.…", "flownetfusion.…";
// 162,518,834 parameters. A smaller width gives the same network with fewer channels.
//
// Flow convention everywhere: N×2×H×W, channel 0 = dx, channel 1 = dy, in pixels of the pictures
// given, such that image0(x) ≈ image1(x + flow(x)); resample(image1, flow) restores image0.

#include <torch/torch.h>

#include <string>
#include <vector>

#include "models/flownet2/flownet_c.h"
#include "models/flownet2/flownet_fusion.h"
#include "models/flownet2/flownet_s.h"
#include "models/flownet2/flownet_sd.h"

namespace semcodec {

/// Which members are there. cs and css are the chain without SD and fusion.
enum class FlowNet2Variant { full, css, cs, c, s, sd };

/// "full", "css", "cs", "c", "s" or "sd"; from_text throws Error(usage) on anything else.
std::string to_text(FlowNet2Variant variant);
FlowNet2Variant flownet2_variant_from_text(const std::string& text);

struct FlowNet2Options {
  FlowNet2Variant variant = FlowNet2Variant::full;
  double width = 1.0;         ///< see FlowNetShape; 0 < width ≤ 2
  int max_displacement = 20;  ///< of the correlation; even, 2 to 64

  bool operator==(const FlowNet2Options&) const = default;
};

/// What one member predicted, for the training losses.
struct FlowNet2Member {
  std::string name;     ///< "flownetc", "flownets_1", …
  double to_pixels;     ///< factor from the pyramid's values to pixels
  FlowPyramid pyramid;  ///< fine to coarse; [0] at 1/4 resolution (fusion: at full resolution)
};

struct FlowNet2Output {
  torch::Tensor flow;                   ///< N×2×H×W of the padded input
  std::vector<FlowNet2Member> members;  ///< in the order of the chain
};

class FlowNet2Impl : public torch::nn::Module {
 public:
  /// Weights are drawn from torch's generator. Throws Error(usage) for options out of range.
  explicit FlowNet2Impl(const FlowNet2Options& options);

  /// image0, image1: N×3×H×W RGB in 0..1, any size ≥ 1 and any floating type (padded inside to
  /// multiples of 64 by repeating the border). Returns N×2×H×W, float.
  /// The networks run in the type of their weights, or as autocast says.
  torch::Tensor forward(const torch::Tensor& image0, const torch::Tensor& image1);

  /// The same prediction without the last upsampling, at 1/factor (1, 2 or 4) of the resolution:
  /// N×2×⌈H/factor⌉×⌈W/factor⌉, still in pixels of the full size; element (x, y) belongs to the
  /// centre of factor×factor pixels. Cheaper than forward().
  torch::Tensor forward_reduced(const torch::Tensor& image0, const torch::Tensor& image1,
                                int factor);

  /// Everything that the losses need. H and W must be multiples of 64. With `detach`, no gradient
  /// flows from one member into the one before it: each learns from its own loss alone.
  FlowNet2Output forward_training(const torch::Tensor& image0, const torch::Tensor& image1,
                                  bool detach);

  const FlowNet2Options& options() const { return options_; }

 private:
  struct Request;  // what a caller wants from run()
  FlowNet2Output run(const torch::Tensor& image0, const torch::Tensor& image1,
                     const Request& request);

  FlowNet2Options options_;
  FlowNetC flownetc_{nullptr};
  FlowNetS flownets_1_{nullptr};
  FlowNetS flownets_2_{nullptr};
  FlowNetSD flownets_d_{nullptr};
  FlowNetFusion flownetfusion_{nullptr};
};
TORCH_MODULE(FlowNet2);

}  // namespace semcodec
