#include "training/training_options.h"

namespace semcodec {

TrainingOptions read_training_options(const Config& config) {
  TrainingOptions options{read_prepare_options(config),   read_base_options(config),
                          read_edge_options(config),      read_flow_options(config),
                          read_generator_options(config), read_restorer_options(config)};
  config.check_all_used("");
  return options;
}

std::string describe_options(bool markdown) {
  RunOptions run;
  TrainingOptions o;
  std::string text;
  for (const auto& table : {table_of(run), table_of(o.prepare), table_of(o.edges), table_of(o.flow),
                            table_of(o.generator), table_of(o.base), table_of(o.restorer)}) {
    text += (text.empty() ? "" : "\n") + (markdown ? table.markdown() : table.plain());
  }
  return text;
}

}  // namespace semcodec
