#pragma once
// Options of the flow stage, with their defaults ([flow] in the configuration): those of the slim
// network of the shipped model, since FlowNet2 as published is too slow for a receiver.

#include <string>

#include "models/flownet2/flownet2.h"
#include "training/config.h"
#include "training/flow/synthetic_motion.h"
#include "training/trainer/trainer_options.h"

namespace semcodec {

/// `data`: folder of frame stores, for textures. `batch`: pairs of pictures.
struct FlowOptions : TrainerOptions {
  FlowOptions() {
    stage = "flow";
    steps = 10000;
    batch = 6;
    learning_rate = 6e-4;
    final_rate = 0.02;
    warm_up = 200;
    beta2 = 0.999;
    net.width = 0.125;
    net.max_displacement = 12;
    motion.height = 128;
    motion.max_displacement = 24;
    motion.typical_displacement = 3;
    motion.degrade_probability = 0.5;
  }

  std::string use;      ///< `all` takes this network instead of training one; "none": does without
  std::string initial;  ///< exported weights of the same sizes to start from
  FlowNet2Options net;
  int input_scale = 2;  ///< written to the export; pairs show pictures reduced by it
  SyntheticMotionOptions motion;
  double robustness = 0.7;     ///< exponent q of the end-point error (flow_task.h)
  bool detach_members = true;  ///< each member learns from its own loss alone; no key
  int validation_pairs = 64;   ///< held out, at every `sample_every`; 0 = none
};

OptionTable table_of(FlowOptions& options);

/// Reads "flow.*" and what all stages share. Throws Error(usage) naming a bad or unknown key.
FlowOptions read_flow_options(const Config& config);

}  // namespace semcodec
