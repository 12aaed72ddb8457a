#include "models/core/weights_path.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

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

}  // namespace

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
  return "weights '" + name + "' were not found; run `bash scripts/fetch.sh weights`";
}

std::string require_weights(const std::string& name, const std::string& purpose) {
  const auto path = find_weights(name);
  if (path) return *path;
  throw Error(ErrorKind::input,
              "The weights '" + name + "' are needed for " + purpose +
                  " and were not found; run `bash scripts/fetch.sh weights`, or set "
                  "SEMCODEC_WEIGHTS to a folder that holds " +
                  name + ".safetensors.");
}

}  // namespace semcodec
