#include "decoder/synthesis/generator_runner.h"

#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "models/generator/flow_geometry.h"

namespace semcodec {

namespace {

using Tensors = Graphed::Tensors;

CodedFrameInput input_of(const Tensors& x) { return {x[0], x[1], x[2]}; }

Tensors generated(Generator& generator, const FrameContext& context) {
  const auto picture = generator->generate(context);
  return {picture, small_picture(picture)};
}

Tensors generator_references(Generator& generator, const Tensors& x) {
  const CodedFrameState a{x[3], x[4]};
  const auto &flow_a = x[5], &distance_a = x[6];
  if (!x[7].defined()) {
    return generated(generator, coded_frame_context(input_of(x), a, flow_a, distance_a));
  }
  const CodedFrameState b{x[7], x[8]};
  return generated(generator, coded_frame_context(input_of(x), a, flow_a, distance_a, &b,
                                                  compose(flow_a, x[9]), x[10]));
}

/// x: raised, memory, half and flow of the neighbour before, of the one after, edges, scalars.
Tensors restored(Restorer& restorer, const Tensors& x) {
  const auto& raised = x[0];
  const auto half_size = raised.sizes().slice(2);
  const auto moved = [](const torch::Tensor& picture, const torch::Tensor& flow) {
    return flow.defined() ? warp(picture, flow) : picture;
  };
  const auto zeros = [&](std::int64_t channels, int factor) {
    return torch::zeros({1, channels, half_size[0] / factor, half_size[1] / factor},
                        raised.options());
  };
  RestorerInput input;
  input.base = raised;
  input.memory = x[1].defined() ? moved(x[1], x[3]) : zeros(3, 1);
  input.near_a = x[2].defined() ? moved(x[2], x[3]) : zeros(3, 2);
  input.near_b = x[4].defined() ? moved(x[4], x[5]) : zeros(3, 2);
  input.edges = x[6].defined() ? x[6] : zeros(1, 2);
  input.scalars = x[7];
  const auto picture = restorer->generate(input);
  return {picture, small_picture(picture)};
}

InterpolatorInput at_moment(const InterpolatorInput& x) {
  InterpolatorInput moment = x;
  std::tie(moment.flow_a, moment.flow_b) = between(x.flow_a, x.flow_b, x.tau);
  return moment;
}

Tensors generate_interpolated(Interpolator& interpolator, const Tensors& x) {
  InterpolatorInput context{x[0], x[1], x[2], x[3], {}, {}, x[4], x[5], x[6], x[7]};
  return {to_bytes(interpolator->forward(at_moment(context)).frame)};
}

}  // namespace

GeneratorRunner::GeneratorRunner(Generator generator, Restorer restorer, FlowRefiner refiner,
                                 torch::Device device)
    : generator_(std::move(generator)),
      restorer_(std::move(restorer)),
      refiner_(std::move(refiner)),
      device_(device),
      planes_("generation of first frames",
              [this](const Tensors& x) {
                return generated(generator_, image_context(input_of(x), x[3]));
              }),
      references_("generation of coded frames",
                  [this](const Tensors& x) { return generator_references(generator_, x); }),
      restored_("generation from base pictures",
                [this](const Tensors& x) { return restored(restorer_, x); }),
      flows_("motion between coded frames",
             [this](const Tensors& x) {
               const auto both = refiner_.refine(x[0], x[1], x[2]);
               return Tensors{both.first, both.second};
             }),
      base_flow_("motion between base pictures",
                 [this](const Tensors& x) { return Tensors{refiner_.flow(x[0], x[1])}; }),
      between_("generation of interpolated frames",
               [this](const Tensors& x) {
                 return generate_interpolated(generator_->interpolator(), x);
               }),
      interpolator_restored_(
          "interpolation between restored frames",
          [this](const Tensors& x) { return generate_interpolated(restorer_->interpolator(), x); }),
      bytes_("conversion to bytes", [](const Tensors& x) { return Tensors{to_bytes(x[0])}; }) {}

torch::Tensor GeneratorRunner::bring(const torch::Tensor& tensor) const {
  if (!tensor.defined() || !device_.is_cuda() || tensor.is_cuda()) return tensor;
  return tensor.contiguous().pin_memory().to(device_, /*non_blocking=*/true);
}

CodedFramePicture GeneratorRunner::kept(const Tensors& generated) const {
  // On a GPU the results are overwritten by the next coded frame, which refers to this one.
  if (!device_.is_cuda()) return {generated[0], generated[1]};
  return {generated[0].clone(), generated[1].clone()};
}

CodedFramePicture GeneratorRunner::from_planes(const CodedFrameInput& input,
                                               const torch::Tensor& key) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return kept(planes_({input.condition, input.texture, input.planes, key}));
}

CodedFramePicture GeneratorRunner::from_references(
    const CodedFrameInput& input, const CodedFrameState& a, const torch::Tensor& flow_a,
    const torch::Tensor& distance_a, const CodedFrameState* b, const torch::Tensor& flow_ab,
    const torch::Tensor& distance_b) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Tensors x = {input.condition, input.texture, input.planes, a.condition,
               a.picture,       flow_a,        distance_a};
  const Tensors of_b =
      b == nullptr ? Tensors(4) : Tensors{b->condition, b->picture, flow_ab, distance_b};
  x.insert(x.end(), of_b.begin(), of_b.end());
  return kept(references_(x));
}

CodedFramePicture GeneratorRunner::restore(const torch::Tensor& raised, const torch::Tensor& memory,
                                           const BaseNeighbour& before, const BaseNeighbour& after,
                                           const torch::Tensor& edges,
                                           const torch::Tensor& scalars) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return kept(restored_(
      {raised, memory, before.half, before.flow, after.half, after.flow, edges, scalars}));
}

torch::Tensor GeneratorRunner::base_flow(const torch::Tensor& from, const torch::Tensor& towards) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto flow = base_flow_({from, towards})[0];
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
  const auto bytes = (restored ? interpolator_restored_ : between_)(
      {x.picture_a, x.picture_b, x.small_a, x.small_b, x.flow_a, x.flow_b, x.tau, x.interval});
  return fetched(bytes[0], lock);
}

torch::Tensor GeneratorRunner::bytes(const torch::Tensor& picture) {
  const torch::InferenceMode guard;
  if (!device_.is_cuda()) return to_bytes(picture);
  std::unique_lock<std::mutex> lock(mutex_);
  return fetched(bytes_({picture})[0], lock);
}

}  // namespace semcodec
