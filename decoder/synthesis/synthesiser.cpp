#include "decoder/synthesis/synthesiser.h"

#include <algorithm>
#include <filesystem>

#include "common/core/error.h"
#include "common/core/log.h"
#include "decoder/synthesis/base_flow.h"
#include "models/core/device.h"
#include "models/generator/flow_geometry.h"
#include "models/kernels/generate_frame.h"

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
      texture_channels_(package.config.texture.channels),
      generator_(load_generator(package, options.device, options.dtype),
                 package.restorer ? load_restorer(package, options.device, options.dtype)
                                  : Restorer(nullptr),
                 FlowRefiner(flow_file(package, options), options.device,
                             options.dtype ? *options.dtype : inference_dtype(options.device)),
                 options.device),
      base_flow_(package.base_flow),
      detail_(options.detail.value_or(package.detail)) {
  require(info.coded_width % GeneratorConfig::kStride == 0 &&
              info.coded_height % GeneratorConfig::kStride == 0,
          ErrorKind::unsupported,
          "The stream's coded size " + std::to_string(info.coded_width) + "x" +
              std::to_string(info.coded_height) + " is not a multiple of 16, as this model needs.");
}

torch::Tensor Synthesiser::seconds(std::int64_t from, std::int64_t to) const {
  const double value = static_cast<double>(to - from) * info_.time_base_num / info_.time_base_den;
  return torch::full({1}, value, torch::TensorOptions().device(options_.device));
}

torch::Tensor Synthesiser::intra_picture(const SemanticFrame& frame) {
  if (!frame.intra_picture || !options_.key_decoder) return {};
  try {
    const auto bytes =
        options_.key_decoder(*frame.intra_picture, info_.coded_width, info_.coded_height);
    return (generator_.bring(bytes).permute({2, 0, 1}).unsqueeze(0).to(torch::kFloat32) / 255.0)
        .contiguous();
  } catch (const Error& error) {
    // The planes carry on without it, only less well.
    log::warn_once("intra picture", std::string(error.what()) + " Generation without it.");
    return {};
  }
}

torch::Tensor Synthesiser::motion_of(const CodedFrame& coded_frame) const {
  if (coded_frame.flow_to_earlier.defined()) return coded_frame.flow_to_earlier;
  return torch::zeros({1, 2, info_.coded_height / kFlowScale, info_.coded_width / kFlowScale},
                      torch::TensorOptions().device(options_.device));
}

Synthesiser::CodedFrame Synthesiser::generate_coded_frame(const SemanticFrame& frame) {
  CodedFrame coded_frame;
  coded_frame.pts = frame.pts;
  CodedFrameInput input;
  input.condition =
      generator_.bring(render_condition(frame, info_.coded_width, info_.coded_height));
  input.planes = generator_.bring(plane_scalars(frame, info_.coded_width, texture_channels_));
  if (texture_channels_ > 0) {
    input.texture = generator_.bring(
        render_texture(frame.texture, texture_channels_, info_.coded_width, info_.coded_height));
  }
  CodedFramePicture generated;
  if (!last_ || frame.entry_point || frame.cut || !options_.references) {
    generated =
        generator_.first({input.condition, input.texture, input.planes, intra_picture(frame)});
  } else {
    if (!frame.motion.empty()) {
      coded_frame.flow_to_earlier =
          generator_.bring(dense_motion(frame.motion, info_.coded_width, info_.coded_height));
    }
    const auto reference = [&](const CodedFrame& earlier, const CodedFrame& moved) {
      return ReferenceFrame{earlier.state.condition, earlier.state.picture, motion_of(moved),
                            seconds(earlier.pts, frame.pts)};
    };
    ReferencedInputs inputs{input.condition, input.texture, input.planes, {}, {}};
    inputs.a = reference(*last_, coded_frame);
    if (before_last_) inputs.b = reference(*before_last_, *last_);
    generated = generator_.referenced(inputs);
  }
  coded_frame.state = {input.condition, generated.picture};
  coded_frame.small = generated.small;
  if (options_.device.is_cpu()) coded_frame.pixels = to_pixels(generated.picture);
  return coded_frame;
}

std::optional<Synthesiser::Waiting> Synthesiser::decode_base(const SemanticFrame& frame) {
  Waiting waiting{frame, {}, {}, {}};
  try {
    waiting.picture = options_.base_decoder(*frame.base);
  } catch (const Error& error) {
    log::warn_once("base picture", std::string(error.what()) +
                                       " The picture before is held until the next entry point.");
    return std::nullopt;
  }
  const auto base = generator_.bring(waiting.picture).permute({2, 0, 1}).unsqueeze(0);
  waiting.raised = raise_base((base.to(torch::kFloat32) / 255.0).contiguous(), info_.coded_height,
                              info_.coded_width);
  waiting.half = halve(waiting.raised);
  waiting.frame.base->bytes.clear();
  return waiting;
}

