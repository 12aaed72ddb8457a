#include "training/prepare/annotations.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include "common/core/error.h"
#include "training/prepare/clip_list.h"

namespace semcodec {

namespace {

namespace fs = std::filesystem;

constexpr const char* kMarks[] = {"_edges", "_gt"};
/// Names of folders of pictures, and of the folders that hold their annotations.
constexpr std::pair<const char*, const char*> kTwins[] = {{"images", "groundTruth"},
                                                          {"aug_data", "aug_gt"}};

bool is_annotation(const fs::path& path) {
  const std::string stem = path.stem().string();
  for (const char* mark : kMarks) {
    if (stem.ends_with(mark)) return true;
  }
  for (const auto& part : path) {
    for (const auto& [pictures, twin] : kTwins) {
      if (part == twin) return true;
    }
  }
  return false;
}

/// `without_extension` with the extension of an annotation that is there.
std::optional<std::string> existing(const std::string& without_extension) {
  for (const char* extension : {".png", ".PNG", ".bmp", ".tif", ".jpg"}) {
    if (fs::exists(without_extension + extension)) return without_extension + extension;
  }
  return std::nullopt;
}

std::optional<std::string> annotation_of(const fs::path& picture) {
  const std::string base = (picture.parent_path() / picture.stem()).string();
  for (const char* mark : kMarks) {
    if (auto found = existing(base + mark)) return found;
  }
  for (const auto& [pictures, twin] : kTwins) {
    fs::path other;
    bool replaced = false;
    for (const auto& part : fs::path(base)) {
      const bool here = part == pictures;
      other /= here ? fs::path(twin) : part;
      replaced = replaced || here;
    }
    if (!replaced) continue;
    if (auto found = existing(other.string())) return found;
  }
  return std::nullopt;
}

void read_list(const std::string& path, std::vector<AnnotatedPicture>& out) {
  std::ifstream stream(path);
  require(stream.good(), ErrorKind::input, "Cannot read the list " + path + ".");
  const fs::path folder = fs::path(path).parent_path();
  for (std::string line; std::getline(stream, line);) {
    std::istringstream words(line);
    std::string picture, annotation;
    if (!(words >> picture)) continue;
    words >> annotation;
    AnnotatedPicture pair{(folder / picture).string(), (folder / annotation).string()};
    require(!annotation.empty() && fs::exists(pair.picture) && fs::exists(pair.annotation),
            ErrorKind::input,
            path + " names " + picture + " and " + annotation +
                ", which are not both there; paths count from the list's folder.");
    out.push_back(std::move(pair));
  }
}

}  // namespace

std::vector<AnnotatedPicture> list_annotated(const std::vector<std::string>& inputs,
                                             std::size_t* without) {
  std::vector<AnnotatedPicture> pairs;
  std::size_t alone = 0;
  for (const auto& input : inputs) {
    const auto extension = fs::path(input).extension();
    if (fs::is_regular_file(input) && (extension == ".lst" || extension == ".txt")) {
      read_list(input, pairs);
      continue;
    }
    for (const auto& file : list_files({input})) {
      const fs::path path(file);
      if (!is_picture_file(file) || is_annotation(path)) continue;
      if (const auto annotation = annotation_of(path)) {
        pairs.push_back({file, *annotation});
      } else {
        ++alone;
      }
    }
  }
  require(!pairs.empty(), ErrorKind::input,
          "No picture with an annotation was found; docs/training.md shows how they are laid out.");
  std::sort(pairs.begin(), pairs.end(),
            [](const auto& a, const auto& b) { return a.picture < b.picture; });
  if (without != nullptr) *without = alone;
  return pairs;
}

}  // namespace semcodec
