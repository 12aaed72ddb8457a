// Fuzzes files of weights: the bytes behind the first are a safetensors file (first byte even), or
// the description of a model beside weights that are there (odd).

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/core/error.h"
#include "models/core/safetensors.h"
#include "models/package/model_package.h"

namespace {

/// A folder with the weights of a small model, made once.
const std::string& folder() {
  static const std::string path = [] {
    using namespace semcodec;
    const std::string made =
        (std::filesystem::temp_directory_path() / ("semcodec-fuzz-" + std::to_string(getpid())))
            .string();
    std::filesystem::create_directories(made);
    GeneratorConfig small;
    small.channels_half = small.channels_quarter = small.channels_eighth = 8;
    small.channels_bottleneck = 8;
    small.blocks_half = small.blocks_quarter = small.blocks_eighth = small.transformer_blocks = 1;
    small.heads = 2;
    small.between = {8, 8, 8};
    save_safetensors(made + "/generator.safetensors", state_of(*Generator(small)));
    return made;
  }();
  return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace semcodec;
  if (size < 1) return 0;
  const bool description = data[0] % 2 != 0;
  const std::string path = folder() + (description ? "/model.json" : "/fuzz.safetensors");
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data + 1), static_cast<std::streamsize>(size - 1));
  try {
    if (description) {
      load_generator(open_package(folder()), torch::kCPU, torch::kFloat32);
    } else {
      load_safetensors(path);
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) std::abort();
  }
  return 0;
}
