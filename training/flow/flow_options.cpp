#include "training/flow/flow_options.h"

namespace semcodec {

OptionTable table_of(FlowOptions& o) {
  OptionTable table("flow", "Stage `flow`");
  table.add(
      "use", o.use, any_value(),
      "`all`: take the flow network of this package, or this file, as it is; `none`: a package "
      "without one");
  table.add("initial", o.initial, any_value(), "exported weights of the same sizes to start from");
  table.add_text(
      "variant", to_text(o.net.variant),
      [&o](const std::string& text) { o.net.variant = flownet2_variant_from_text(text); },
      one_of({"full", "css", "cs", "c", "s", "sd"}), "which members of FlowNet2 there are");
  table.add("channels", o.net.width, in_range(0.01, 2),
            "share of the published channel counts; 1 = FlowNet2 as published");
  table.add("correlation", o.net.max_displacement, multiple_of(2, 2),
            "largest displacement that is compared; 20 = as published");
  table.add("input_scale", o.input_scale, in_range(1, 2), "pictures are reduced by 1 or 2 first");
  auto& m = o.motion;
  table.add("width", m.width, multiple_of(64, 64), "of a pair, pixels");
  table.add("height", m.height, multiple_of(64, 64), "of a pair, pixels");
  table.add("max_motion", m.max_displacement, above(0), "longest motion, pixels");
  table.add("typical_motion", m.typical_displacement, above(0), "mean motion, pixels");
  table.add("degrade", m.degrade_probability, in_range(0, 1),
            "share of the pairs that look like generated pictures");
  table.add("robustness", o.robustness, above(0), "exponent of the end-point error");
  table.add("validation_pairs", o.validation_pairs, at_least(0),
            "held-out pairs for the end-point error at every `sample_every`; 0 = none");
  add_trainer_options(table, o);
  table.gone("iterations", "is now 'flow.steps'");
  table.gone("rate", "is now 'flow.learning_rate'");
  table.gone("fp32", "is now 'flow.bf16', the other way round");
  table.gone("start_from", "is now 'flow.initial'");
  return table;
}

FlowOptions read_flow_options(const Config& config) {
  FlowOptions o;
  read_run_options(config, o, "the folder of frame stores");
  table_of(o).read(config);
  return o;
}

}  // namespace semcodec
