#include "models/package/model_package.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "common/core/error.h"
#include "common/core/file.h"
#include "common/core/hash.h"
#include "common/core/text.h"
#include "common/semantic/class_plane.h"
#include "models/core/device.h"
#include "models/core/safetensors.h"
#include "models/package/model_path.h"
#include "models/package/size_check.h"

namespace semcodec {

namespace {

constexpr int kFormat = 1;
constexpr int kMaxChannels = 4096;
constexpr int kMaxBlocks = 64;
constexpr std::size_t kMaxNameLength = 64;
constexpr std::string_view kNameCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

/// The numbers of GeneratorConfig under the names they have in model.json, with their limits.
template <typename Config, typename Visit>
void for_each_size(Config& config, Visit visit) {
  visit("channels_half", config.channels_half, kMaxChannels);
  visit("channels_quarter", config.channels_quarter, kMaxChannels);
  visit("channels_eighth", config.channels_eighth, kMaxChannels);
  visit("channels_bottleneck", config.channels_bottleneck, kMaxChannels);
  visit("blocks_half", config.blocks_half, kMaxBlocks);
  visit("blocks_quarter", config.blocks_quarter, kMaxBlocks);
  visit("blocks_eighth", config.blocks_eighth, kMaxBlocks);
  visit("transformer_blocks", config.transformer_blocks, kMaxBlocks);
  visit("heads", config.heads, kMaxBlocks);
  visit("mlp_ratio", config.mlp_ratio, kMaxBlocks);
  visit("noise", config.noise, 1);
  visit("classes", config.classes, kMaxClasses);
  visit("references", config.references, 2);
  visit("interpolator_motion", config.between.channels_motion, kMaxChannels);
  visit("interpolator_half", config.between.channels_half, kMaxChannels);
  visit("interpolator_quarter", config.between.channels_quarter, kMaxChannels);
  visit("texture_channels", config.texture.channels, kMaxTextureChannels);
  visit("texture_levels", config.texture.levels, 255);
  visit("texture_width", config.texture.width, kMaxChannels);
}

/// The same of RestorerConfig.
template <typename Config, typename Visit>
void for_each_restorer_size(Config& config, Visit visit) {
  visit("channels_half", config.channels_half, kMaxChannels);
  visit("channels_quarter", config.channels_quarter, kMaxChannels);
  visit("channels_eighth", config.channels_eighth, kMaxChannels);
  visit("channels_bottleneck", config.channels_bottleneck, kMaxChannels);
  visit("blocks_half", config.blocks_half, kMaxBlocks);
  visit("encoder_quarter", config.encoder_quarter, kMaxBlocks);
  visit("encoder_eighth", config.encoder_eighth, kMaxBlocks);
  visit("decoder_quarter", config.decoder_quarter, kMaxBlocks);
  visit("decoder_eighth", config.decoder_eighth, kMaxBlocks);
  visit("transformer_blocks", config.transformer_blocks, kMaxBlocks);
  visit("heads", config.heads, kMaxBlocks);
  visit("mlp_ratio", config.mlp_ratio, kMaxBlocks);
  visit("interpolator_motion", config.between.channels_motion, kMaxChannels);
  visit("interpolator_half", config.between.channels_half, kMaxChannels);
  visit("interpolator_quarter", config.between.channels_quarter, kMaxChannels);
}

RestorerConfig read_restorer(const nlohmann::json& sizes, const std::string& file) {
  RestorerConfig config;
  for_each_restorer_size(config, [&](const char* name, int& value, int limit) {
    const auto found = sizes.find(name);
    require(found != sizes.end() && found->is_number_integer() && *found >= 1 && *found <= limit,
            ErrorKind::corrupt,
            file + ": restorer." + name + " should be a whole number from 1 to " +
                std::to_string(limit) + ".");
    value = found->template get<int>();
  });
  require(config.channels_bottleneck % config.heads == 0, ErrorKind::corrupt,
          file + ": restorer.channels_bottleneck should be a multiple of restorer.heads.");
  return config;
}

GeneratorConfig read_config(const nlohmann::json& sizes, const std::string& file) {
  GeneratorConfig config;
  for_each_size(config, [&](const char* name, int& value, int limit) {
    const auto found = sizes.find(name);
    const bool is_noise = &value == &config.noise;
    const bool optional = is_noise || &value == &config.classes || &value == &config.references;
    if (optional && found == sizes.end()) {
      if (is_noise) value = 0;  // models of version 0.1 have none
      return;
    }
    // What a model may do without.
    const bool may_lack =
        optional || &value == &config.texture.channels || &value == &config.transformer_blocks;
    const int least = may_lack ? 0 : 1;
    require(
        found != sizes.end() && found->is_number_integer() && *found >= least && *found <= limit,
        ErrorKind::corrupt,
        file + ": generator." + name + " should be a whole number from " + std::to_string(least) +
            " to " + std::to_string(limit) + ".");
    value = found->template get<int>();
  });
  require(config.channels_bottleneck % config.heads == 0, ErrorKind::corrupt,
          file + ": generator.channels_bottleneck should be a multiple of generator.heads.");
  require(config.texture.levels % 2 == 1 && config.texture.levels >= 3, ErrorKind::corrupt,
          file + ": generator.texture_levels should be odd, at least 3.");
  return config;
}

/// With AMX, oneDNN's convolutions are four times as fast as those of our engine; without, the
/// engine is faster (docs/benchmarks.md).
void prepare(Interpolator& interpolator, torch::Device device, std::optional<torch::Dtype> dtype) {
  if (!device.is_cpu()) return;
  const bool single = (dtype ? *dtype : inference_dtype(device)) == torch::kFloat32;
  const bool tiles = cpu_has_amx() && !single;
  if (!tiles && engine_wanted(device, dtype)) return interpolator->use_engine();
  interpolator->use_runner();
}

/// Packages are named after the folder that they were trained into; what a stream could not say is
/// replaced.
std::string as_model_name(std::string name) {
  name.resize(std::min(name.size(), kMaxNameLength));
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool bad = kNameCharacters.find(name[i]) == std::string_view::npos;
    if (bad || (i == 0 && name[i] == '.')) name[i] = '-';
  }
  return name.empty() ? "model" : name;
}

ModelPackage open_folder(const std::string& folder) {
  ModelPackage package;
  package.folder = folder;
  const std::string file = package.folder + "/model.json";
  const auto bytes = read_file(file, 1 << 20);
  const auto json = nlohmann::json::parse(bytes.begin(), bytes.end(), nullptr, false);
  require(json.is_object() && json.contains("format") && json["format"].is_number_integer() &&
              json.contains("name") && json["name"].is_string() && json.contains("generator") &&
              json["generator"].is_object(),
          ErrorKind::corrupt, file + " is no model description.");
  require(json["format"] == kFormat, ErrorKind::unsupported,
          file + " has format " + json["format"].dump() + "; this build knows format " +
              std::to_string(kFormat) + ".");
  package.name = as_model_name(json["name"].get<std::string>());
  package.config = read_config(json["generator"], file);
  check_sizes(package.config, read_safetensors_shapes(package.generator_path()),
              package.generator_path());
  package.refine_flow = json.value("refine_flow", nlohmann::json(false)) == true;
  std::string digest = sha256_file(package.generator_path());
  if (const auto restorer = json.find("restorer"); restorer != json.end()) {
    require(restorer->is_object(), ErrorKind::corrupt, file + ": restorer should be an object.");
    package.restorer = read_restorer(*restorer, file);
    check_sizes(*package.restorer, read_safetensors_shapes(package.restorer_path()),
                package.restorer_path());
    digest += sha256_file(package.restorer_path());
    digest = sha256_hex({reinterpret_cast<const std::uint8_t*>(digest.data()), digest.size()});
  }
  const auto detail = json.value("detail", nlohmann::json(package.detail));
  require(detail.is_number() && detail >= 0 && detail <= 1, ErrorKind::corrupt,
          file + ": detail should be a number from 0 to 1.");
  package.detail = detail.get<double>();
  const auto flow = json.value("base_flow", nlohmann::json(package.base_flow));
  require(flow == "dis" || flow == "flownet2", ErrorKind::corrupt,
          file + ": base_flow should be dis or flownet2.");
  package.base_flow = flow.get<std::string>();
  package.hash = digest.substr(0, 16);
  return package;
}

}  // namespace

