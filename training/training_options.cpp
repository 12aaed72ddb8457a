#include "training/training_options.h"

#include "training/stages/stage_keys.h"

namespace semcodec {

TrainingOptions read_training_options(const Config& config) {
  TrainingOptions options{read_generator_options(config), read_restorer_options(config)};
  read_stage_keys(config);
  config.check_all_used("");
  return options;
}

}  // namespace semcodec
