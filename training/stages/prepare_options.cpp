#include "training/stages/prepare_options.h"

namespace semcodec {

OptionTable table_of(PrepareOptions& o) {
  OptionTable table("prepare", "Stage `prepare`");
  table.add("size", o.size, any_word(), "long side in pixels, or `\"WxH\"`; multiples of 16");
  table.add("layout", o.layout, one_of({"videos", "sequence", "cityscapes", "apolloscape"}),
            "what a clip is, see Preparing");
  table.add("rate", o.rate, any_word(), "frames a second (`\"30000/1001\"`); empty: the clip's");
  table.add("limit", o.limit, at_least(0), "most frames of a clip; 0 = all");
  return table;
}

PrepareOptions read_prepare_options(const Config& config) {
  PrepareOptions options;
  table_of(options).read(config);
  return options;
}

std::vector<std::string> prepare_arguments(const PrepareOptions& o) {
  std::vector<std::string> out = {"--size", o.size,    "--layout",
                                  o.layout, "--limit", std::to_string(o.limit)};
  if (!o.rate.empty()) out.insert(out.end(), {"--rate", o.rate});
  return out;
}

OptionTable table_of(BaseStageOptions& o) {
  OptionTable table("base", "Base layers, part of stage `restorer`");
  table.add("layers", o.layers, in_range(0, 1000), "base layers a clip; 0 = no restorer");
  table.add("effort", o.effort, in_range(0, 9), "libaom's `cpu-used` for them");
  return table;
}

BaseStageOptions read_base_options(const Config& config) {
  BaseStageOptions options;
  table_of(options).read(config);
  return options;
}

std::vector<std::string> base_arguments(const BaseStageOptions& o) {
  return {"--base", std::to_string(o.layers), "--base-effort", std::to_string(o.effort)};
}

}  // namespace semcodec