bool is_model_name(const std::string& name) {
  return !name.empty() && name.size() <= kMaxNameLength && name.front() != '.' &&
         name.find_first_not_of(kNameCharacters) == std::string::npos;
}

ModelPackage open_package(const std::string& name_or_folder) {
  if (name_or_folder.find('/') != std::string::npos || std::filesystem::exists(name_or_folder)) {
    return open_folder(name_or_folder);
  }
  const auto folder = find_model_folder(name_or_folder);
  require(folder.has_value(), ErrorKind::input,
          "No model '" + name_or_folder +
              "' in the data folder or SEMCODEC_MODEL_PATH; give a folder that holds model.json.");
  return open_folder(*folder);
}

ModelPackage open_named_package(const std::string& name) {
  const auto folder = is_model_name(name) ? find_model_folder(name) : std::nullopt;
  require(folder.has_value(), ErrorKind::unsupported,
          "There is no model '" + printable(name) +
              "' in the data folder or SEMCODEC_MODEL_PATH; give the folder of the one that the "
              "stream was made for with --model.");
  return open_folder(*folder);
}

void write_package_description(const std::string& folder, const ModelPackage& package) {
  nlohmann::ordered_json json;
  json["format"] = kFormat;
  json["name"] = as_model_name(package.name);
  const auto to = [&json](const char* part) {
    return [&json, part](const char* key, const int& value, int) { json[part][key] = value; };
  };
  for_each_size(package.config, to("generator"));
  if (package.restorer) {
    for_each_restorer_size(*package.restorer, to("restorer"));
    json["detail"] = package.detail;
    json["base_flow"] = package.base_flow;
  }
  json["refine_flow"] = package.refine_flow;
  const std::string text = json.dump(2) + "\n";
  OutputFile file(folder + "/model.json");
  file.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  file.commit();
}

