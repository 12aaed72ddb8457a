#include "training/generator/objective.h"

#include <algorithm>

#include "models/core/weights_path.h"
#include "training/autocast.h"
#include "training/generator/spectral_loss.h"

namespace semcodec {

namespace {

constexpr double kFlowUnit = 20.0;  // pixels, as in the input of D_V

}  // namespace

Objective::Objective(const GeneratorOptions& options, torch::Device device)
    : options_(options), device_(device) {
  if (options_.weight_lpips > 0) lpips_ = Lpips::find(device);
  if (options_.weight_vgg > 0) features_ = find_feature_net();
  if (features_) features_->to(device);
  if (options_.weight_flow > 0 && !options_.flow.empty()) {
    flow_ = std::make_unique<FlowEstimator>(options_.flow, device, torch::kFloat32);
  }
}

std::string Objective::describe() const {
  const auto term = [](double weight, bool there, const std::string& name,
                       const std::string& missing) {
    return weight <= 0 ? "no " + name : there ? name : "no " + name + " (" + missing + ")";
  };
  return "Loss networks: " +
         term(options_.weight_lpips, lpips_.has_value(), "LPIPS (squeeze)",
              missing_weights("squeezenet1_1")) +
         ", " +
         (features_ ? features_->name()
                    : term(options_.weight_vgg, false, "VGG", missing_weights("vgg19-distilled"))) +
         ", " +
         term(options_.weight_flow, flow_ != nullptr, "FlowNet2 (" + options_.flow + ")",
              "give generator.flow") +
         ".";
}

torch::Tensor Objective::warp_loss(const Generated& p, const LossNote& note) const {
  // Second term of eq. (5), here for the motion of an interpolated frame: where one of
  // them does not show the place, the other one counts.
  const auto miss_a = (p.warped_a - p.warped_source).abs().mean(1);
  const auto miss_b = (p.warped_b - p.warped_source).abs().mean(1);
  const auto warp = torch::minimum(miss_a, miss_b).mean() + 0.2 * (miss_a + miss_b).mean();
  note("warp", warp);
  return options_.weight_warp * warp;
}

torch::Tensor Objective::flow_loss(const Generated& p, const LossNote& note) {
  // First term of eq. (5): FlowNet2 should see the same motion in what was generated as in the
  // source. A frame is asked for its motion from the one generated before it, which stays as it is.
  const auto frames = p.frame.chunk(3), sources = p.source.chunk(3);
  const auto& before_last = p.warped_a.defined() ? frames[0] : frames[1];
  const auto& before_last_source = p.warped_a.defined() ? sources[0] : sources[1];
  const auto generated = flow_->quarter(torch::cat({frames[1], frames[2]}, 0),
                                        torch::cat({frames[0], before_last}, 0).detach());
  const auto wanted = flow_->flow_quarter(torch::cat({sources[1], sources[2]}, 0),
                                          torch::cat({sources[0], before_last_source}, 0));
  const auto distance = (generated - wanted).abs().mean() / kFlowUnit;
  note("flow", distance);
  return options_.weight_flow * distance;
}

torch::Tensor Objective::texture_rate(const Generated& p, std::int64_t step,
                                      const LossNote& note) const {
  // What costs bits: values away from nothing, and values unlike their neighbours.
  const auto& t = p.texture;
  const auto rate =
      t.abs().mean() +
      0.5 * ((t.narrow(2, 1, t.size(2) - 1) - t.narrow(2, 0, t.size(2) - 1)).abs().mean() +
             (t.narrow(3, 1, t.size(3) - 1) - t.narrow(3, 0, t.size(3) - 1)).abs().mean());
  note("rate", rate);
  // Free at first: while the generator knows nothing of the texture, every symbol is but noise.
  const double share =
      std::min(1.0, static_cast<double>(step) / (0.25 * static_cast<double>(options_.steps)));
  return options_.weight_texture_rate * share * rate;
}

torch::Tensor Objective::operator()(const Generated& p, std::int64_t step, const LossNote& note) {
  const auto l1 = torch::l1_loss(p.frame, p.source);
  note("l1", l1);
  auto loss = options_.weight_l1 * l1;
  if (options_.weight_raw > 0) {
    loss = loss + options_.weight_raw * torch::l1_loss(p.raw, p.raw_source);
  }
  if (p.warped_a.defined() && options_.weight_warp > 0) loss = loss + warp_loss(p, note);
  if (p.texture.defined()) loss = loss + texture_rate(p, step, note);

  // The networks below halve their input four times, and the generator doubles its own as often. On
  // a common grid of 16 pixels it learns to please them with one tile repeated over all grass; so
  // they look from another place of the grid each step.
  const auto place = draw_patch(torch::empty({1, 1, 16, 16}), 1, options_.seed, step, 2);
  const auto shift = [&](const torch::Tensor& x) {
    return x.narrow(2, place.y, x.size(2) - 15).narrow(3, place.x, x.size(3) - 15);
  };
  if (options_.weight_spectrum > 0) {
    const auto distance = spectral_loss(shift(p.frame), shift(p.source));
    note("spectrum", distance);
    loss = loss + options_.weight_spectrum * distance;
  }
  const Autocast autocast(device_, options_.bf16);
  if (lpips_) {
    const auto distance = lpips_->forward(shift(p.frame), shift(p.source)).mean();
    note("lpips", distance);
    loss = loss + options_.weight_lpips * distance;
  }
  if (features_) {
    const auto patch = draw_patch(p.frame, options_.vgg_patch, options_.seed, step, 1);
    const auto distance =
        perceptual_l1(*features_, shift(patch.of(p.frame)), shift(patch.of(p.source)));
    note("vgg", distance);
    loss = loss + options_.weight_vgg * distance;
  }
  if (flow_ && p.video_real.defined()) loss = loss + flow_loss(p, note);
  return loss;
}

}  // namespace semcodec
