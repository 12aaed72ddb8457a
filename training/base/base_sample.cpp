#include "training/base/base_sample.h"

namespace semcodec {

namespace {

constexpr torch::Tensor BaseFrame::*kMembers[] = {
    &BaseFrame::base,   &BaseFrame::near_a, &BaseFrame::near_b, &BaseFrame::edges,
    &BaseFrame::source, &BaseFrame::flow,   &BaseFrame::scalars};

constexpr torch::Tensor InterpolatedFrame::*kInterpolated[] = {
    &InterpolatedFrame::source, &InterpolatedFrame::flow_back, &InterpolatedFrame::tau,
    &InterpolatedFrame::interval, &InterpolatedFrame::there};

/// Applies `f` to the same tensor of all samples, for every tensor.
template <typename Function>
BaseSample combine(const std::vector<BaseSample>& samples, Function f) {
  BaseSample out;
  out.frames.resize(samples.front().frames.size());
  std::vector<torch::Tensor> all(samples.size());
  for (std::size_t i = 0; i < out.frames.size(); ++i) {
    for (const auto member : kMembers) {
      for (std::size_t s = 0; s < samples.size(); ++s) all[s] = samples[s].frames[i].*member;
      out.frames[i].*member = f(all);
    }
  }
  for (const auto member : kInterpolated) {
    if (!(samples.front().interpolated.*member).defined()) continue;
    for (std::size_t s = 0; s < samples.size(); ++s) all[s] = samples[s].interpolated.*member;
    out.interpolated.*member = f(all);
  }
  for (std::size_t s = 0; s < samples.size(); ++s) all[s] = samples[s].detail;
  out.detail = f(all);
  return out;
}

}  // namespace

BaseSample collate(const std::vector<BaseSample>& samples) {
  return combine(samples, [](const std::vector<torch::Tensor>& all) { return torch::cat(all, 0); });
}

BaseSample pinned(const BaseSample& sample) {
  return combine({sample},
                 [](const std::vector<torch::Tensor>& all) { return all.front().pin_memory(); });
}

BaseSample to_device(const BaseSample& sample, torch::Device device) {
  return combine({sample}, [&](const std::vector<torch::Tensor>& all) {
    return all.front().to(device, /*non_blocking=*/true);
  });
}

}  // namespace semcodec