TextureEncoder load_texture_encoder(const ModelPackage& package, torch::Device device,
                                    torch::Dtype dtype) {
  check_sizes(package.config.texture, read_safetensors_shapes(package.texture_path()),
              package.texture_path());
  TextureEncoder encoder(package.config.texture);
  load_module(*encoder, package.texture_path());
  encoder->to(device, dtype);
  to_channels_last(*encoder);
  encoder->eval();
  return encoder;
}

Restorer load_restorer(const ModelPackage& package, torch::Device device,
                       std::optional<torch::Dtype> dtype) {
  Restorer restorer(*package.restorer);
  load_module(*restorer, package.restorer_path());
  restorer->to(device, dtype ? *dtype : inference_dtype(device));
  to_channels_last(*restorer);
  restorer->eval();
  if (device.is_cpu()) restorer->use_runner();
  prepare(restorer->interpolator(), device, dtype);
  return restorer;
}

Generator load_generator(const ModelPackage& package, torch::Device device,
                         std::optional<torch::Dtype> dtype) {
  Generator generator(package.config);
  load_module(*generator, package.generator_path());
  generator->to(device, dtype ? *dtype : inference_dtype(device));
  to_channels_last(*generator);
  generator->eval();
  if (engine_wanted(device, dtype)) generator->use_engine();
  prepare(generator->interpolator(), device, dtype);
  return generator;
}

}  // namespace semcodec
