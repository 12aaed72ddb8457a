#include "training/generator/generator_options.h"

#include "common/core/error.h"

namespace semcodec {

GeneratorOptions read_generator_options(const Config& config) {
  GeneratorOptions o;
  const auto read = [&](const char* key, auto& value) {
    value = config.get(std::string("generator.") + key, value);
  };
  o.data = config.require_text("data", "the folder of frame stores");
  o.output = config.require_text("output", "the folder to write to");
  o.device = config.get("device", o.device);
  o.threads = config.get("threads", o.threads);
  read("steps", o.steps);
  read("stop_after", o.stop_after);
  read("image_steps", o.image_steps);
  read("batch", o.batch);
  read("interpolator_share", o.interpolator_share);
  read("learning_rate", o.learning_rate);
  read("discriminator_learning_rate", o.discriminator_learning_rate);
  read("final_rate", o.final_rate);
  read("beta1", o.beta1);
  read("beta2", o.beta2);
  read("clip_gradient", o.clip_gradient);
  read("average", o.average);
  read("weight_l1", o.weight_l1);
  read("weight_raw", o.weight_raw);
  read("weight_warp", o.weight_warp);
  read("weight_flow", o.weight_flow);
  read("weight_texture_rate", o.weight_texture_rate);
  read("weight_lpips", o.weight_lpips);
  read("weight_vgg", o.weight_vgg);
  read("weight_spectrum", o.weight_spectrum);
  read("vgg_patch", o.vgg_patch);
  read("weight_gan_image", o.weight_gan_image);
  read("weight_gan_video", o.weight_gan_video);
  read("weight_matching", o.weight_matching);
  read("gan_start", o.gan_start);
  read("discriminator_channels", o.discriminator_channels);
  read("gan_patch", o.gan_patch);
  o.gan = parse_gan_mode(config.get("generator.gan", std::string("hinge")));
  read("unroll", o.unroll);
  read("accumulate", o.accumulate);
  read("checkpoint_activations", o.checkpoint_activations);
  read("retries", o.retry.retries);
  read("retry_rate", o.retry.rate);
  read("workers", o.workers);
  read("bf16", o.bf16);
  o.seed = static_cast<std::uint64_t>(config.get("seed", std::int64_t{1}));
  read("checkpoint_minutes", o.checkpoint_minutes);
  read("log_every", o.log_every);
  read("sample_every", o.sample_every);
  read("initial", o.initial);
  read("flow", o.flow);
  read("crop", o.sampler.crop);
  read("min_interval", o.sampler.min_interval);
  read("max_interval", o.sampler.max_interval);
  read("dense_flow_share", o.sampler.dense_flow_share);
  read("flip", o.sampler.flip);
  read("still_share", o.sampler.still_share);
  read("key_share", o.sampler.key_share);
  read("finest_share", o.sampler.finest_share);
  read("channels_half", o.network.channels_half);
  read("channels_quarter", o.network.channels_quarter);
  read("channels_eighth", o.network.channels_eighth);
  read("channels_bottleneck", o.network.channels_bottleneck);
  read("blocks_half", o.network.blocks_half);
  read("blocks_quarter", o.network.blocks_quarter);
  read("blocks_eighth", o.network.blocks_eighth);
  read("noise", o.network.noise);
  read("texture_channels", o.network.texture.channels);
  read("texture_levels", o.network.texture.levels);
  o.sampler.texture_channels = o.network.texture.channels;
  config.check_all_used("generator.");
  const auto positive = [](auto value, const char* key) {
    require(value > 0, ErrorKind::usage,
            std::string("'generator.") + key + "' should be greater than 0.");
  };
  positive(o.steps, "steps");
  positive(o.batch, "batch");
  positive(o.workers, "workers");
  positive(o.accumulate, "accumulate");
  require(o.retry.retries >= 0 && o.retry.rate > 0 && o.retry.rate <= 1, ErrorKind::usage,
          "'generator.retries' should be at least 0 and 'generator.retry_rate' in 0..1.");
  positive(o.log_every, "log_every");
  positive(o.sample_every, "sample_every");
  positive(o.learning_rate, "learning_rate");
  positive(o.discriminator_learning_rate, "discriminator_learning_rate");
  require(o.network.texture.channels >= 0 && o.network.texture.channels <= kMaxTextureChannels,
          ErrorKind::usage, "'generator.texture_channels' should be 0 to 64.");
  require(o.network.texture.levels >= 3 && o.network.texture.levels <= 15 &&
              o.network.texture.levels % 2 == 1,
          ErrorKind::usage, "'generator.texture_levels' should be odd, 3 to 15.");
  require(o.network.noise == 0 || o.network.noise == 1, ErrorKind::usage,
          "'generator.noise' should be 0 or 1.");
  require(o.sampler.crop >= 64 && o.sampler.crop % 32 == 0, ErrorKind::usage,
          "'generator.crop' should be a multiple of 32, at least 64.");
  return o;
}

}  // namespace semcodec
