#include "models/baselines/baseline.h"

#include <algorithm>
#include <utility>

#include "common/core/error.h"
#include "common/semantic/class_plane.h"
#include "models/baselines/fast_vid2vid.h"
#include "models/baselines/pix2pixhd.h"
#include "models/baselines/vid2vid.h"
#include "models/core/safetensors.h"
#include "models/generator/class_maps.h"

namespace semcodec {

namespace {

constexpr int kMostChannels = 1024, kMostDownsamplings = 6, kMostBlocks = 64;

void check(const BaselineConfig& c) {
  const auto in = [](int value, int least, int most) { return value >= least && value <= most; };
  require(in(c.channels, 1, kMostChannels) && in(c.downsamplings, 1, kMostDownsamplings) &&
              in(c.blocks, 1, kMostBlocks) && in(c.key_interval, 1, 64),
          ErrorKind::usage,
          "A baseline needs 1 to 1024 channels, 1 to 6 downsamplings, 1 to 64 blocks and a key "
          "interval of 1 to 64.");
  require(!c.enhancer || c.channels % 2 == 0, ErrorKind::usage,
          "The local enhancer needs an even number of channels.");
  condition_channels(c);
}

/// A number of the metadata. Throws Error(corrupt).
int number_of(const Metadata& metadata, const std::string& key, const std::string& path) {
  const auto found = metadata.find(key);
  if (found != metadata.end() && !found->second.empty() && found->second.size() < 8 &&
      std::all_of(found->second.begin(), found->second.end(),
                  [](unsigned char c) { return c >= '0' && c <= '9'; })) {
    return std::stoi(found->second);
  }
  throw Error(ErrorKind::corrupt,
              path + " does not say its '" + key + "'; it holds no baseline of semcodec-train.");
}

std::string text_of(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? std::string() : found->second;
}

}  // namespace

const std::vector<std::string>& baseline_kinds() {
  static const std::vector<std::string> kinds = {"pix2pixHD", "vid2vid", "fast-vid2vid"};
  return kinds;
}

BaselineConfig published_baseline(const std::string& kind) {
  const auto& kinds = baseline_kinds();
  require(std::find(kinds.begin(), kinds.end(), kind) != kinds.end(), ErrorKind::usage,
          "There is no baseline '" + kind + "'; use pix2pixHD, vid2vid or fast-vid2vid.");
  BaselineConfig config;
  config.kind = kind;
  config.channels = kind == "pix2pixHD" ? 64 : 128;
  config.downsamplings = kind == "pix2pixHD" ? 4 : 3;
  config.blocks = 9;
  return config;
}

int condition_channels(const BaselineConfig& config) {
  const auto& name = config.condition;
  if (name == "edges") return 1;
  if (name == "colour") return 3;
  if (name == "planes") return 4;
  require(name == "labels", ErrorKind::usage,
          "There is no condition '" + name + "'; use edges, colour, planes or labels.");
  require(config.classes >= 2 && config.classes <= kMaxClasses, ErrorKind::usage,
          "A baseline that sees labels needs their number of classes, 2 to 255.");
  return config.classes;
}

torch::Tensor select_condition(const torch::Tensor& condition, const BaselineConfig& config) {
  const int channels = condition_channels(config);
  if (config.condition == "labels") return class_maps(condition.narrow(1, 0, 3), channels);
  return channels == 1 ? condition.narrow(1, 3, 1) : condition.narrow(1, 0, channels);
}

std::shared_ptr<Baseline> make_baseline(const BaselineConfig& config) {
  check(config);
  const int channels = condition_channels(config);
  if (config.kind == "pix2pixHD") return std::make_shared<Pix2PixHd>(config, channels);
  if (config.kind == "vid2vid") return std::make_shared<Vid2Vid>(config, channels, false);
  if (config.kind == "fast-vid2vid") return std::make_shared<FastVid2Vid>(config, channels);
  return make_baseline(published_baseline(config.kind));  // which throws
}

BaselineOutput BaselineSequence::next(const torch::Tensor& condition) {
  constexpr std::size_t kBefore = BaselineConfig::kFrames - 1;
  if (conditions_.empty()) conditions_.assign(kBefore, condition);
  auto maps = conditions_;
  maps.push_back(condition);
  const BaselineInput input{torch::cat(maps, 1),
                            pictures_.empty() ? torch::Tensor() : torch::cat(pictures_, 1)};
  auto output = net_->forward(input);
  const auto seen = output.frame.detach().clamp(0, 1);
  if (pictures_.empty()) pictures_.assign(kBefore, seen);
  conditions_.erase(conditions_.begin());
  pictures_.erase(pictures_.begin());
  conditions_.push_back(condition);
  pictures_.push_back(seen);
  return output;
}

void save_baseline(const Baseline& net, const std::string& path, const std::string& note) {
  const auto& c = net.config();
  TensorMap halves;
  for (const auto& [key, tensor] : state_of(net)) {
    halves[key] = tensor.detach().to(torch::kCPU, torch::kFloat16).contiguous();
  }
  save_safetensors(path, halves,
                   {{"kind", c.kind},
                    {"condition", c.condition},
                    {"classes", std::to_string(c.classes)},
                    {"channels", std::to_string(c.channels)},
                    {"downsamplings", std::to_string(c.downsamplings)},
                    {"blocks", std::to_string(c.blocks)},
                    {"enhancer", c.enhancer ? "1" : "0"},
                    {"key_interval", std::to_string(c.key_interval)},
                    {"note", note}});
}

std::shared_ptr<Baseline> load_baseline(const std::string& path, torch::Device device) {
  Metadata metadata;
  const auto tensors = load_safetensors(path, &metadata);
  BaselineConfig config;
  config.kind = text_of(metadata, "kind");
  config.condition = text_of(metadata, "condition");
  config.classes = number_of(metadata, "classes", path);
  config.channels = number_of(metadata, "channels", path);
  config.downsamplings = number_of(metadata, "downsamplings", path);
  config.blocks = number_of(metadata, "blocks", path);
  config.enhancer = number_of(metadata, "enhancer", path) != 0;
  config.key_interval = number_of(metadata, "key_interval", path);
  // The first layer's width is in the file, so a made-up one cannot ask for more than the file has.
  const bool fits = std::any_of(tensors.begin(), tensors.end(), [&](const auto& item) {
    return item.second.dim() == 4 && item.second.size(0) == config.channels << config.downsamplings;
  });
  require(fits, ErrorKind::corrupt,
          path + " holds no network of the size that it names; train it anew.");
  std::shared_ptr<Baseline> net;
  try {
    net = make_baseline(config);
  } catch (const Error& error) {
    throw Error(ErrorKind::corrupt, path + ": " + error.what());
  }
  load_into(*net, tensors, path);
  net->to(device);
  net->eval();
  return net;
}

}  // namespace semcodec
