#include "benchmarks/paper_package.h"

#include "models/core/safetensors.h"
#include "tests/models/seeded_values.h"

namespace semcodec {
namespace {

GeneratorConfig paper_sizes() {
  GeneratorConfig config;
  config.channels_half = 64;
  config.channels_quarter = 128;
  config.channels_eighth = 256;
  config.channels_bottleneck = 384;
  config.blocks_half = 2;
  config.blocks_quarter = 3;
  config.blocks_eighth = 6;
  return config;
}

}  // namespace

PaperPackage::PaperPackage() {
  const GeneratorConfig config = paper_sizes();
  Generator generator(config);
  TensorMap state = state_of(*generator);
  seed_weights(state);
  save_safetensors(folder_.path() + "/generator.safetensors", state);
  ModelPackage package;
  package.name = "paper";
  package.config = config;
  write_package_description(folder_.path(), package);
  package_ = open_package(folder_.path());
}

}  // namespace semcodec
