#include "training/prepare/clip_list.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "common/core/error.h"

namespace semcodec {

namespace {

namespace fs = std::filesystem;

constexpr double kCityscapesRate = 17;  // frames a second, by the dataset's documentation

bool is_digits(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

bool is_picture(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  static const std::set<std::string> known = {".png", ".jpg",  ".jpeg", ".bmp",
                                              ".ppm", ".webp", ".tif",  ".tiff"};
  return known.count(extension) > 0;
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == at) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

/// Compares digits by their number and the rest by its bytes: frame9 comes before frame10.
bool natural_less(const std::string& a, const std::string& b) {
  const auto digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (!digit(a[i]) || !digit(b[j])) {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i, ++j;
      continue;
    }
    while (i < a.size() && a[i] == '0') ++i;
    while (j < b.size() && b[j] == '0') ++j;
    std::size_t m = i, n = j;
    while (m < a.size() && digit(a[m])) ++m;
    while (n < b.size() && digit(b[n])) ++n;
    if (m - i != n - j) return m - i < n - j;
    const int order = a.compare(i, m - i, b, j, n - j);
    if (order != 0) return order < 0;
    i = m, j = n;
  }
  return a.size() - i < b.size() - j;
}

/// Gives each clip a name of its own: the short one, or else one with the folders in front.
class Names {
 public:
  std::string take(const std::string& wanted, const fs::path& folder) {
    std::string name = wanted;
    fs::path above = folder;
    while (!taken_.insert(name).second) {
      if (above.filename().empty() || above == above.parent_path()) {
        name += "-2";
        continue;
      }
      name = above.filename().string() + "-" + name;
      above = above.parent_path();
    }
    return name;
  }

 private:
  std::set<std::string> taken_;
};

std::vector<ClipSource> by_file(const std::vector<std::string>& files, Names& names) {
  std::vector<ClipSource> clips;
  for (const auto& file : files) {
    const fs::path path(file);
    clips.push_back({names.take(path.stem().string(), path.parent_path()), {file}, 0});
  }
  return clips;
}

std::vector<ClipSource> by_folder(const std::vector<std::string>& files, Names& names) {
  std::map<std::string, std::vector<std::string>> folders;
  std::vector<std::string> others;
  for (const auto& file : files) {
    if (is_picture(file)) {
      folders[fs::path(file).parent_path().string()].push_back(file);
    } else {
      others.push_back(file);
    }
  }
  std::vector<ClipSource> clips;
  for (auto& [folder, pictures] : folders) {
    if (pictures.size() == 1) {
      others.push_back(pictures.front());
      continue;
    }
    std::sort(pictures.begin(), pictures.end(), natural_less);
    const fs::path path = folder.empty() ? fs::path("pictures") : fs::path(folder);
    clips.push_back({names.take(path.filename().string(), path.parent_path()), pictures, 0});
  }
  std::sort(others.begin(), others.end());
  const auto single = by_file(others, names);
  clips.insert(clips.end(), single.begin(), single.end());
  return clips;
}

std::vector<ClipSource> cityscapes(const std::vector<std::string>& files, Names& names) {
  struct Frame {
    long number;
    std::string file;
  };
  std::map<std::string, std::vector<Frame>> sequences;
  for (const auto& file : files) {
    const auto parts = split(fs::path(file).stem().string(), '_');
    if (!is_picture(file) || parts.size() != 4 || parts[3] != "leftImg8bit" ||
        !is_digits(parts[1]) || !is_digits(parts[2]) || parts[2].size() > 9) {
      continue;
    }
    sequences[parts[0] + "_" + parts[1]].push_back({std::stol(parts[2]), file});
  }
  std::vector<ClipSource> clips;
  for (auto& [name, frames] : sequences) {
    std::sort(frames.begin(), frames.end(),
              [](const Frame& a, const Frame& b) { return a.number < b.number; });
    // Some cities number the frames of a whole drive on through snippets that do not join.
    for (std::size_t i = 0; i < frames.size(); ++i) {
      if (i == 0 || frames[i].number != frames[i - 1].number + 1) {
        const auto digits = split(fs::path(frames[i].file).stem().string(), '_')[2];
        clips.push_back({names.take(name + "_" + digits, {}), {}, kCityscapesRate});
      }
      clips.back().files.push_back(frames[i].file);
    }
  }
  return clips;
}

/// Seconds since midnight from 171206_034559609_Camera_5.jpg.
std::optional<double> time_in_name(const std::string& file) {
  const auto parts = split(fs::path(file).stem().string(), '_');
  if (parts.size() < 2 || parts[0].size() != 6 || parts[1].size() != 9 || !is_digits(parts[0]) ||
      !is_digits(parts[1])) {
    return std::nullopt;
  }
  const auto number = [&](std::size_t at, std::size_t count) {
    return std::stod(parts[1].substr(at, count));
  };
  return number(0, 2) * 3600 + number(2, 2) * 60 + number(4, 2) + number(6, 3) / 1000;
}

std::vector<ClipSource> apolloscape(const std::vector<std::string>& files, Names& names) {
  std::map<std::string, std::vector<std::string>> folders;
  for (const auto& file : files) {
    const fs::path folder = fs::path(file).parent_path();
    if (is_picture(file) && fs::path(file).extension() == ".jpg" &&
        folder.filename().string().rfind("Camera", 0) == 0 &&
        folder.parent_path().filename().string().rfind("Record", 0) == 0) {
      folders[folder.string()].push_back(file);
    }
  }
  std::vector<ClipSource> clips;
  for (auto& [folder, pictures] : folders) {
    std::sort(pictures.begin(), pictures.end(), natural_less);
    std::vector<double> gaps;
    for (std::size_t i = 1; i < pictures.size(); ++i) {
      const auto a = time_in_name(pictures[i - 1]), b = time_in_name(pictures[i]);
      gaps.push_back(a && b && *b > *a ? *b - *a : 0);
    }
    auto sorted = gaps;
    std::sort(sorted.begin(), sorted.end());
    const double usual = sorted.empty() ? 0 : sorted[sorted.size() / 2];
    const fs::path path(folder);
    std::string camera = path.filename().string();
    std::replace(camera.begin(), camera.end(), ' ', '_');
    const std::string name = path.parent_path().filename().string() + "_" + camera;
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      if (i == 0 || (usual > 0 && gaps[i - 1] > 2.5 * usual)) {
        const std::string part = i == 0 ? name : name + "_" + std::to_string(i);
        clips.push_back({names.take(part, path.parent_path().parent_path()), {}, 0});
        if (usual > 0) clips.back().rate = 1 / usual;
      }
      clips.back().files.push_back(pictures[i]);
    }
  }
  return clips;
}

}  // namespace

