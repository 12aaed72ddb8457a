#pragma once
// The generators that the seed paper compares its own with (Table II), behind one interface: they
// take condition maps, of one frame or of three, and their own two outputs before, and give a
// frame. One file pair each: pix2pixhd.h, vid2vid.h, fast_vid2vid.h.
//
// Their input is a choice, since their papers have label maps or edge maps and ours has edges and
// colours. All come from the same 4-channel condition (FrameContext::condition), enlarged to the
// size of the frame:
//   edges   1 channel: edge strength
//   colour  3 channels: the rendered colour map
//   planes  all 4
//   labels  one-hot maps of semantic classes, which the colour plane holds (class_maps.h)
//
// Shapes: maps and pictures N×C×H×W at the size of the frame, which is a multiple of stride();
// pictures in 0..1.

#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

namespace semcodec {

/// Sizes of a baseline; stored in its weights' metadata.
struct BaselineConfig {
  std::string kind = "pix2pixHD";   ///< baseline_kinds()
  std::string condition = "edges";  ///< what of the condition it sees
  int classes = 0;                  ///< of the condition "labels"
  int channels = 0;                 ///< of the first layer, at full size; doubled at each halving
  int downsamplings = 0;            ///< halvings
  int blocks = 0;                   ///< residual blocks at the coarsest size
  bool enhancer = false;            ///< pix2pixHD: local enhancer at full size
  int key_interval = 3;             ///< fast-vid2vid: generates every so many frames

  static constexpr int kFrames = 3;  ///< L of vid2vid: conditions seen
};

/// "pix2pixHD", "vid2vid", "fast-vid2vid".
const std::vector<std::string>& baseline_kinds();

/// Sizes as published. Throws Error(usage) for an unknown kind.
BaselineConfig published_baseline(const std::string& kind);

/// Channels of what it sees of a frame's condition: 1, 3, 4, or one a class. Throws Error(usage)
/// when the condition is unknown, or of labels without classes.
int condition_channels(const BaselineConfig& config);

/// What it sees of a rendered condition N×4×h×w (RGB, edges).
torch::Tensor select_condition(const torch::Tensor& condition, const BaselineConfig& config);

struct BaselineInput {
  torch::Tensor conditions;  ///< N×(3·C)×H×W: of the two frames before, and of this one
  torch::Tensor previous;    ///< N×6×H×W: the two outputs before; undefined: a scene begins
};

struct BaselineOutput {
  torch::Tensor frame;   ///< N×3×H×W
  torch::Tensor raw;     ///< the same without pixels of earlier frames
  torch::Tensor flow;    ///< N×2×H×W backward flow to the output before, pixels; else undefined
  torch::Tensor weight;  ///< N×1×H×W in 0..1, of raw; else undefined
};

class Baseline : public torch::nn::Module {
 public:
  explicit Baseline(const BaselineConfig& config) : config_(config) {}
  virtual BaselineOutput forward(const BaselineInput& input) = 0;

  const BaselineConfig& config() const { return config_; }
  /// Sides of a frame are multiples of this.
  int stride() const { return 1 << (config_.downsamplings + (config_.enhancer ? 1 : 0)); }
  /// Whether it refers to its outputs before.
  bool temporal() const { return config_.kind != "pix2pixHD"; }

 private:
  BaselineConfig config_;
};

/// With new weights. Throws Error(usage) when the configuration makes no network.
std::shared_ptr<Baseline> make_baseline(const BaselineConfig& config);

/// A baseline that generates a scene frame by frame. Before the first frame the scene stood still.
class BaselineSequence {
 public:
  explicit BaselineSequence(std::shared_ptr<Baseline> net) : net_(std::move(net)) {}

  /// The next frame from its condition N×C×H×W. Earlier outputs carry no gradient.
  BaselineOutput next(const torch::Tensor& condition);
  void restart() { conditions_.clear(), pictures_.clear(); }

 private:
  std::shared_ptr<Baseline> net_;
  std::vector<torch::Tensor> conditions_, pictures_;  ///< of the last two frames
};

/// Writes weights in half precision, with the configuration and `note` as metadata.
void save_baseline(const Baseline& net, const std::string& path, const std::string& note);
/// Throws Error(input | corrupt) naming the file.
std::shared_ptr<Baseline> load_baseline(const std::string& path,
                                        torch::Device device = torch::kCPU);

}  // namespace semcodec
