#pragma once
// Options of the edges stage, with their defaults ([edges] in the configuration).

#include <string>

#include "training/config.h"
#include "training/trainer/trainer_options.h"

namespace semcodec {

/// `data`: folder of frame stores. `batch`: crops.
struct EdgeOptions : TrainerOptions {
  EdgeOptions() {
    stage = "edges";
    batch = 6;
    learning_rate = 0.005;
    schedule = "steps";  // the authors': a tenth at epochs 10 and 16 of 20
    beta2 = 0.999;
    weight_decay = 1e-4;
    clip_gradient = 0;
    ema = 0.999;
    bf16 = false;
  }

  std::string use;            ///< `all` takes this network instead of training one
  std::string teacher;        ///< a larger PiDiNet: a file, or the name of known weights
  std::string annotations;    ///< folder of further frame stores, with NAME.labels
  std::string size = "tiny";  ///< of PiDiNetConfig::named
  double distillation = 1.0;  ///< weight of the distillation loss, where there is a teacher
  double labels = 1.0;        ///< weight of the balanced loss, on pictures that have annotations
  double lambda = 1.1;
  double eta = 0.3;
  int crop = 192;  ///< pixels, square
};

OptionTable table_of(EdgeOptions& options);

/// Reads "edges.*" and what all stages share. Throws Error(usage) naming a bad or unknown key.
EdgeOptions read_edge_options(const Config& config);

}  // namespace semcodec
