// Model packages that somebody else made, and names of models that a stream brings.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/core/error.h"
#include "models/core/safetensors.h"
#include "models/package/model_package.h"

namespace semcodec {
namespace {

namespace fs = std::filesystem;

class Package : public testing::Test {
 protected:
  Package() {
    folder_ =
        (fs::temp_directory_path() / ("semcodec-package-" + std::to_string(getpid()))).string();
    fs::create_directories(folder_);
    GeneratorConfig small;
    small.channels_half = 8;
    small.channels_quarter = small.channels_eighth = small.channels_bottleneck = 16;
    small.blocks_half = small.blocks_quarter = small.blocks_eighth = 1;
    small.transformer_blocks = 1;
    small.heads = 2;
    small.between = {8, 8, 8};
    small.texture = {4, 5, 8};
    RestorerConfig restorer;
    restorer.channels_half = 8;
    restorer.channels_quarter = restorer.channels_eighth = restorer.channels_bottleneck = 16;
    restorer.blocks_half = restorer.encoder_quarter = restorer.encoder_eighth = 1;
    restorer.decoder_quarter = restorer.decoder_eighth = restorer.transformer_blocks = 1;
    restorer.heads = 2;
    restorer.between = {8, 8, 8};
    ModelPackage package;
    package.name = "small";
    package.config = small;
    package.restorer = restorer;
    write_package_description(folder_, package);
    save_safetensors(folder_ + "/generator.safetensors", state_of(*Generator(small)));
    save_safetensors(folder_ + "/restorer.safetensors", state_of(*Restorer(restorer)));
    save_safetensors(folder_ + "/texture.safetensors", state_of(*TextureEncoder(small.texture)));
  }
  ~Package() override { fs::remove_all(folder_); }

  nlohmann::json description() const {
    std::ifstream file(folder_ + "/model.json");
    return nlohmann::json::parse(file);
  }
  void describe(const nlohmann::json& json) const {
    std::ofstream(folder_ + "/model.json") << json.dump();
  }
  /// The sentence of the Error(corrupt) that opening gives.
  std::string refusal() const {
    try {
      open_package(folder_);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::corrupt) << error.what();
      return error.what();
    }
    return "opened";
  }

  std::string folder_;
};

TEST_F(Package, OpensAndLoads) {
  const auto package = open_package(folder_);
  EXPECT_EQ(package.name, "small");
  load_generator(package, torch::kCPU, torch::kFloat32);
  load_restorer(package, torch::kCPU, torch::kFloat32);
  load_texture_encoder(package, torch::kCPU, torch::kFloat32);
}

TEST_F(Package, EverySizeIsComparedWithTheWeights) {
  const auto good = description();
  for (const char* part : {"generator", "restorer"}) {
    for (const auto& [name, value] : good[part].items()) {
      // heads divides the channels and decides no tensor, nor do references that are left out;
      // levels belong to the planes; the noise and the sender's width are compared when they are
      // loaded.
      if (name == "heads" || name == "references" || name == "texture_levels" || name == "noise" ||
          name == "texture_width") {
        continue;
      }
      auto json = good;
      json[part][name] =
          name.find("channels") == 0 || name.find("between") == 0 ? 4096 : value.get<int>() + 40;
      describe(json);
      const std::string sentence = refusal();
      EXPECT_NE(sentence.find("model.json says"), std::string::npos)
          << part << "." << name << ": " << sentence;
    }
  }
  auto json = good;
  json["generator"]["texture_width"] = 4096;
  describe(json);
  const auto package = open_package(folder_);
  EXPECT_THROW(load_texture_encoder(package, torch::kCPU, torch::kFloat32), Error);
}

// What was found: 500 bytes of JSON that ask for some ten gigabytes before any weight is read.
TEST_F(Package, AHugeModelOfFewBytesTakesNoMemory) {
  auto json = description();
  json["generator"]["channels_eighth"] = 4096;
  json["generator"]["blocks_eighth"] = 64;
  describe(json);
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  EXPECT_NE(refusal().find("channels_eighth 4096"), std::string::npos) << refusal();
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 64 * 1024);  // KiB
}

TEST_F(Package, NamesAreNames) {
  for (const char* good : {"default", "a", "A-b_c.9", "v1.0"}) EXPECT_TRUE(is_model_name(good));
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), std::string(".hidden"),
        std::string("a/b"), std::string("/tmp/x"), std::string("../../x"), std::string("a b"),
        std::string("a\n"), std::string("a\0b", 3), std::string(65, 'a'), std::string("Grün")}) {
    EXPECT_FALSE(is_model_name(bad)) << bad;
  }
  auto json = description();
  json["name"] = "../x";
  describe(json);
  EXPECT_EQ(open_package(folder_).name, "-.-x");
}

TEST_F(Package, AStreamNamesNoPath) {
  // A FIFO would hang whoever opens it.
  const std::string trap = folder_ + "/trap";
  fs::create_directories(trap);
  ASSERT_EQ(mkfifo((trap + "/model.json").c_str(), 0600), 0);
  const auto here = fs::current_path();
  fs::current_path(folder_);
  for (const std::string& name : {folder_, trap, std::string("trap"), std::string("./trap"),
                                  std::string("../../x"), std::string("no-such-model")}) {
    try {
      open_named_package(name);
      ADD_FAILURE() << name << " was opened";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::unsupported) << error.what();
      EXPECT_NE(std::string(error.what()).find("--model"), std::string::npos) << error.what();
    }
  }
  fs::current_path(here);
  EXPECT_EQ(open_named_package("default").name, "default");
}

}  // namespace
}  // namespace semcodec
