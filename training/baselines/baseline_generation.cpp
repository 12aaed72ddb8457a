#include "training/baselines/baseline_generation.h"

#include "models/generator/flow_geometry.h"
#include "training/autocast.h"

namespace semcodec {

torch::Tensor baseline_condition(const torch::Tensor& condition, const BaselineConfig& config) {
  const auto chosen = select_condition(condition, config);
  return torch::upsample_nearest2d(chosen, {chosen.size(2) * 2, chosen.size(3) * 2});
}

std::vector<BaselineOutput> generate_chain(const std::shared_ptr<Baseline>& net,
                                           const SequenceSample& sample, bool bf16) {
  BaselineSequence sequence(net);
  const Autocast autocast(sample.pictures[0].device(), bf16);
  std::vector<BaselineOutput> outputs;
  for (const auto& condition : sample.conditions) {
    outputs.push_back(sequence.next(baseline_condition(condition, net->config())));
  }
  return outputs;
}

Generated as_generated(const std::vector<BaselineOutput>& outputs, const SequenceSample& s,
                       const BaselineConfig& config) {
  std::vector<torch::Tensor> frames, raw, conditions;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    frames.push_back(outputs[i].frame);
    raw.push_back(outputs[i].raw);
    conditions.push_back(select_condition(s.conditions[i], config));
  }
  Generated out;
  out.frame = torch::cat(frames, 0);
  out.raw = torch::cat(raw, 0);
  out.source = torch::cat({s.pictures[0], s.pictures[1], s.pictures[2]}, 0);
  out.raw_source = out.source;
  out.condition = torch::cat(conditions, 0);
  if (!outputs.back().flow.defined()) return out;
  const auto flow_b = compose(s.flow_21, s.flow_10);
  out.video_real = video_input(s.pictures[0], s.pictures[1], s.pictures[2], s.flow_21, flow_b);
  out.video_fake = video_input(frames[0], frames[1], frames[2], s.flow_21, flow_b);
  return out;
}

}  // namespace semcodec
