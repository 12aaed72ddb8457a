#include "training/base/base_sampler.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "common/core/error.h"
#include "common/core/log.h"

namespace semcodec {

namespace {

bool begins_with_one(const std::string& name, const std::vector<std::string>& starts) {
  return std::any_of(starts.begin(), starts.end(),
                     [&](const std::string& start) { return name.rfind(start, 0) == 0; });
}

}  // namespace

BaseSampler::BaseSampler(const std::string& folder, const BaseSamplerOptions& options, Part part,
                         const std::vector<std::string>& names)
    : options_(options), motion_(options.flow) {
  namespace fs = std::filesystem;
  std::vector<std::string> paths;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    if (entry.path().extension() != ".frames") continue;
    const bool named = begins_with_one(entry.path().stem().string(), names);
    if (named == (part == Part::only)) paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());  // the same order on every file system
  for (const auto& path : paths) add_clip(path);
  require(!clips_.empty(), ErrorKind::input,
          "No clip with base layers" +
              std::string(part == Part::only ? " and of those names" : "") + " in " + folder +
              "; make them with `semcodec-train prepare --base N --expand`.");
  for (const auto& clip : clips_) total_weight_ += clip.weight;
}

void BaseSampler::add_clip(const std::string& path) {
  // Weight of the square root of the length, which counts up to here.
  constexpr double kLongest = 360;
  namespace fs = std::filesystem;
  Clip clip{FrameStore(path), {}, {}, 0};
  const auto& header = clip.frames.header();
  require(header.channels == 3, ErrorKind::input, path + " holds no colour pictures.");
  if (header.width < options_.crop || header.height < options_.crop) {
    log::warning(path + " is smaller than the crop of " + std::to_string(options_.crop) +
                 " pixels. Skipped.");
    return;
  }
  for (const auto& base : base_layers_of(path)) {
    const BasePlan plan = read_base_plan(base);
    const auto pictures = pictures_path(base);
    require(fs::exists(pictures), ErrorKind::input,
            pictures + " is missing; make it with `semcodec-train prepare --expand`.");
    Layer layer{plan, FrameStore(pictures)};
    const auto& small = layer.pictures.header();
    require(plan.coded_width == header.width && plan.coded_height == header.height &&
                static_cast<std::uint64_t>(plan.frame(plan.pictures - 1)) < header.frames &&
                small.width == plan.width && small.height == plan.height && small.channels == 3 &&
                small.frames == static_cast<std::uint64_t>(plan.pictures),
            ErrorKind::corrupt,
            base + ", its pictures and " + path + " do not belong together; make them again.");
    if (plan.pictures >= 2) clip.layers.push_back(std::move(layer));
  }
  if (clip.layers.empty()) {
    log::warning(path + " has no base layer. Skipped.");
    return;
  }
  const auto edges = fs::path(path).replace_extension(".edges").string();
  if (options_.edges_share > 0) {
    clip.edges.emplace_back(edges);
    const auto& map = clip.edges.front().header();
    require(map.width == header.width && map.height == header.height && map.channels == 1 &&
                map.frames == header.frames,
            ErrorKind::input, edges + " does not belong to " + path + "; make both again.");
  }
  clip.weight = std::sqrt(std::min(static_cast<double>(header.frames), kLongest));
  const auto name = fs::path(path).stem().string();
  for (const auto& [start, weight] : options_.clip_weights) {
    if (name.rfind(start, 0) == 0) clip.weight *= weight;
  }
  clips_.push_back(std::move(clip));
}

std::size_t BaseSampler::layers() const {
  std::size_t sum = 0;
  for (const auto& clip : clips_) sum += clip.layers.size();
  return sum;
}

std::uint64_t BaseSampler::frames() const {
  std::uint64_t sum = 0;
  for (const auto& clip : clips_) sum += clip.frames.size();
  return sum;
}

const BaseSampler::Clip& BaseSampler::choose(double share) const {
  double left = share * total_weight_;
  for (const auto& clip : clips_) {
    left -= clip.weight;
    if (left < 0) return clip;
  }
  return clips_.back();
}

}  // namespace semcodec