template <typename From, typename Towards>
torch::Tensor Synthesiser::base_motion(const From& from, const Towards& towards) {
  if (base_flow_ == "flownet2" || from.picture.sizes() != towards.picture.sizes()) {
    return generator_.base_flow(from.raised, towards.raised);
  }
  return generator_.bring(
      base_flow(from.picture, towards.picture, info_.coded_height, info_.coded_width));
}

Synthesiser::CodedFrame Synthesiser::restore(const Waiting& waiting, const Waiting* next) {
  const SemanticFrame& frame = waiting.frame;
  CodedFrame coded_frame;
  coded_frame.pts = frame.pts;
  coded_frame.picture = waiting.picture;
  coded_frame.raised = waiting.raised;
  coded_frame.half = waiting.half;
  const bool refers = last_ && !frame.entry_point && !frame.cut && options_.references;
  BaseNeighbour before, after;
  torch::Tensor memory = intra_picture(frame);
  if (refers && !memory.defined()) {
    memory = last_->state.picture;
    before.half = last_->half;
    if (last_->raised.defined()) {
      coded_frame.flow_to_earlier = base_motion(waiting, *last_);
      before.flow = coded_frame.flow_to_earlier;
    }
  }
  if (next != nullptr) {
    coded_frame.flow_to_later = base_motion(waiting, *next);
    after = {next->half, coded_frame.flow_to_later};
  }
  RestorerFacts facts;
  facts.scale = static_cast<double>(frame.base->width) / info_.coded_width;
  facts.quantiser = frame.base->quantiser;
  facts.detail = detail_;
  facts.has_a = before.half.defined();
  facts.has_b = after.half.defined();
  facts.has_memory = memory.defined();
  const auto elapsed = [&](std::int64_t from, std::int64_t to) {
    return static_cast<double>(to - from) * info_.time_base_num / info_.time_base_den;
  };
  if (refers) {
    facts.interval = elapsed(last_->pts, frame.pts);
  } else if (next != nullptr) {
    facts.interval = elapsed(frame.pts, next->frame.pts);
  }
  const auto condition =
      generator_.bring(render_condition(frame, info_.coded_width, info_.coded_height));
  const auto edges =
      frame.structure.empty() ? torch::Tensor() : condition.narrow(1, 3, 1).contiguous();
  const auto generated = generator_.restored(
      {waiting.raised, memory, before, after, edges, generator_.bring(restorer_scalars(facts))});
  coded_frame.state = {condition, generated.picture};
  coded_frame.small = generated.small;
  if (options_.device.is_cpu()) coded_frame.pixels = to_pixels(generated.picture);
  return coded_frame;
}

std::pair<torch::Tensor, torch::Tensor> Synthesiser::flows_between(const CodedFrame& earlier,
                                                                   const CodedFrame& later) {
  if (!earlier.raised.defined() || !later.raised.defined()) {
    return generator_.flows(earlier.state.picture, later.state.picture, motion_of(later));
  }
  // On a GPU the pictures would have to be fetched first.
  if (options_.device.is_cpu() && base_flow_ != "flownet2") {
    return {restored_flow(later.state.picture, earlier.state.picture),
            restored_flow(earlier.state.picture, later.state.picture)};
  }
  const auto known = [this](const torch::Tensor& flow, const CodedFrame& from,
                            const CodedFrame& towards) {
    return flow.defined() ? flow : base_motion(from, towards);
  };
  return {known(later.flow_to_earlier, later, earlier),
          known(earlier.flow_to_later, earlier, later)};
}

