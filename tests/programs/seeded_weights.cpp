// seeded_weights NAME FILE: weights by a formula for tests of semcodec-models, the same everywhere.
//
// NAME: a network of `semcodec-models run`, or squeezenet, alexnet (features for LPIPS). The flow
// networks are slim, since the published sizes take half a gigabyte.

#include <cstdio>
#include <string>

#include "common/core/error.h"
#include "models/flownet2/flow_estimator.h"
#include "models/lpips/backbone.h"
#include "models/pidinet/pidinet.h"
#include "tests/models/seeded_values.h"

namespace {

using namespace semcodec;

void write(const std::string& path, TensorMap tensors, const Metadata& metadata = {}) {
  seed_weights(tensors);
  for (auto& [name, tensor] : tensors) {
    // Flow of some pixels instead of hundreds.
    if (name.find("predict_flow") != std::string::npos) tensor = tensor * 0.02;
    if (name.starts_with("lin")) tensor = tensor.abs();  // heads of LPIPS are not negative
  }
  save_safetensors(path, tensors, metadata);
}

void make(const std::string& name, const std::string& path) {
  if (name.starts_with("pidinet")) {
    const std::string size = name == "pidinet" ? "full" : name.substr(8);
    write(path, state_of(*PiDiNet(PiDiNetConfig::named(size))));
  } else if (name.starts_with("flownet2")) {
    FlowNet2Options options{.width = 0.125, .max_displacement = 8};
    if (name != "flownet2") options.variant = flownet2_variant_from_text(name.substr(9));
    write(path, state_of(*FlowNet2(options)), flow_metadata(options, 1));
  } else if (name == "squeezenet" || name == "alexnet") {
    write(path, state_of(*make_backbone(name == "alexnet" ? LpipsNet::alex : LpipsNet::squeeze)));
  } else {
    TensorMap heads;
    int i = 0;
    for (const int channels :
         facts_of(name == "lpips-alex" ? LpipsNet::alex : LpipsNet::squeeze).taps) {
      heads["lin" + std::to_string(i++) + ".model.1.weight"] = torch::empty({1, channels, 1, 1});
    }
    write(path, heads);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("seeded_weights NAME FILE\n", stderr);
    return 2;
  }
  try {
    make(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "seeded_weights: %s\n", error.what());
    return 1;
  }
  return 0;
}
