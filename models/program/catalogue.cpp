#include "models/program/catalogue.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/app/units.h"
#include "common/core/error.h"
#include "common/core/hash.h"
#include "models/core/weights_path.h"
#include "models/package/model_path.h"

namespace semcodec {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::vector<ShippedFile> read_zoo() {
  std::vector<ShippedFile> list;
  const auto shipped = find_model_folder("default");
  if (!shipped) return list;
  std::error_code code;
  const fs::path zoo = fs::path(*shipped).parent_path();
  for (const auto& package : fs::directory_iterator(zoo, code)) {
    if (!package.is_directory(code)) continue;
    for (const auto& file : fs::directory_iterator(package.path(), code)) {
      if (file.path().extension() != ".safetensors") continue;
      list.push_back({package.path().filename().string(), file.path().filename().string(),
                      file.path().string(), fs::file_size(file.path(), code),
                      sha256_file(file.path().string())});
    }
  }
  // Folders are listed in no order of their own.
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return list;
}

std::vector<FetchableWeights> read_manifest() {
  std::vector<FetchableWeights> list;
  const auto path = find_project_file("models/weights.json");
  if (!path) return list;
  std::ifstream stream(*path);
  const json manifest = json::parse(stream, nullptr, /*allow_exceptions=*/false);
  require(manifest.is_object() && manifest.contains("weights") && manifest["weights"].is_array(),
          ErrorKind::corrupt, *path + " is no list of weights; check the project out again.");
  try {
    for (const json& entry : manifest["weights"]) {
      const auto name = entry.at("name").get<std::string>();
      list.push_back({name, entry.at("urls").at(0).get<std::string>(),
                      entry.at("licence").get<std::string>(), entry.value("used_for", ""),
                      entry.at("size").get<std::uint64_t>(), entry.at("sha256").get<std::string>(),
                      find_weights(name).value_or("")});
    }
  } catch (const json::exception& error) {
    throw Error(ErrorKind::corrupt, *path + " has an entry that cannot be read (" + error.what() +
                                        "); check the project out again.");
  }
  return list;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

Catalogue read_catalogue() {
  Catalogue catalogue{read_zoo(), read_manifest()};
  require(!catalogue.shipped.empty() || !catalogue.fetchable.empty(), ErrorKind::input,
          "No model package and no models/weights.json was found; set SEMCODEC_MODEL_PATH to a "
          "folder of "
          "packages, or run this in the project's folder.");
  return catalogue;
}

std::string catalogue_table(const Catalogue& catalogue) {
  std::string text = "Shipped in models/zoo:\n";
  char line[512];
  for (const auto& file : catalogue.shipped) {
    std::snprintf(line, sizeof line, "  %-32s %10s  sha256 %s\n",
                  (file.package + "/" + file.file).c_str(), format_bytes(file.size).c_str(),
                  file.sha256.c_str());
    text += line;
  }
  text += "\nCan be fetched (bash scripts/fetch.sh weights NAME):\n";
  for (const auto& weights : catalogue.fetchable) {
    std::snprintf(line, sizeof line, "  %-18s %10s  %s\n", weights.name.c_str(),
                  format_bytes(weights.size).c_str(),
                  weights.path.empty() ? "not here" : ("here: " + weights.path).c_str());
    text += line;
    text += "    for     " + weights.used_for + "\n    licence " + weights.licence +
            "\n    from    " + weights.address + "\n    sha256  " + weights.sha256 + "\n";
  }
  return text;
}

std::string catalogue_json(const Catalogue& catalogue) {
  json shipped = json::array(), fetchable = json::array();
  for (const auto& file : catalogue.shipped) {
    shipped.push_back({{"package", file.package},
                       {"file", file.file},
                       {"path", file.path},
                       {"size", file.size},
                       {"sha256", file.sha256}});
  }
  for (const auto& weights : catalogue.fetchable) {
    fetchable.push_back({{"name", weights.name},
                         {"address", weights.address},
                         {"licence", weights.licence},
                         {"used_for", weights.used_for},
                         {"size", weights.size},
                         {"sha256", weights.sha256},
                         {"here", !weights.path.empty()},
                         {"path", weights.path.empty() ? json() : json(weights.path)}});
  }
  return json{{"shipped", shipped}, {"fetchable", fetchable}}.dump(2) + "\n";
}

std::string resolve_weights(const std::string& weights, const std::string& zoo_file) {
  if (weights.find('/') != std::string::npos || weights.find('.') != std::string::npos) {
    std::error_code code;
    require(fs::is_regular_file(weights, code), ErrorKind::input,
            "There is no file " + weights +
                "; name a .safetensors file or see "
                "`semcodec-models list`.");
    return weights;
  }
  if (const auto path = find_weights(weights)) return *path;
  if (const auto folder = find_model_folder(weights)) {
    const std::string path = *folder + "/" + zoo_file;
    std::error_code code;
    if (fs::is_regular_file(path, code)) return path;
  }
  const Catalogue catalogue = read_catalogue();
  std::vector<std::string> names;
  for (const auto& file : catalogue.shipped) {
    require(file.package != weights, ErrorKind::input,
            "The package " + weights + " has no " + zoo_file + "; name a .safetensors file.");
    if (file.file == zoo_file) names.push_back(file.package);
  }
  for (const auto& known : catalogue.fetchable) {
    // The sentence of missing_weights() begins in lower case, for the middle of another one.
    require(known.name != weights, ErrorKind::input, "The " + missing_weights(weights) + ".");
    names.push_back(known.name);
  }
  throw Error(ErrorKind::input, "There are no weights '" + weights + "'; known are " +
                                    joined(names) + ", or name a .safetensors file.");
}

}  // namespace semcodec
