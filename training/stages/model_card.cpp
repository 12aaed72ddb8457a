#include "training/stages/model_card.h"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "common/core/error.h"
#include "common/core/file.h"
#include "common/core/little_endian.h"
#include "training/frame_store.h"

namespace semcodec {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostClips = 40;  // named one by one

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string data_section(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".frames") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  std::ostringstream list;
  std::uint64_t frames = 0, stills = 0;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const FrameStore store(paths[i]);
    const auto& header = store.header();
    frames += header.frames;
    stills += header.frames == 1;
    if (i >= kMostClips) continue;
    list << "- " << fs::path(paths[i]).stem().string() << ": " << header.frames << " frames, "
         << header.width << "x" << header.height << ", " << header.rate() << " a second\n";
  }
  if (paths.size() > kMostClips) list << "- and " << paths.size() - kMostClips << " more\n";
  std::ostringstream out;
  out << paths.size() << " clips (" << stills << " of them stills), " << frames << " frames:\n\n"
      << list.str();
  const auto skipped = read_text(folder + "/skipped.txt");
  if (!skipped.empty()) out << "\nLeft out:\n\n```\n" << skipped << "```\n";
  return out.str();
}

/// The header of a safetensors file that this run has just written.
nlohmann::json header_of(const std::string& path) {
  const auto bytes = read_file(path);
  const auto size = bytes.size() > 8 ? get_little(bytes.data(), 8) : 0;
  require(size > 0 && size <= bytes.size() - 8, ErrorKind::corrupt, path + " is damaged.");
  const auto begin = bytes.begin() + 8;
  auto header =
      nlohmann::json::parse(begin, begin + static_cast<std::ptrdiff_t>(size), nullptr, false);
  require(header.is_object(), ErrorKind::corrupt, path + " is damaged.");
  return header;
}

std::string network_line(const std::string& file, const std::string& role) {
  if (!fs::exists(file)) return {};
  std::int64_t count = 0;
  const auto header = header_of(file);  // items() refers to it
  for (const auto& [name, entry] : header.items()) {
    if (!entry.contains("shape")) continue;
    std::int64_t size = 1;
    for (const auto& side : entry["shape"]) size *= side.get<std::int64_t>();
    count += size;
  }
  return "| `" + fs::path(file).filename().string() + "` | " + role + ", " + std::to_string(count) +
         " parameters |\n";
}

/// The last row of losses.csv under its names.
std::string last_losses(const std::string& path) {
  std::ifstream file(path);
  std::string names, row;
  std::getline(file, names);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) row = line;
  }
  if (row.empty()) return "No losses were logged.\n";
  std::istringstream heads(names), cells(row);
  std::string out = "| loss | last value |\n|---|---|\n";
  for (std::string head, cell; std::getline(heads, head, ',') && std::getline(cells, cell, ',');) {
    if (!cell.empty()) out += "| " + head + " | " + cell + " |\n";
  }
  return out;
}

std::string origin(const NetworkSource& source, const std::string& trained) {
  if (source.use == "none") return "none";
  return source.use.empty() ? trained : "taken as it is from `" + source.use + "`";
}

}  // namespace

void write_model_card(const ModelCardSource& s) {
  std::string teachers;
  if (!s.edges.teacher.empty()) teachers += "distilled from `" + s.edges.teacher + "`";
  if (!s.edges.annotations.empty()) {
    teachers += (teachers.empty() ? "" : " and ") + std::string("trained on the annotations in `") +
                s.edges.annotations + "`";
  }
  const auto trained = [&](const std::string& file) {
    const auto metadata =
        header_of(s.folder + "/" + file).value("__metadata__", nlohmann::json::object());
    return metadata.value("step", "?") + " steps. " + metadata.value("objective", "");
  };
  const bool with_restorer = fs::exists(s.folder + "/restorer.safetensors");
  std::ostringstream card;
  card << "# " << s.name << "\n\nTrained by `semcodec-train all`, finished on " << today()
       << " (UTC). This card was written from the run.\n\n| file | what |\n|---|---|\n"
       << network_line(s.folder + "/generator.safetensors",
                       "temporal generator and interpolator, receiver")
       << network_line(s.folder + "/texture.safetensors", "texture network, sender")
       << network_line(s.folder + "/restorer.safetensors",
                       "generator of frames with a base picture, receiver")
       << network_line(s.folder + "/edges.safetensors", "PiDiNet, sender")
       << network_line(s.folder + "/flow.safetensors", "FlowNet2, receiver") << "\n## Data\n\n"
       << data_section(s.store) << "\nTerms of these clips bind whoever passes the model on.\n"
       << "\n## Networks\n\n- Edges: " << origin(s.edges, teachers)
       << ".\n- Flow: " << origin(s.flow, "trained on synthetic motion of the frames above")
       << ".\n- Generator, interpolator and texture: " << trained("generator.safetensors") << "\n"
       << (with_restorer ? "- Restorer: " + trained("restorer.safetensors") + "\n" : "")
       << "\n## Losses\n\n"
       << last_losses(s.folder + "/losses.csv")
       << (with_restorer ? "\nOf the restorer:\n\n" + last_losses(s.folder + "/losses-restorer.csv")
                         : "")
       << "\nWithout their weights; `losses.csv` holds the whole run. A perceptual network that is "
          "part of the\nobjective flatters figures measured with the same network.\n\n"
       << "## Settings\n\n```\n"
       << read_text(s.work + (with_restorer ? "/restorer.done" : "/generator.done")) << "```\n";
  const std::string text = card.str();
  OutputFile file(s.folder + "/MODEL_CARD.md");
  file.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  file.commit();
}

}  // namespace semcodec
