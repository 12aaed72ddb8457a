#include "decoder/synthesis/synthesiser.h"

#include <filesystem>

#include "common/core/error.h"
#include "common/core/log.h"
#include "models/generator/flow_geometry.h"
#include "models/kernels/paint_frame.h"

namespace semcodec {

namespace {

std::optional<std::string> flow_file(const ModelPackage& package, const SynthesisOptions& options) {
  if (!options.refine_flow || !package.refine_flow) return std::nullopt;
  return package.flow_path();
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

torch::Tensor Synthesiser::key_picture(const SemanticFrame& frame) {
  if (!frame.appearance || !options_.key_decoder) return {};
  try {
    return options_.key_decoder(*frame.appearance, info_.work_width, info_.work_height)
               .permute({2, 0, 1})
               .unsqueeze(0)
               .to(options_.device)
               .to(torch::kFloat32) /
           255.0;
  } catch (const Error& error) {
    // The planes carry on without it, only less well.
    log::warn_once("key picture", std::string(error.what()) + " Painting without it.");
    return {};
  }
}

torch::Tensor Synthesiser::motion_of(const Anchor& anchor) const {
  if (anchor.flow_to_earlier.defined()) return anchor.flow_to_earlier;
  return torch::zeros({1, 2, info_.work_height / kFlowScale, info_.work_width / kFlowScale},
                      torch::TensorOptions().device(options_.device));
}

Synthesiser::Anchor Synthesiser::paint_anchor(const SemanticFrame& frame) {
  const int texture_channels = generator_->config().texture.channels;
  Anchor anchor;
  anchor.pts = frame.pts;
  anchor.state.condition =
      render_condition(frame, info_.work_width, info_.work_height).to(options_.device);
  AnchorInput input;
  input.condition = anchor.state.condition;
  input.planes = plane_scalars(frame, info_.work_width, texture_channels).to(options_.device);
  if (texture_channels > 0) {
    input.texture =
        render_texture(frame.texture, texture_channels, info_.work_width, info_.work_height)
            .to(options_.device);
  }
  if (!last_ || frame.entry_point || frame.cut || !options_.references) {
    anchor.state.picture = generator_->paint(image_context(input, key_picture(frame)));
  } else {
    if (!frame.motion.empty()) {
      anchor.flow_to_earlier =
          dense_motion(frame.motion, info_.work_width, info_.work_height).to(options_.device);
    }
    const auto flow = motion_of(anchor);
    const auto distance = seconds(last_->pts, frame.pts);
    if (before_last_) {
      anchor.state.picture = generator_->paint(
          anchor_context(input, last_->state, flow, distance, &before_last_->state,
                         compose(flow, motion_of(*last_)), seconds(before_last_->pts, frame.pts)));
    } else {
      anchor.state.picture = generator_->paint(anchor_context(input, last_->state, flow, distance));
    }
  }
  anchor.small = small_picture(anchor.state.picture);
  if (options_.device.is_cpu()) anchor.pixels = to_pixels(anchor.state.picture);
  return anchor;
}

std::vector<PaintJob> Synthesiser::plan_between(const SemanticFrame& frame,
                                                const std::shared_ptr<const Anchor>& later) {
  std::vector<PaintJob> jobs;
  // Frames before the first anchor that could be decoded show that anchor; frames before a hard cut
  // hold the one before it.
  if (!last_ || frame.cut) {
    const auto shown = last_ ? last_ : later;
    for (const auto pts : frame.between_pts) {
      jobs.push_back({pts, false, [shown] { return picture_bytes(shown->state.picture); }});
    }
    return jobs;
  }
  const auto earlier = last_;
  const auto flows =
      refiner_.refine(earlier->state.picture, later->state.picture, motion_of(*later));
  const auto interval = seconds(earlier->pts, later->pts);
  for (const auto pts : frame.between_pts) {
    const auto tau = seconds(earlier->pts, pts) / interval;
    jobs.push_back({pts, false, [this, earlier, later, flows, tau, interval] {
                      const torch::InferenceMode guard;
                      BetweenContext context;
                      context.picture_a = earlier->state.picture;
                      context.picture_b = later->state.picture;
                      context.small_a = earlier->small;
                      context.small_b = later->small;
                      context.pixels_a = earlier->pixels;
                      context.pixels_b = later->pixels;
                      std::tie(context.flow_a, context.flow_b) =
                          between(flows.first, flows.second, tau);
                      context.tau = tau;
                      context.interval = interval;
                      return generator_->interpolator()->paint_bytes(context);
                    }});
  }
  return jobs;
}

std::vector<PaintJob> Synthesiser::plan(const SemanticFrame& frame) {
  const torch::InferenceMode guard;
  const auto anchor = std::make_shared<const Anchor>(paint_anchor(frame));
  std::vector<PaintJob> jobs;
  if (!frame.between_pts.empty()) jobs = plan_between(frame, anchor);
  jobs.push_back({frame.pts, true, [anchor] {
                    const torch::InferenceMode inside;
                    return picture_bytes(anchor->state.picture);
                  }});
  // What lies before an entry point may not be there after a seek, so nothing refers to it.
  before_last_ = frame.entry_point || frame.cut ? nullptr : last_;
  last_ = anchor;
  return jobs;
}

void Synthesiser::push(const SemanticFrame& frame,
                       const std::function<void(PaintedFrame&&)>& deliver) {
  for (const auto& job : plan(frame)) deliver({job.pts, job.anchor, job.paint()});
}

}  // namespace semcodec
