#include "training/restorer/restorer_options.h"

#include <charconv>
#include <filesystem>
#include <sstream>

#include "common/core/error.h"
#include "models/package/model_package.h"

namespace semcodec {

namespace {

/// "a, b" as {"a", "b"}.
std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const auto first = part.find_first_not_of(' '), last = part.find_last_not_of(' ');
    if (first != std::string::npos) words.push_back(part.substr(first, last - first + 1));
  }
  return words;
}

/// "face:1.5, news:0.5".
std::map<std::string, double> weights_of(const std::string& text) {
  std::map<std::string, double> weights;
  for (const auto& word : words_of(text)) {
    const auto colon = word.rfind(':');
    double weight = 0;
    const char* end = word.data() + word.size();
    const bool good = colon != std::string::npos && colon > 0 &&
                      std::from_chars(word.data() + colon + 1, end, weight).ptr == end &&
                      weight > 0;
    require(good, ErrorKind::usage,
            "'restorer.clip_weights' should be like \"face:1.5, news:0.5\" (beginning of a clip's "
            "name, weight), not '" +
                text + "'.");
    weights[word.substr(0, colon)] = weight;
  }
  return weights;
}

void check(const RestorerOptions& o) {
  const auto wants = [](bool good, const std::string& key, const std::string& what) {
    require(good, ErrorKind::usage, "'restorer." + key + "' should be " + what + ".");
  };
  wants(o.steps > 0, "steps", "greater than 0");
  wants(o.batch > 0, "batch", "greater than 0");
  wants(o.workers > 0, "workers", "greater than 0");
  wants(o.learning_rate > 0, "learning_rate", "greater than 0");
  wants(o.log_every > 0, "log_every", "greater than 0");
  wants(o.sample_every > 0, "sample_every", "greater than 0");
  wants(o.retry.retries >= 0, "retries", "at least 0");
  wants(o.retry.rate > 0 && o.retry.rate <= 1, "retry_rate", "in 0..1");
  wants(o.detail >= 0 && o.detail <= 1, "detail", "in 0..1");
  wants(o.sampler.unroll >= 1 && o.sampler.unroll <= 16, "unroll", "1 to 16");
  wants(o.sampler.crop >= 64 && o.sampler.crop % 16 == 0, "crop", "a multiple of 16, at least 64");
  wants(o.lpips_patch == 0 || o.lpips_patch >= 32, "lpips_patch", "0 or at least 32");
  wants(o.vgg_patch == 0 || o.vgg_patch >= 32, "vgg_patch", "0 or at least 32");
  wants(o.base_flow == "dis" || o.base_flow == "flownet2", "base_flow", "\"dis\" or \"flownet2\"");
  const auto& n = o.network;
  wants(n.heads >= 1 && n.channels_bottleneck % n.heads == 0, "channels_bottleneck",
        "a multiple of " + std::to_string(n.heads));
}

}  // namespace

RestorerOptions resolved(RestorerOptions options) {
  const auto package = open_package(options.package);
  if (options.base_flow == "flownet2" && options.sampler.flow.empty()) {
    options.sampler.flow = package.flow_path();
  }
  if (!std::filesystem::is_directory(options.initial))
    options.network.between = package.config.between;
  return options;
}

RestorerOptions read_restorer_options(const Config& config) {
  RestorerOptions o;
  const auto read = [&](const char* key, auto& value) {
    value = config.get(std::string("restorer.") + key, value);
  };
  o.data = config.require_text("data", "the folder of frame stores and base layers");
  o.output = config.require_text("output", "the folder to write to");
  o.device = config.get("device", o.device);
  o.threads = config.get("threads", o.threads);
  o.seed = static_cast<std::uint64_t>(config.get("seed", std::int64_t{1}));
  read("steps", o.steps);
  read("stop_after", o.stop_after);
  read("batch", o.batch);
  read("learning_rate", o.learning_rate);
  read("final_rate", o.final_rate);
  read("warm_up", o.warm_up);
  read("beta1", o.beta1);
  read("beta2", o.beta2);
  read("clip_gradient", o.clip_gradient);
  read("average", o.average);
  read("weight_l1", o.weight_l1);
  read("weight_l1_vivid", o.weight_l1_vivid);
  read("weight_restored", o.weight_restored);
  read("weight_lpips", o.weight_lpips);
  read("weight_vgg", o.weight_vgg);
  read("perceptual_share", o.perceptual_share);
  read("perceptual_share_vivid", o.perceptual_share_vivid);
  read("lpips_patch", o.lpips_patch);
  read("vgg_patch", o.vgg_patch);
  read("weight_interpolator", o.weight_interpolator);
  read("interpolator_l1", o.interpolator_l1);
  read("interpolator_lpips", o.interpolator_lpips);
  read("gan_start", o.gan_start);
  read("weight_gan_image", o.weight_gan_image);
  read("weight_gan_video", o.weight_gan_video);
  read("discriminator_rate", o.discriminator_rate);
  read("discriminator_channels", o.discriminator_channels);
  read("gan_patch", o.gan_patch);
  o.gan = parse_gan_mode(config.get("restorer.gan", std::string("hinge")));
  read("detail", o.detail);
  read("retries", o.retry.retries);
  read("retry_rate", o.retry.rate);
  read("workers", o.workers);
  read("bf16", o.bf16);
  read("checkpoint_minutes", o.checkpoint_minutes);
  read("log_every", o.log_every);
  read("sample_every", o.sample_every);
  read("package", o.package);
  read("base_flow", o.base_flow);
  read("initial", o.initial);
  o.validation = words_of(config.get("restorer.validation", std::string()));
  read("crop", o.sampler.crop);
  read("unroll", o.sampler.unroll);
  read("no_next_share", o.sampler.no_next_share);
  read("no_previous_share", o.sampler.no_previous_share);
  read("memory_share", o.sampler.memory_share);
  read("dis_share", o.sampler.dis_share);
  read("edges_share", o.sampler.edges_share);
  read("flip", o.sampler.flip);
  read("flow", o.sampler.flow);
  o.sampler.clip_weights = weights_of(config.get("restorer.clip_weights", std::string()));
  if (std::filesystem::is_directory(o.initial)) {
    const auto package = open_package(o.initial);
    require(package.restorer.has_value(), ErrorKind::input,
            "'restorer.initial' is " + o.initial + ", a package without restorer.");
    o.network = *package.restorer;
  }
  read("channels_half", o.network.channels_half);
  read("channels_quarter", o.network.channels_quarter);
  read("channels_eighth", o.network.channels_eighth);
  read("channels_bottleneck", o.network.channels_bottleneck);
  read("blocks_half", o.network.blocks_half);
  read("encoder_quarter", o.network.encoder_quarter);
  read("encoder_eighth", o.network.encoder_eighth);
  read("decoder_quarter", o.network.decoder_quarter);
  read("decoder_eighth", o.network.decoder_eighth);
  read("transformer_blocks", o.network.transformer_blocks);
  config.check_all_used("restorer.");
  check(o);
  return o;
}

}  // namespace semcodec
