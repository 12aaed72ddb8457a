#include "training/restorer/restorer_objective.h"

#include "models/core/weights_path.h"
#include "training/autocast.h"
#include "training/patch.h"

namespace semcodec {

namespace {

/// A weight that depends on the detail asked for: N values.
torch::Tensor by_detail(double faithful, double vivid, const torch::Tensor& detail) {
  return faithful + (vivid - faithful) * detail;
}

torch::Tensor l1_each(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().mean({1, 2, 3});
}

torch::Tensor channels_last(const torch::Tensor& x) {
  return x.contiguous(torch::MemoryFormat::ChannelsLast);
}

}  // namespace

RestorerObjective::RestorerObjective(const RestorerOptions& options, torch::Device device)
    : options_(options), device_(device) {
  if (options_.weight_lpips > 0 || options_.interpolator_lpips > 0 || !options_.validation.empty())
    lpips_ = Lpips::find(device);
  if (options_.weight_vgg > 0) features_ = find_feature_net();
  if (features_) features_->to(device);
}

std::string RestorerObjective::describe() const {
  const auto term = [](double weight, const std::string& name, const std::string& missing) {
    return "no " + name + (weight > 0 ? " (" + missing + ")" : "");
  };
  return "Loss networks: " +
         (lpips_
              ? "LPIPS (squeeze)"
              : term(options_.weight_lpips, "LPIPS",
                     missing_weights(std::vector<std::string>{"squeezenet1_1", "lpips-squeeze"}))) +
         ", " +
         (features_ ? features_->name()
                    : term(options_.weight_vgg, "VGG", missing_weights("vgg19-distilled"))) +
         ".";
}

torch::Tensor RestorerObjective::lpips(const torch::Tensor& a, const torch::Tensor& b) {
  return lpips_ ? lpips_->forward(a, b) : torch::Tensor();
}

torch::Tensor RestorerObjective::interpolated(const InterpolatorOutput& output,
                                              const InterpolatedFrame& wanted, std::int64_t step,
                                              const Note& note) {
  constexpr double kWarp = 0.3, kBoth = 0.2;
  constexpr std::int64_t kPatch = 128;
  constexpr std::uint64_t kPlace = 900;  // draw_patch's seed_offset
  const auto count = wanted.there.sum().clamp_min(1);
  const auto mean = [&](const torch::Tensor& each) { return (each * wanted.there).sum() / count; };
  const auto l1 = mean(l1_each(output.frame, wanted.source));
  note("interpolator_l1", l1);
  // Where one of the two frames does not show a place, the other one counts.
  const auto miss_a = (output.warped_a - wanted.source).abs().mean(1);
  const auto miss_b = (output.warped_b - wanted.source).abs().mean(1);
  const auto warp = mean((torch::minimum(miss_a, miss_b) + kBoth * (miss_a + miss_b)).mean({1, 2}));
  note("interpolator_warp", warp);
  auto loss = options_.interpolator_l1 * l1 + kWarp * warp;
  if (lpips_ && options_.interpolator_lpips > 0) {
    const Autocast autocast(device_, options_.bf16);
    const auto patch = draw_patch(output.frame, kPatch, options_.seed, step, kPlace);
    const auto distance = mean(
        lpips_
            ->forward(channels_last(patch.of(output.frame)), channels_last(patch.of(wanted.source)))
            .to(torch::kFloat32));
    note("interpolator_lpips", distance);
    loss = loss + options_.interpolator_lpips * distance;
  }
  return loss;
}

torch::Tensor RestorerObjective::operator()(const RestorerImpl::Output& output,
                                            const torch::Tensor& source,
                                            const torch::Tensor& detail, std::int64_t step,
                                            int index, const Note& note) {
  const auto l1 = l1_each(output.frame, source);
  note("l1", l1.mean());
  auto loss = (by_detail(options_.weight_l1, options_.weight_l1_vivid, detail) * l1).mean();
  if (options_.weight_restored > 0) {
    const auto restored = torch::l1_loss(output.restored, source);
    note("restored", restored);
    loss = loss + options_.weight_restored * restored;
  }
  const Autocast autocast(device_, options_.bf16);
  // The frames of a step look at other places.
  const auto seed_offset = static_cast<std::uint64_t>(10 + 2 * index);
  const auto patch =
      draw_patch(output.frame, options_.lpips_patch, options_.seed, step, seed_offset);
  const auto frame = channels_last(patch.of(output.frame));
  const auto wanted = channels_last(patch.of(source));
  const auto share = by_detail(options_.perceptual_share, options_.perceptual_share_vivid, detail);
  if (lpips_ && options_.weight_lpips > 0) {
    const auto distance = lpips_->forward(frame, wanted).to(torch::kFloat32);
    note("lpips", distance.mean());
    loss = loss + options_.weight_lpips * (share * distance).mean();
  }
  if (features_) {
    const auto inner = draw_patch(frame, options_.vgg_patch, options_.seed, step, seed_offset + 1);
    const auto distance = perceptual_l1_each(*features_, inner.of(frame), inner.of(wanted));
    note("vgg", distance.mean());
    loss = loss + options_.weight_vgg * (share * distance).mean();
  }
  return loss;
}

}  // namespace semcodec