std::vector<SynthesisJob> Synthesiser::plan_interpolated(
    const SemanticFrame& frame, const std::shared_ptr<const CodedFrame>& later) {
  std::vector<SynthesisJob> jobs;
  // Frames before the first coded frame that could be decoded show that coded frame; frames before
  // a hard cut hold the one before it.
  if (!last_ || frame.cut) {
    const auto shown = last_ ? last_ : later;
    for (const auto pts : frame.interpolated_pts) {
      jobs.push_back(
          {pts, false, [this, shown] { return generator_.bytes(shown->state.picture); }});
    }
    return jobs;
  }
  const auto earlier = last_;
  const auto flows = flows_between(*earlier, *later);
  const bool restored = earlier->raised.defined() && later->raised.defined();
  const auto interval = seconds(earlier->pts, later->pts);
  for (const auto pts : frame.interpolated_pts) {
    const auto tau = seconds(earlier->pts, pts) / interval;
    jobs.push_back({pts, false, [this, earlier, later, flows, tau, interval, restored] {
                      InterpolatorInput context;
                      context.picture_a = earlier->state.picture;
                      context.picture_b = later->state.picture;
                      context.small_a = earlier->small;
                      context.small_b = later->small;
                      context.pixels_a = earlier->pixels;
                      context.pixels_b = later->pixels;
                      std::tie(context.flow_a, context.flow_b) = flows;
                      context.tau = tau;
                      context.interval = interval;
                      return generator_.interpolator_bytes(context, restored);
                    }});
  }
  return jobs;
}

std::vector<SynthesisJob> Synthesiser::show(const SemanticFrame& frame,
                                            const std::shared_ptr<const CodedFrame>& coded_frame) {
  std::vector<SynthesisJob> jobs;
  if (!frame.interpolated_pts.empty()) jobs = plan_interpolated(frame, coded_frame);
  jobs.push_back({frame.pts, true,
                  [this, coded_frame] { return generator_.bytes(coded_frame->state.picture); }});
  // What lies before an entry point may not be there after a seek, so nothing refers to it.
  before_last_ = frame.entry_point || frame.cut ? nullptr : last_;
  last_ = coded_frame;
  return jobs;
}

std::vector<SynthesisJob> Synthesiser::release(const Waiting* next) {
  if (!waiting_) return {};
  const bool joins = next != nullptr && !next->frame.cut;
  const auto coded_frame =
      std::make_shared<const CodedFrame>(restore(*waiting_, joins ? next : nullptr));
  auto jobs = show(waiting_->frame, coded_frame);
  waiting_.reset();
  return jobs;
}

std::vector<SynthesisJob> Synthesiser::plan(const SemanticFrame& frame) {
  const torch::InferenceMode guard;
  const bool with_base = frame.base && options_.base_decoder;
  require(!with_base || generator_.has_restorer(), ErrorKind::unsupported,
          "The stream holds base pictures, for which this model has no restorer; give another "
          "one with --model.");
  if (with_base) {
    if (auto now = decode_base(frame)) {
      auto jobs = release(&*now);
      waiting_ = std::move(now);
      if (!options_.look_ahead) {
        for (auto& job : release(nullptr)) jobs.push_back(std::move(job));
      }
      return jobs;
    }
    if (last_ || waiting_) {
      auto jobs = release(nullptr);
      auto held = std::make_shared<CodedFrame>(*last_);
      held->pts = frame.pts;
      held->flow_to_earlier = torch::Tensor();
      held->flow_to_later = torch::Tensor();
      for (auto& job : show(frame, held)) jobs.push_back(std::move(job));
      return jobs;
    }
  }
  auto jobs = release(nullptr);
  const auto coded_frame = std::make_shared<const CodedFrame>(generate_coded_frame(frame));
  for (auto& job : show(frame, coded_frame)) jobs.push_back(std::move(job));
  return jobs;
}

std::vector<SynthesisJob> Synthesiser::conceal(const SemanticFrame& frame) {
  const torch::InferenceMode guard;
  auto jobs = release(nullptr);
  if (!last_) return jobs;
  const bool moves = before_last_ && last_->flow_to_earlier.defined();
  const auto interval = moves ? static_cast<double>(last_->pts - before_last_->pts) : 0.0;
  const auto add = [&](std::int64_t pts) {
    const double share = moves ? static_cast<double>(pts - last_->pts) / interval : 0.0;
    jobs.push_back({pts, false, [this, shown = last_, share = std::clamp(share, 0.0, 1.0)] {
                      return generator_.moved_bytes(shown->state.picture, shown->flow_to_earlier,
                                                    share);
                    }});
  };
  for (const std::int64_t pts : frame.interpolated_pts) add(pts);
  add(frame.pts);
  return jobs;
}

std::vector<SynthesisJob> Synthesiser::finish() {
  const torch::InferenceMode guard;
  return release(nullptr);
}

void Synthesiser::push(const SemanticFrame& frame,
                       const std::function<void(GeneratedFrame&&)>& deliver) {
  for (const auto& job : plan(frame)) deliver({job.pts, job.coded_frame, job.generate()});
}

}  // namespace semcodec