bool is_picture_file(const std::string& path) { return is_picture(path); }

ClipLayout parse_clip_layout(const std::string& text) {
  if (text == "videos") return ClipLayout::videos;
  if (text == "sequence") return ClipLayout::sequence;
  if (text == "cityscapes") return ClipLayout::cityscapes;
  if (text == "apolloscape") return ClipLayout::apolloscape;
  throw Error(ErrorKind::usage, "'" + text +
                                    "' is no layout of clips; use videos, sequence, cityscapes or "
                                    "apolloscape.");
}

std::vector<std::string> list_files(const std::vector<std::string>& inputs) {
  std::vector<std::string> files;
  for (const auto& input : inputs) {
    std::error_code code;
    if (!fs::is_directory(input, code)) {
      files.push_back(input);
      continue;
    }
    std::vector<std::string> inside;
    const auto options = fs::directory_options::follow_directory_symlink |
                         fs::directory_options::skip_permission_denied;
    for (auto entry = fs::recursive_directory_iterator(input, options, code);
         !code && entry != fs::recursive_directory_iterator(); entry.increment(code)) {
      const bool hidden = entry->path().filename().string().rfind('.', 0) == 0;
      if (!hidden && entry->is_regular_file(code)) inside.push_back(entry->path().string());
    }
    require(!code, ErrorKind::input, "Cannot list " + input + ": " + code.message() + ".");
    std::sort(inside.begin(), inside.end());
    files.insert(files.end(), inside.begin(), inside.end());
  }
  return files;
}

std::vector<ClipSource> list_clips(const std::vector<std::string>& inputs, ClipLayout layout) {
  const auto files = list_files(inputs);
  Names names;
  switch (layout) {
    case ClipLayout::sequence:
      return by_folder(files, names);
    case ClipLayout::cityscapes:
      return cityscapes(files, names);
    case ClipLayout::apolloscape:
      return apolloscape(files, names);
    case ClipLayout::videos:
      break;
  }
  return by_file(files, names);
}

}  // namespace semcodec
