#pragma once
// The receiver's painter: anchors in, frames out, in display order.
//
// For each anchor: its planes become a condition, the two anchors before it are warped along the
// transmitted motion, the generator paints it. Then the frames between it and the anchor before
// are painted from both, along the refined flow. A first frame, an entry point or a hard cut is
// painted from its planes alone (the image path), so that what is shown after a seek is the same
// as without one. Frames before a hard cut hold the earlier anchor.

#include <cstdint>
#include <functional>
#include <optional>

#include "common/semantic/semantic_frame.h"
#include "decoder/synthesis/flow_refiner.h"
#include "models/generator/conditions.h"
#include "models/package/model_package.h"

namespace semcodec {

/// One painted frame: RGB bytes as a CPU tensor H×W×3, uint8, contiguous.
struct PaintedFrame {
  std::int64_t pts = 0;
  bool anchor = false;
  torch::Tensor rgb;
};

struct SynthesisOptions {
  torch::Device device = torch::kCPU;
  torch::Dtype dtype = torch::kFloat32;
  bool refine_flow = true;  ///< use the package's FlowNet2 when it has one
  bool references = true;   ///< false: every anchor by the image path (for comparison)
};

class Synthesiser {
 public:
  Synthesiser(const ModelPackage& package, const StreamInfo& info,
              const SynthesisOptions& options);

  /// Paints the anchor and the frames before it that it completes; `deliver` gets them one by one.
  void push(const SemanticFrame& frame, const std::function<void(PaintedFrame&&)>& deliver);

 private:
  struct Anchor {
    AnchorState state;
    torch::Tensor planes;           ///< 1×3
    torch::Tensor flow_to_earlier;  ///< undefined when it has none
    std::int64_t pts = 0;
  };
  torch::Tensor paint(FrameContext context);
  Anchor paint_anchor(const SemanticFrame& frame);
  void paint_between(const SemanticFrame& frame, const Anchor& later,
                     const std::function<void(PaintedFrame&&)>& deliver);
  torch::Tensor seconds(std::int64_t from, std::int64_t to) const;

  StreamInfo info_;
  SynthesisOptions options_;
  Generator generator_;
  FlowRefiner refiner_;
  std::optional<Anchor> last_, before_last_;
};

}  // namespace semcodec
