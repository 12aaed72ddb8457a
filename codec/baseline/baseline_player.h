#pragma once
// A baseline as the receiver of a stream of edge and colour maps: what the decoder does with our
// generator, with another network in its place.
//
// Every coded frame is generated from its planes and the outputs before; frames between two coded
// ones are interpolated. Fast-vid2vid generates every so many coded frames (BaselineConfig::
// key_interval) and interpolates the others as well, so that their planes are sent in vain. A cut
// or an entry point begins a scene.

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "common/core/image.h"
#include "models/baselines/baseline.h"
#include "semcodec/planes.h"

namespace semcodec {

struct ShownFrame {
  std::int64_t pts = 0;
  RgbImage picture;  ///< at the coded size
};

class BaselinePlayer {
 public:
  /// Throws Error(unsupported) when the coded size is no multiple of what the network needs.
  BaselinePlayer(std::shared_ptr<Baseline> net, int coded_width, int coded_height,
                 torch::Device device);

  /// Takes the next coded frame; returns the frames that are finished, in the order of time.
  std::vector<ShownFrame> push(const SemanticFrame& frame);
  /// The rest.
  std::vector<ShownFrame> finish();

 private:
  struct Key {
    std::int64_t pts = 0;
    torch::Tensor picture;  ///< 1×3×H×W in 0..1
  };
  torch::Tensor condition_of(const SemanticFrame& frame) const;
  /// Generates the key frame, and with it the frames that wait between it and the last one.
  void generate(std::int64_t pts, const torch::Tensor& condition, std::vector<ShownFrame>& out);
  /// Ends a scene: the last frame that was skipped becomes a key frame after all.
  void end_scene(std::vector<ShownFrame>& out);
  RgbImage image_of(const torch::Tensor& picture) const;

  std::shared_ptr<Baseline> net_;
  BaselineSequence sequence_;
  int width_, height_;
  torch::Device device_;
  std::optional<Key> last_;
  std::vector<std::int64_t> waiting_;  ///< times after the last key frame
  torch::Tensor skipped_;              ///< condition of the newest skipped frame
  std::int64_t skipped_pts_ = 0;
  int since_key_ = 0;  ///< coded frames after the last key frame
};

}  // namespace semcodec
