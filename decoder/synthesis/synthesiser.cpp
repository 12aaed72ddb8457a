#include "decoder/synthesis/synthesiser.h"

#include <filesystem>

#include "common/core/error.h"
#include "models/generator/flow_geometry.h"

namespace semcodec {

namespace {

std::optional<std::string> flow_file(const ModelPackage& package, const SynthesisOptions& options) {
  if (!options.refine_flow || !package.refine_flow) return std::nullopt;
  return package.flow_path();
}

torch::Tensor to_bytes(const torch::Tensor& picture) {
  return (picture.squeeze(0) * 255.0 + 0.5)
      .clamp(0, 255)
      .to(torch::kUInt8)
      .permute({1, 2, 0})
      .contiguous()
      .to(torch::kCPU);
}

}  // namespace

Synthesiser::Synthesiser(const ModelPackage& package, const StreamInfo& info,
                         const SynthesisOptions& options)
    : info_(info),
      options_(options),
      generator_(load_generator(package, options.device, options.dtype)),
      refiner_(flow_file(package, options), options.device, options.dtype) {
  require(info.work_width % GeneratorConfig::kStride == 0 &&
              info.work_height % GeneratorConfig::kStride == 0,
          ErrorKind::unsupported,
          "The stream's working size " + std::to_string(info.work_width) + "x" +
              std::to_string(info.work_height) + " is not a multiple of 16, as this model needs.");
}

torch::Tensor Synthesiser::seconds(std::int64_t from, std::int64_t to) const {
  const double value = static_cast<double>(to - from) * info_.time_base_num / info_.time_base_den;
  return torch::full({1}, value, torch::TensorOptions().device(options_.device));
}

torch::Tensor Synthesiser::paint(FrameContext context) {
  return generator_->forward(context).frame.clamp(0, 1);
}

Synthesiser::Anchor Synthesiser::paint_anchor(const SemanticFrame& frame) {
  Anchor anchor;
  anchor.pts = frame.pts;
  anchor.state.condition =
      render_condition(frame, info_.work_width, info_.work_height).to(options_.device);
  anchor.planes = plane_scalars(frame, info_.work_width).to(options_.device);
  if (!last_ || frame.entry_point || frame.cut || !options_.references) {
    anchor.state.picture = paint(image_context(anchor.state.condition, anchor.planes));
    return anchor;
  }
  anchor.flow_to_earlier =
      frame.motion.empty()
          ? torch::zeros({1, 2, info_.work_height / kFlowScale, info_.work_width / kFlowScale},
                         torch::TensorOptions().device(options_.device))
          : dense_motion(frame.motion, info_.work_width, info_.work_height).to(options_.device);
  const auto distance = seconds(last_->pts, frame.pts);
  if (before_last_ && last_->flow_to_earlier.defined()) {
    anchor.state.picture = paint(anchor_context(
        anchor.state.condition, anchor.planes, last_->state, anchor.flow_to_earlier, distance,
        &before_last_->state, compose(anchor.flow_to_earlier, last_->flow_to_earlier),
        seconds(before_last_->pts, frame.pts)));
  } else {
    anchor.state.picture = paint(anchor_context(anchor.state.condition, anchor.planes,
                                                last_->state, anchor.flow_to_earlier, distance));
  }
  return anchor;
}

void Synthesiser::paint_between(const SemanticFrame& frame, const Anchor& later,
                                const std::function<void(PaintedFrame&&)>& deliver) {
  const Anchor& earlier = *last_;
  if (frame.cut) {
    const auto held = to_bytes(earlier.state.picture);
    for (const auto pts : frame.between_pts) deliver({pts, false, held});
    return;
  }
  const auto coarse =
      later.flow_to_earlier.defined()
          ? later.flow_to_earlier
          : torch::zeros({1, 2, info_.work_height / kFlowScale, info_.work_width / kFlowScale},
                         torch::TensorOptions().device(options_.device));
  const auto [flow_10, flow_01] =
      refiner_.refine(earlier.state.picture, later.state.picture, coarse);
  const auto interval = seconds(earlier.pts, later.pts);
  for (const auto pts : frame.between_pts) {
    const auto tau = seconds(earlier.pts, pts) / interval;
    const auto flows = between(flow_10, flow_01, tau);
    const auto picture = paint(between_context(earlier.state, later.state, later.planes,
                                               flows.first, flows.second, tau, interval));
    deliver({pts, false, to_bytes(picture)});
  }
}

void Synthesiser::push(const SemanticFrame& frame,
                       const std::function<void(PaintedFrame&&)>& deliver) {
  const torch::InferenceMode guard;
  auto anchor = paint_anchor(frame);
  if (!frame.between_pts.empty()) {
    if (last_) {
      paint_between(frame, anchor, deliver);
    } else {
      // Frames before the first anchor that could be decoded: show that anchor.
      const auto held = to_bytes(anchor.state.picture);
      for (const auto pts : frame.between_pts) deliver({pts, false, held});
    }
  }
  deliver({frame.pts, true, to_bytes(anchor.state.picture)});
  before_last_ = std::move(last_);
  last_ = std::move(anchor);
}

}  // namespace semcodec
