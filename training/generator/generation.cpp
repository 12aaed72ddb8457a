#include "training/generator/generation.h"

#include <utility>

#include "models/generator/conditions.h"
#include "models/generator/flow_geometry.h"
#include "training/autocast.h"
#include "training/generator/recompute.h"

namespace semcodec {

namespace {

/// The networks of one step, and what they share.
struct Step {
  Generator& generator;
  TextureEncoder& encoder;
  const SequenceSample& sample;
  bool bf16, recompute;
  std::int64_t noise_seed;
  std::vector<torch::Tensor> textures{};

  torch::Device device() const { return sample.pictures[0].device(); }

  /// Coded frame `i` as it would arrive, with the texture channels that this sample sends.
  CodedFrameInput input(int i) {
    CodedFrameInput in{sample.conditions[i], {}, sample.planes};
    const auto& config = generator->config().texture;
    if (config.channels == 0) return in;
    const Autocast autocast(device(), bf16);
    const auto values =
        quantise_texture(encoder->forward(sample.pictures[i], sample.conditions[i]), config.levels);
    textures.push_back(values);
    const auto sent = (sample.planes.narrow(1, 3, 1) * config.channels).round();
    const auto index = torch::arange(config.channels, sent.options()).unsqueeze(0);
    in.texture = values * (index < sent).to(values.scalar_type()).unsqueeze(-1).unsqueeze(-1);
    return in;
  }
  GeneratorOutput generate(const FrameContext& context) {
    const auto forward = [net = generator, on = bf16,
                          seed = noise_seed](const std::vector<torch::Tensor>& x) mutable {
      const Autocast autocast(x[0].device(), on);
      const auto out = net->forward({x[0], x[1], x[2], x[3], x[4], x[5], x[6], seed});
      return std::vector<torch::Tensor>{out.frame, out.raw, out.weights};
    };
    const std::vector<torch::Tensor> inputs = {
        context.condition,   context.condition_a, context.condition_b, context.reference_a,
        context.reference_b, context.texture,     context.scalars};
    const TensorFunction function = forward;
    const auto out = recompute ? recomputed(function, inputs) : function(inputs);
    return {out[0], out[1], out[2]};
  }
};

CodedFrameState remember(const torch::Tensor& condition, const GeneratorOutput& generated) {
  return {condition, generated.frame.detach().clamp(0, 1)};
}

/// What the memory looks like after the scene has stood still for `times` coded frames.
CodedFrameState grown_old(Step& step, const CodedFrameInput& input, CodedFrameState state,
                          const torch::Tensor& interval, int times) {
  const torch::NoGradGuard no_grad;
  const auto& c = state.condition;
  const auto still = torch::zeros({c.size(0), 2, c.size(2) / 2, c.size(3) / 2}, c.options());
  CodedFrameState before = state;
  for (int i = 0; i < times; ++i) {
    const auto* second = i > 0 ? &before : nullptr;
    auto next = remember(c, step.generate(coded_frame_context(input, state, still, interval, second,
                                                              still, 2 * interval)));
    before = std::exchange(state, std::move(next));
  }
  return state;
}

}  // namespace

torch::Tensor video_input(const torch::Tensor& first, const torch::Tensor& second,
                          const torch::Tensor& third, const torch::Tensor& flow_a,
                          const torch::Tensor& flow_b) {
  const std::vector<std::int64_t> size{first.size(2), first.size(3)};
  const auto flows = torch::upsample_bilinear2d(torch::cat({flow_a, flow_b}, 1), size, false);
  return torch::cat({first, second, third, flows / 20.0}, 1);
}

Generated generate_sample(Generator& generator, TextureEncoder& encoder, const SequenceSample& s,
                          bool image_only, bool bf16, bool recompute, std::int64_t noise_seed,
                          int unroll) {
  Step step{generator, encoder, s, bf16, recompute, noise_seed};
  Generated out;
  const auto first = step.input(0);
  const auto y0 = step.generate(image_context(first, s.key, s.has_key));
  if (image_only) {
    out.frame = y0.frame;
    out.raw = y0.raw;
    out.source = out.raw_source = s.pictures[0];
    out.condition = s.conditions[0];
    if (!step.textures.empty()) out.texture = step.textures.front();
    return out;
  }
  const auto a0 = grown_old(step, first, remember(s.conditions[0], y0), s.interval, unroll);
  const auto y1 = step.generate(coded_frame_context(step.input(1), a0, s.flow_10, s.interval));
  const auto a1 = remember(s.conditions[1], y1);

  torch::Tensor y2, condition2, flow_a, flow_b;
  out.raw = torch::cat({y0.raw, y1.raw}, 0);
  out.raw_source = torch::cat({s.pictures[0], s.pictures[1]}, 0);
  if (s.between) {
    const auto flows = semcodec::between(s.flow_10, s.flow_01, s.third);
    const Autocast autocast(step.device(), bf16);
    InterpolatorInput context;
    context.picture_a = a0.picture;
    context.picture_b = a1.picture;
    context.small_a = small_picture(a0.picture);
    context.small_b = small_picture(a1.picture);
    context.flow_a = flows.first;
    context.flow_b = flows.second;
    context.tau = s.third;
    context.interval = s.interval;
    const auto made = generator->interpolator()->forward(context);
    y2 = made.frame;
    out.warped_a = made.warped_a;
    out.warped_b = made.warped_b;
    out.warped_source = s.pictures[2];
    flow_a = made.flow_a.detach();
    flow_b = made.flow_b.detach();
    const auto t = s.third.view({-1, 1, 1, 1});
    condition2 = warp(a0.condition, flow_a) * (1 - t) + warp(a1.condition, flow_b) * t;
  } else {
    flow_a = s.flow_21;
    flow_b = compose(s.flow_21, s.flow_10);
    const auto generated = step.generate(
        coded_frame_context(step.input(2), a1, flow_a, s.third, &a0, flow_b, s.third + s.interval));
    y2 = generated.frame;
    condition2 = s.conditions[2];
    out.raw = torch::cat({out.raw, generated.raw}, 0);
    out.raw_source = torch::cat({out.raw_source, s.pictures[2]}, 0);
  }
  out.frame = torch::cat({y0.frame, y1.frame, y2}, 0);
  out.source = torch::cat({s.pictures[0], s.pictures[1], s.pictures[2]}, 0);
  out.condition = torch::cat({s.conditions[0], s.conditions[1], condition2}, 0);
  if (!step.textures.empty()) out.texture = torch::cat(step.textures, 0);

  const auto clip = [&](const torch::Tensor& f0, const torch::Tensor& f1, const torch::Tensor& f2) {
    return s.between ? video_input(f0, f2, f1, flow_a, flow_b)
                     : video_input(f0, f1, f2, flow_a, flow_b);
  };
  out.video_real = clip(s.pictures[0], s.pictures[1], s.pictures[2]);
  out.video_fake = clip(y0.frame, y1.frame, y2);
  return out;
}

}  // namespace semcodec
