#pragma once
// The receiver's painter: anchors in, frames out, in display order.
//
// For each anchor: its planes become a condition, the two anchors before it are warped along the
// transmitted motion, the generator paints it. Then the interpolator paints the frames between it
// and the anchor before from both. A first frame, an entry point or a hard cut is painted from its
// planes alone (the image path) or with its key picture, so that what is shown after a seek is the
// same as without one. Frames before a hard cut hold the earlier anchor.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "common/semantic/semantic_frame.h"
#include "decoder/synthesis/painter.h"
#include "models/generator/conditions.h"
#include "models/package/model_package.h"

namespace semcodec {

/// One painted frame: RGB bytes as a CPU tensor H×W×3, uint8, contiguous.
struct PaintedFrame {
  std::int64_t pts = 0;
  bool anchor = false;
  torch::Tensor rgb;
};

/// Decodes a key picture to H×W×3 RGB bytes at the working size (a CPU tensor), or throws Error.
/// The program supplies it, since the codec is libav's and this library does without libav.
using KeyDecoder = std::function<torch::Tensor(const Appearance&, int width, int height)>;

/// One frame still to be painted. `paint` gives H×W×3 bytes; it may run in any thread, also beside
/// others, and holds what it needs.
struct PaintJob {
  std::int64_t pts = 0;
  bool anchor = false;
  std::function<torch::Tensor()> paint;
};

struct SynthesisOptions {
  torch::Device device = torch::kCPU;
  /// Empty: what the machine does fastest, inference_dtype() and engine_wanted().
  std::optional<torch::Dtype> dtype = torch::kFloat32;
  bool refine_flow = true;  ///< use the package's FlowNet2 when it has one
  bool references = true;   ///< false: every anchor by the image path (for comparison)
  KeyDecoder key_decoder;   ///< empty: key pictures are left out
};

class Synthesiser {
 public:
  Synthesiser(const ModelPackage& package, const StreamInfo& info, const SynthesisOptions& options);

  /// Paints the anchor, and returns what there is to show up to it, in display order: the frames
  /// before it that it completes (these are the larger part of the work, and left to the caller's
  /// threads), then the anchor itself. A job may outlive the next call, not the synthesiser.
  std::vector<PaintJob> plan(const SemanticFrame& frame);

  /// plan(), and all of its jobs one after the other.
  void push(const SemanticFrame& frame, const std::function<void(PaintedFrame&&)>& deliver);

 private:
  struct Anchor {
    AnchorState state;
    torch::Tensor small;            ///< small_picture() of the state's picture
    torch::Tensor pixels;           ///< to_pixels() of it; on the CPU only
    torch::Tensor flow_to_earlier;  ///< undefined when it has none
    std::int64_t pts = 0;
  };
  torch::Tensor key_picture(const SemanticFrame& frame);
  torch::Tensor motion_of(const Anchor& anchor) const;
  Anchor paint_anchor(const SemanticFrame& frame);
  std::vector<PaintJob> plan_between(const SemanticFrame& frame,
                                     const std::shared_ptr<const Anchor>& later);
  torch::Tensor seconds(std::int64_t from, std::int64_t to) const;

  StreamInfo info_;
  SynthesisOptions options_;
  int texture_channels_;
  Painter painter_;
  std::shared_ptr<const Anchor> last_, before_last_;
};

}  // namespace semcodec
