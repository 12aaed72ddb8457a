#include "benchmarks/paper_package.h"

#include <cstdlib>
#include <filesystem>

#include "common/core/error.h"
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

std::string new_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "semcodec-bench-XXXXXX").string();
  require(::mkdtemp(name.data()) != nullptr, ErrorKind::output,
          "No folder could be made in " + std::filesystem::temp_directory_path().string() +
              "; set TMPDIR to one that can be written to.");
  return name;
}

}  // namespace

PaperPackage::PaperPackage() : folder_(new_folder()) {
  const GeneratorConfig config = paper_sizes();
  Generator generator(config);
  TensorMap state = state_of(*generator);
  seed_weights(state);
  save_safetensors(folder_ + "/generator.safetensors", state);
  write_package_description(folder_, "paper", config, false);
  package_ = open_package(folder_);
}

PaperPackage::~PaperPackage() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace semcodec
