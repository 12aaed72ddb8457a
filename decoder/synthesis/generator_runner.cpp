#include "decoder/synthesis/generator_runner.h"

#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "models/generator/flow_geometry.h"

namespace semcodec {

namespace {

using Tensors = Graphed::Tensors;

template <typename Inputs>
CodedFrameInput input_of(const Inputs& x) {
  return {x.condition, x.texture, x.planes};
}

Tensors generated(Generator& generator, const FrameContext& context) {
  const auto picture = generator->generate(context);
  return {picture, small_picture(picture)};
}

Tensors generate_referenced(Generator& generator, const ReferencedInputs& x) {
  const CodedFrameState a{x.a.condition, x.a.picture};
  if (!x.b.condition.defined()) {
    return generated(generator, coded_frame_context(input_of(x), a, x.a.flow, x.a.distance));
  }
  const CodedFrameState b{x.b.condition, x.b.picture};
  return generated(generator, coded_frame_context(input_of(x), a, x.a.flow, x.a.distance, &b,
                                                  compose(x.a.flow, x.b.flow), x.b.distance));
}

Tensors restore(Restorer& restorer, const RestoredInputs& x) {
  const auto size = x.raised.sizes().slice(2);
  const auto moved = [](const torch::Tensor& picture, const torch::Tensor& flow) {
    return flow.defined() ? warp(picture, flow) : picture;
  };
  const auto zeros = [&](std::int64_t channels, int factor) {
    return torch::zeros({1, channels, size[0] / factor, size[1] / factor}, x.raised.options());
  };
  RestorerInput input;
  input.base = x.raised;
  input.memory = x.memory.defined() ? moved(x.memory, x.before.flow) : zeros(3, 1);
  input.near_a = x.before.half.defined() ? moved(x.before.half, x.before.flow) : zeros(3, 2);
  input.near_b = x.after.half.defined() ? moved(x.after.half, x.after.flow) : zeros(3, 2);
  input.edges = x.edges.defined() ? x.edges : zeros(1, 2);
  input.scalars = x.scalars;
  const auto picture = restorer->generate(input);
  return {picture, small_picture(picture)};
}

InterpolatorInput at_moment(const InterpolatorInput& x) {
  InterpolatorInput moment = x;
  std::tie(moment.flow_a, moment.flow_b) = between(x.flow_a, x.flow_b, x.tau);
  return moment;
}

Tensors interpolate(Interpolator& interpolator, const InterpolatedInputs& x) {
  const InterpolatorInput input{x.picture_a, x.picture_b, x.small_a, x.small_b, {},
                                {},          x.flow_a,    x.flow_b,  x.tau,     x.interval};
  return {to_bytes(interpolator->forward(at_moment(input)).frame)};
}

}  // namespace

GeneratorRunner::GeneratorRunner(Generator generator, Restorer restorer, FlowRefiner refiner,
                                 torch::Device device)
    : generator_(std::move(generator)),
      restorer_(std::move(restorer)),
      refiner_(std::move(refiner)),
      device_(device),
      first_("generation of first frames",
             [this](const FirstFrameInputs& x) {
               return generated(generator_, image_context(input_of(x), x.key));
             }),
      referenced_("generation of coded frames",
                  [this](const ReferencedInputs& x) { return generate_referenced(generator_, x); }),
      restored_("generation from base pictures",
                [this](const RestoredInputs& x) { return restore(restorer_, x); }),
      flows_("motion between coded frames",
             [this](const FlowInputs& x) {
               const auto both = refiner_.refine(x.from, x.towards, x.coarse);
               return Tensors{both.first, both.second};
             }),
      base_flow_("motion between base pictures",
                 [this](const FlowInputs& x) { return Tensors{refiner_.flow(x.from, x.towards)}; }),
      interpolated_("generation of interpolated frames",
                    [this](const InterpolatedInputs& x) {
                      return interpolate(generator_->interpolator(), x);
                    }),
      interpolated_restored_("interpolation between restored frames",
                             [this](const InterpolatedInputs& x) {
                               return interpolate(restorer_->interpolator(), x);
                             }),
      bytes_("conversion to bytes",
             [](const PictureInput& x) { return Tensors{to_bytes(x.picture)}; }) {}

torch::Tensor GeneratorRunner::bring(const torch::Tensor& tensor) const {
  if (!tensor.defined() || !device_.is_cuda() || tensor.is_cuda()) return tensor;
  return tensor.contiguous().pin_memory().to(device_, /*non_blocking=*/true);
}

CodedFramePicture GeneratorRunner::kept(const Tensors& generated) const {
  // On a GPU the results are overwritten by the next coded frame, which refers to this one.
  if (!device_.is_cuda()) return {generated[0], generated[1]};
  return {generated[0].clone(), generated[1].clone()};
}

CodedFramePicture GeneratorRunner::first(const FirstFrameInputs& inputs) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return kept(first_(inputs));
}

