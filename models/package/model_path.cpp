#include "models/package/model_path.h"

#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <sstream>

#include "models/core/weights_path.h"

namespace semcodec {

namespace {

namespace fs = std::filesystem;

std::mutex added_mutex;
std::vector<std::string> added;  // the last one first

}  // namespace

std::vector<std::string> model_folders() {
  std::vector<std::string> folders;
  {
    const std::lock_guard<std::mutex> lock(added_mutex);
    folders = added;
  }
  if (const char* list = std::getenv("SEMCODEC_MODEL_PATH"); list != nullptr) {
    std::stringstream parts(list);
    for (std::string part; std::getline(parts, part, ':');) {
      if (!part.empty()) folders.push_back(part);
    }
  }
  if (const fs::path own = own_folder(); !own.empty()) {
    // PREFIX/bin, PREFIX/lib, or a multiarch folder in PREFIX/lib.
    folders.push_back((own.parent_path() / "share/semcodec/models").string());
    folders.push_back((own.parent_path().parent_path() / "share/semcodec/models").string());
  }
  folders.push_back(SEMCODEC_DATA_DIR "/models");
  return folders;
}

void add_model_folder(const std::string& folder) {
  const std::lock_guard<std::mutex> lock(added_mutex);
  added.insert(added.begin(), folder);
}

std::optional<std::string> find_model_folder(const std::string& name) {
  for (const std::string& folder : model_folders()) {
    std::error_code code;
    const fs::path path = fs::path(folder) / name;
    if (fs::is_regular_file(path / "model.json", code)) return path.string();
  }
  return std::nullopt;
}

}  // namespace semcodec
