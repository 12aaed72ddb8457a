#include "models/core/weights_path.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "common/core/error.h"

namespace semcodec {
namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
  std::error_code code;
  return fs::is_regular_file(path, code);
}

/// The working folder, then the program's folder and those above it.
std::vector<fs::path> roots() {
  std::error_code code;
  std::vector<fs::path> list;
  const fs::path here = fs::current_path(code);
  if (!code) list.push_back(here);
  fs::path folder = fs::read_symlink("/proc/self/exe", code).parent_path();
  while (!code && !folder.empty()) {
    list.push_back(folder);
    if (folder == folder.root_path()) break;
    folder = folder.parent_path();
  }
  return list;
}

/// " (FILE from ADDRESS)" of an entry of models/weights.json, or nothing.
std::string origin_of(const std::string& name) {
  const auto manifest = find_project_file("models/weights.json");
  if (!manifest) return {};
  std::ifstream stream(*manifest);
  const nlohmann::json listed = nlohmann::json::parse(stream, nullptr, /*allow_exceptions=*/false);
  if (!listed.is_object() || !listed.contains("weights") || !listed["weights"].is_array())
    return {};
  for (const nlohmann::json& entry : listed["weights"]) {
    if (entry.is_object() && entry.value("name", "") == name && entry.contains("urls") &&
        !entry["urls"].empty()) {
      return " (" + entry.value("file", "") + " from " + entry["urls"][0].get<std::string>() + ")";
    }
  }
  return {};
}

}  // namespace

std::string own_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&own_folder), &info) == 0) return {};
  // Of a program this is argv[0] as it was called, which may not be a path.
  std::error_code code;
  const std::string file = info.dli_fname;
  const bool library = file.find(".so") != std::string::npos;
  const auto path = library ? fs::canonical(file, code) : fs::read_symlink("/proc/self/exe", code);
  return code ? std::string() : path.parent_path().string();
}

std::optional<std::string> find_project_file(const std::string& relative) {
  for (const fs::path& root : roots()) {
    if (is_file(root / relative)) return (root / relative).string();
  }
  return std::nullopt;
}

std::optional<std::string> find_weights(const std::string& name) {
  if (name.find('/') != std::string::npos || name.ends_with(".safetensors")) {
    return is_file(name) ? std::optional(name) : std::nullopt;
  }
  const std::string file = name + ".safetensors";
  if (const char* folder = std::getenv("SEMCODEC_WEIGHTS"); folder != nullptr && *folder != '\0') {
    if (is_file(fs::path(folder) / file)) return (fs::path(folder) / file).string();
  }
  return find_project_file(".cache/weights/" + file);
}

std::string missing_weights(const std::string& name) {
  return missing_weights(std::vector<std::string>{name});
}

std::string missing_weights(const std::vector<std::string>& names) {
  std::string list, arguments;
  for (const std::string& name : names) {
    if (names.size() > 1 && find_weights(name)) continue;
    list += (list.empty() ? "'" : " and '") + name + "'" + origin_of(name);
    arguments += " " + name;
  }
  return "weights " + list + " were not found; run `bash scripts/fetch.sh weights" + arguments +
         "`";
}

std::string require_weights(const std::string& name, const std::string& purpose) {
  const auto path = find_weights(name);
  if (path) return *path;
  throw Error(ErrorKind::input, "The weights '" + name + "' are needed for " + purpose +
                                    " and were not found; run `bash scripts/fetch.sh weights " +
                                    name +
                                    "`, or set "
                                    "SEMCODEC_WEIGHTS to a folder that holds " +
                                    name + ".safetensors.");
}

}  // namespace semcodec
