#include "training/stages/stage_keys.h"

#include <iterator>
#include <span>

#include "common/core/error.h"

namespace semcodec {

namespace {

enum class Kind { number, whole, word, flag };

struct StageKey {
  const char* key;
  const char* option;
  Kind kind;
  const char* fallback;  ///< "" = the option is left out
};

constexpr StageKey kPrepare[] = {
    {"size", "--size", Kind::word, "512"},
    {"layout", "--layout", Kind::word, "videos"},
    {"rate", "--rate", Kind::word, ""},
    {"limit", "--limit", Kind::whole, "0"},
};

constexpr StageKey kBase[] = {
    {"layers", "--base", Kind::whole, "0"},
    {"effort", "--base-effort", Kind::whole, "5"},
};

constexpr StageKey kEdges[] = {
    {"size", "--size", Kind::word, "tiny"},
    {"lambda", "--lambda", Kind::number, "1.1"},
    {"eta", "--eta", Kind::number, "0.3"},
    {"crop", "--crop", Kind::whole, "192"},
    {"batch", "--batch", Kind::whole, "6"},
    {"steps", "--steps", Kind::whole, "20000"},
    {"seconds", "--seconds", Kind::number, "0"},
    {"learning_rate", "--learning-rate", Kind::number, "0.005"},
    {"weight_decay", "--weight-decay", Kind::number, "0.0001"},
    {"average", "--average", Kind::number, "0.999"},
};

// The slim network of the shipped model: FlowNet2 as published is too slow for a receiver.
constexpr StageKey kFlow[] = {
    {"start_from", "--start-from", Kind::word, ""},
    {"variant", "--variant", Kind::word, "full"},
    {"channels", "--channels", Kind::number, "0.125"},
    {"correlation", "--correlation", Kind::whole, "12"},
    {"input_scale", "--input-scale", Kind::whole, "2"},
    {"width", "--width", Kind::whole, "256"},
    {"height", "--height", Kind::whole, "128"},
    {"max_motion", "--max-motion", Kind::number, "24"},
    {"typical_motion", "--typical-motion", Kind::number, "3"},
    {"degrade", "--degrade", Kind::number, "0.5"},
    {"batch", "--batch", Kind::whole, "6"},
    {"iterations", "--iterations", Kind::whole, "10000"},
    {"rate", "--rate", Kind::number, "0.0006"},
    {"final_rate", "--final-rate", Kind::number, "0.02"},
    {"robustness", "--robustness", Kind::number, "0.7"},
    {"ema", "--ema", Kind::number, "0.998"},
    {"fp32", "--fp32", Kind::flag, ""},
};

std::span<const StageKey> keys_of(const std::string& section) {
  if (section == "prepare") return kPrepare;
  if (section == "base") return kBase;
  if (section == "edges") return kEdges;
  require(section == "flow", ErrorKind::internal, "There is no stage '" + section + "'.");
  return kFlow;
}

}  // namespace

std::vector<std::string> stage_options(const Config& config, const std::string& section) {
  std::vector<std::string> out;
  for (const auto& key : keys_of(section)) {
    const std::string name = section + "." + key.key;
    if (key.kind == Kind::flag) {
      if (config.get(name, false)) out.emplace_back(key.option);
      continue;
    }
    // The typed get() refuses a value of the wrong type; the text that is passed on is the same.
    const bool given = config.has(name);
    if (given && key.kind == Kind::number) config.get(name, 0.0);
    if (given && key.kind == Kind::whole) config.get(name, std::int64_t{0});
    const std::string value = config.get_word(name, key.fallback);
    if (value.empty()) continue;
    out.emplace_back(key.option);
    out.push_back(value);
  }
  return out;
}

NetworkSource edge_source(const Config& config) {
  return {config.get("edges.use", std::string()), config.get("edges.teacher", std::string()),
          config.get("edges.annotations", std::string())};
}

NetworkSource flow_source(const Config& config) {
  return {config.get("flow.use", std::string()), {}, {}};
}

int base_layers(const Config& config) {
  const int layers = config.get("base.layers", 0);
  require(layers >= 0 && layers <= 1000, ErrorKind::usage, "'base.layers' should be 0 to 1000.");
  return layers;
}

RunKeys run_keys(const Config& config) {
  RunKeys keys;
  keys.name = config.get("name", keys.name);
  keys.device = config.get("device", std::string("auto"));
  keys.threads = config.get("threads", keys.threads);
  keys.seed = config.get("seed", keys.seed);
  keys.ranks = config.get("ranks", keys.ranks);
  require(keys.ranks >= 1 && keys.ranks <= 4096, ErrorKind::usage, "'ranks' should be 1 to 4096.");
  return keys;
}

void read_stage_keys(const Config& config) {
  for (const char* section : {"prepare", "base", "edges", "flow"}) stage_options(config, section);
  // Weights of the two kinds of edge loss; what is absent weighs nothing.
  const auto source = edge_source(config);
  config.get("edges.distillation", source.teacher.empty() ? 0.0 : 1.0);
  config.get("edges.labels", source.annotations.empty() ? 0.0 : 1.0);
  flow_source(config);
  base_layers(config);
  run_keys(config);
}

}  // namespace semcodec
