#pragma once
// MODEL_CARD.md of a package, written from what the run left.

#include <string>

#include "training/stages/stage_keys.h"

namespace semcodec {

struct ModelCardSource {
  std::string name;    ///< of the package
  std::string folder;  ///< of the package; the card goes here
  std::string work;    ///< markers and stages' folders (train_all.h)
  std::string store;   ///< frame stores
  NetworkSource edges, flow;
};

/// Data (clips, frames, what was skipped), teachers, loss networks, last losses, date, and every
/// setting as the stages' markers hold it. Throws Error(output).
void write_model_card(const ModelCardSource& source);

}  // namespace semcodec
