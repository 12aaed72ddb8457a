#include "training/generator/generator_options.h"

#include "common/core/error.h"
#include "common/semantic/class_plane.h"

namespace semcodec {

namespace {

void add_loss_options(OptionTable& table, GeneratorOptions& o) {
  table.add("weight_l1", o.weight_l1, at_least(0), "of L1 of the frame");
  table.add("weight_raw", o.weight_raw, at_least(0), "of L1 of what is made without references");
  table.add("weight_warp", o.weight_warp, at_least(0),
            "what the refined motion of interpolated frames misses (eq. 5, second term)");
  table.add("weight_flow", o.weight_flow, at_least(0), "motion of the output (eq. 5, first term)");
  table.add("flow", o.flow, any_value(),
            "FlowNet2's weights for it, without which it is left out; `all`: those of stage 3");
  table.add("weight_texture_rate", o.weight_texture_rate, at_least(0),
            "cost of texture symbols, reached after a quarter of the steps");
  table.add("weight_lpips", o.weight_lpips, at_least(0), "of LPIPS");
  table.add("weight_vgg", o.weight_vgg, at_least(0), "of VGG (eq. 6)");
  table.add("vgg_patch", o.vgg_patch, zero_or_at_least(32),
            "side of the patch that eq. (6) looks at; 0 = whole frames");
  table.add("weight_spectrum", o.weight_spectrum, at_least(0),
            "strength of texture at every frequency (training/generator/spectral_loss.h)");
  table.add("weight_gan_image", o.weight_gan_image, at_least(0), "of D_I (eq. 4)");
  table.add("weight_gan_video", o.weight_gan_video, at_least(0), "of D_V (eq. 3)");
  table.add("weight_matching", o.weight_matching, at_least(0), "of feature matching");
  table.add("discriminator_learning_rate", o.discriminator_learning_rate, at_least(0),
            "with the schedule of `learning_rate`; 0 = `learning_rate`");
  add_adversary_options(table, o);
}

void add_sample_options(OptionTable& table, GeneratorOptions& o) {
  auto& s = o.sampler;
  table.add("crop", s.crop, multiple_of(32, 64), "side of the crops, pixels");
  table.add("flip", s.flip, any_value(), "mirrors half of the samples");
  table.add("min_interval", s.min_interval, above(0), "seconds between coded frames, at least");
  table.add("max_interval", s.max_interval, above(0), "and at most");
  table.add("dense_flow_share", s.dense_flow_share, in_range(0, 1),
            "share of samples with dense instead of transmitted motion");
  table.add("still_share", s.still_share, in_range(0, 1), "share of samples from stills");
  table.add("key_share", s.key_share, in_range(0, 1), "share with an intra picture");
  table.add("finest_share", s.finest_share, in_range(0, 1),
            "share with the finest planes there are, instead of drawn ones");
  table.add(
      "planes", s.planes, one_of({"all", "edges", "colour", "sketch", "labels"}),
      "what samples have of the planes; one alone: no texture either; `sketch`: an XDoG sketch "
      "in place of the edges; `labels`: semantic labels of the stores' `.classes`");
  table.add("clusters", s.clusters, in_range(0, 256), "colours of every sample; 0 = drawn");
}

void add_baseline_options(OptionTable& table, GeneratorOptions& o) {
  std::vector<std::string> kinds = {"ours", "ours-without-colour"};
  kinds.insert(kinds.end(), baseline_kinds().begin(), baseline_kinds().end());
  table.add("kind", o.kind, one_of(kinds),
            "what is trained: our generator, the same without the colour plane, or one that it is "
            "compared with (models/baselines/), into `baseline.safetensors`");
  auto& b = o.baseline;
  table.add(
      "baseline_condition", b.condition, one_of({"edges", "colour", "planes", "labels"}),
      "what a baseline sees of the planes; `labels`: one-hot maps of `classes`, with `planes = "
      "\"labels\"`");
  table.add("baseline_channels", b.channels, in_range(0, 1024),
            "of its first layer; 0 = as published: pix2pixHD 64, else 128");
  table.add("baseline_downsamplings", b.downsamplings, in_range(0, 6),
            "halvings; 0 = as published: pix2pixHD 4, else 3");
  table.add("baseline_blocks", b.blocks, in_range(0, 64), "residual blocks; 0 = as published: 9");
  table.add("baseline_enhancer", b.enhancer, any_value(), "pix2pixHD with its local enhancer");
  table.add("baseline_key_interval", b.key_interval, in_range(1, 64),
            "fast-vid2vid: generates every so many frames, the others are interpolated");
  table.add("teacher", o.teacher, any_value(),
            "fast-vid2vid: `baseline.safetensors` of a trained vid2vid; without it the student "
            "learns from the sources alone");
  table.add("weight_distillation", o.weight_distillation, at_least(0),
            "of L1 and VGG against the teacher's frames, and of L1 of their changes");
}

void add_network_options(OptionTable& table, GeneratorOptions& o) {
  auto& n = o.network;
  table.add("channels_half", n.channels_half, at_least(1), "size of the network, at 1/2");
  table.add("channels_quarter", n.channels_quarter, at_least(1), "at 1/4");
  table.add("channels_eighth", n.channels_eighth, at_least(1), "at 1/8");
  table.add("channels_bottleneck", n.channels_bottleneck, multiple_of(n.heads, n.heads), "at 1/16");
  table.add("blocks_half", n.blocks_half, at_least(0), "residual blocks at 1/2");
  table.add("blocks_quarter", n.blocks_quarter, at_least(0), "at 1/4");
  table.add("blocks_eighth", n.blocks_eighth, at_least(0), "at 1/8");
  table.add("transformer_blocks", n.transformer_blocks, at_least(0), "at 1/16");
  table.add("classes", n.classes, in_range(0, kMaxClasses),
            "of `planes = \"labels\"`, which enter as one-hot maps; else 0");
  table.add("references", n.references, in_range(0, 2),
            "earlier outputs that the generator looks at: L − 1 of eq. (2)");
  table.add("noise", n.noise, in_range(0, 1), "1: noise is injected (models/generator/noise.h)");
  table.add("texture_channels", n.texture.channels, in_range(0, kMaxTextureChannels),
            "of the texture plane; 0 = none");
  table.add("texture_levels", n.texture.levels, odd_in_range(3, 15), "values of a texture symbol");
}

}  // namespace

OptionTable table_of(GeneratorOptions& o) {
  OptionTable table("generator", "Stage `generator`");
  add_trainer_options(table, o);
  table.add("image_steps", o.image_steps, at_least(0),
            "at first single pictures only, twice as many a step");
  table.add("interpolator_share", o.interpolator_share, in_range(0, 1),
            "share of steps with an interpolated frame");
  table.add(
      "unroll", o.unroll, at_least(0),
      "up to so many times (drawn each step) the first frame is made again from itself before "
      "the others refer to it; else patterns grow in scenes that stand still for long");
  table.add("checkpoint_activations", o.checkpoint_activations, any_value(),
            "less memory, one more forward pass");
  table.add("initial", o.initial, any_value(),
            "folder of a package to start from; where `blocks_*` ask for more residual blocks than "
            "it has, the new ones start as the identity");
  add_loss_options(table, o);
  add_sample_options(table, o);
  add_network_options(table, o);
  add_baseline_options(table, o);
  table.gone(
      "judge_rate",
      "is now 'generator.discriminator_learning_rate', the rate itself instead of a multiple "
      "of learning_rate");
  table.gone("between_share", "is now 'generator.interpolator_share'");
  table.gone("rollout", "is now 'generator.unroll'");
  return table;
}

GeneratorOptions read_generator_options(const Config& config) {
  GeneratorOptions o;
  read_run_options(config, o, "the folder of frame stores");
  table_of(o).read(config);
  o.sampler.texture_channels = o.network.texture.channels;
  o.sampler.classes = o.network.classes;
  require(o.sampler.planes == "labels" ? o.network.classes >= 2 : o.network.classes == 0,
          ErrorKind::usage,
          "'generator.planes' = labels and 'generator.classes', 2 to 255, want each other.");
  if (o.kind == "ours-without-colour") {
    require(o.sampler.planes != "colour" && o.sampler.planes != "labels", ErrorKind::usage,
            "'generator.planes' is " + o.sampler.planes +
                ", which 'generator.kind' = ours-without-colour has not.");
    o.sampler.planes = "edges";
  }
  if (!o.ours()) {
    auto& own = o.baseline;
    const auto published = published_baseline(o.kind);
    own.kind = o.kind;
    own.classes = o.network.classes;
    require((own.condition == "labels") == (own.classes > 0), ErrorKind::usage,
            "'generator.baseline_condition' and 'generator.planes' should both be labels, or "
            "neither.");
    if (own.channels == 0) own.channels = published.channels;
    if (own.downsamplings == 0) own.downsamplings = published.downsamplings;
    if (own.blocks == 0) own.blocks = published.blocks;
  }
  return o;
}

}  // namespace semcodec
