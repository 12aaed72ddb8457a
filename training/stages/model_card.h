#pragma once
// MODEL_CARD.md of a package, written from what the run left.

#include <string>

namespace semcodec {

/// Where a network comes from that `all` may take instead of training it.
struct NetworkSource {
  std::string use;          ///< this package's network as it is; "none" (flow): do without
  std::string teacher;      ///< edges: a larger PiDiNet
  std::string annotations;  ///< edges: folder of frame stores with NAME.labels
};

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