CodedFramePicture GeneratorRunner::referenced(const ReferencedInputs& inputs) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return kept(referenced_(inputs));
}

CodedFramePicture GeneratorRunner::restored(const RestoredInputs& inputs) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return kept(restored_(inputs));
}

torch::Tensor GeneratorRunner::base_flow(const torch::Tensor& from, const torch::Tensor& towards) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto flow = base_flow_({from, towards, {}})[0];
  return device_.is_cuda() ? flow.clone() : flow;
}

std::pair<torch::Tensor, torch::Tensor> GeneratorRunner::flows(const torch::Tensor& earlier,
                                                               const torch::Tensor& later,
                                                               const torch::Tensor& coarse_10) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto both = flows_({earlier, later, coarse_10});
  if (!device_.is_cuda()) return {both[0], both[1]};
  return {both[0].clone(), both[1].clone()};
}

torch::Tensor GeneratorRunner::fetched(const torch::Tensor& bytes,
                                       std::unique_lock<std::mutex>& lock) const {
  const auto host =
      torch::empty(bytes.sizes(), bytes.options().device(torch::kCPU).pinned_memory(true));
  host.copy_(bytes, /*non_blocking=*/true);
  c10::Event done(device_.type());
  done.record(c10::impl::VirtualGuardImpl(device_.type()).getStream(bytes.device()));
  // The next frame may be queued while this one travels.
  lock.unlock();
  done.synchronize();
  return host;
}

torch::Tensor GeneratorRunner::interpolator_bytes(const InterpolatorInput& x, bool restored) {
  const torch::InferenceMode guard;
  if (!device_.is_cuda()) {
    auto& interpolator = restored ? restorer_->interpolator() : generator_->interpolator();
    return interpolator->generator_bytes(at_moment(x));
  }
  std::unique_lock<std::mutex> lock(mutex_);
  const auto bytes = (restored ? interpolated_restored_ : interpolated_)(
      {x.picture_a, x.picture_b, x.small_a, x.small_b, x.flow_a, x.flow_b, x.tau, x.interval});
  return fetched(bytes[0], lock);
}

torch::Tensor GeneratorRunner::moved_bytes(const torch::Tensor& picture, const torch::Tensor& flow,
                                           double share) {
  if (share == 0) return bytes(picture);
  const torch::InferenceMode guard;
  const auto move = [&] { return to_bytes(warp(picture, flow * share)); };
  if (!device_.is_cuda()) return move();
  std::unique_lock<std::mutex> lock(mutex_);
  return fetched(move(), lock);
}

torch::Tensor GeneratorRunner::bytes(const torch::Tensor& picture) {
  const torch::InferenceMode guard;
  if (!device_.is_cuda()) return to_bytes(picture);
  std::unique_lock<std::mutex> lock(mutex_);
  return fetched(bytes_({picture})[0], lock);
}

}  // namespace semcodec
