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

OptionTable table_of(RestorerOptions& o) {
  OptionTable table("restorer", "Stage `restorer`");
  add_trainer_options(table, o);
  table.add("crop", o.sampler.crop, multiple_of(16, 64), "side of the crops, pixels");
  table.add("unroll", o.sampler.unroll, in_range(1, 16), "coded frames in a row of a sample");
  table.add("weight_l1", o.weight_l1, at_least(0), "of L1 at detail 0");
  table.add("weight_l1_vivid", o.weight_l1_vivid, at_least(0), "of L1 at detail 1");
  table.add("weight_restored", o.weight_restored, at_least(0),
            "of L1 before the memory's pixels are taken");
  table.add("weight_lpips", o.weight_lpips, at_least(0), "of LPIPS, times the perceptual share");
  table.add("weight_vgg", o.weight_vgg, at_least(0), "of VGG, times the perceptual share");
  table.add("perceptual_share", o.perceptual_share, at_least(0), "of LPIPS and VGG at detail 0");
  table.add("perceptual_share_vivid", o.perceptual_share_vivid, at_least(0), "and at detail 1");
  table.add("lpips_patch", o.lpips_patch, zero_or_at_least(32),
            "side of the patch that LPIPS looks at; 0 = all");
  table.add("vgg_patch", o.vgg_patch, zero_or_at_least(32), "and VGG, inside of it; 0 = all");
  table.add("weight_interpolator", o.weight_interpolator, at_least(0),
            "of the interpolator's loss; 0 leaves the interpolator as it is");
  table.add("interpolator_l1", o.interpolator_l1, at_least(0), "weight of L1 in that loss");
  table.add("interpolator_lpips", o.interpolator_lpips, at_least(0),
            "weight of LPIPS in that loss");
  add_adversary_options(table, o);
  table.add("weight_gan_image", o.weight_gan_image, at_least(0), "of D_I, times 2 · detail");
  table.add("weight_gan_video", o.weight_gan_video, at_least(0),
            "of D_V, times 2 · detail; wants an unroll of 3");
  table.add("discriminator_learning_rate", o.discriminator_learning_rate, above(0),
            "the same in every step");
  table.add("no_next_share", o.sampler.no_next_share, in_range(0, 1),
            "share of samples without neighbours after (low delay)");
  table.add("no_previous_share", o.sampler.no_previous_share, in_range(0, 1),
            "share whose first frame has no neighbour before");
  table.add("memory_share", o.sampler.memory_share, in_range(0, 1),
            "share of later frames that see the output before them");
  table.add("base_flow", o.base_flow, one_of({"dis", "flownet2"}),
            "motion at the receiver, written to the package");
  table.add(
      "flow", o.sampler.flow, any_value(),
      "FlowNet2's weights for the motion of samples; with `base_flow = \"flownet2\"` those of "
      "`package`, in `all` those of stage 3");
  table.add("dis_share", o.sampler.dis_share, in_range(0, 1),
            "share of samples by DIS all the same; without such weights all");
  table.add("edges_share", o.sampler.edges_share, in_range(0, 1),
            "share of samples with an edge map; wants the stores' `.edges`");
  table.add("flip", o.sampler.flip, any_value(), "mirrors half of the samples");
  table.add_text(
      "clip_weights", "",
      [&o](const std::string& text) { o.sampler.clip_weights = weights_of(text); }, any_value(),
      "such as `\"face:1.5, news:0.5\"`: clips whose names begin so are drawn more or less often");
  table.add_text(
      "validation", "", [&o](const std::string& text) { o.validation = words_of(text); },
      any_value(), "such as `\"face_3, street\"`: clips whose names begin so are held out");
  table.add("detail", o.detail, in_range(0, 1),
            "the package's, unless the decoder is told another");
  table.add("package", o.package, any_value(),
            "whose other networks the exported package takes; `all`: those of the other stages");
  table.add("initial", o.initial, any_value(),
            "package, or file of a restorer, to start from; a package gives the sizes too");
  auto& n = o.network;
  table.add("channels_half", n.channels_half, at_least(1), "size of the network, at 1/2");
  table.add("channels_quarter", n.channels_quarter, at_least(1), "at 1/4");
  table.add("channels_eighth", n.channels_eighth, at_least(1), "at 1/8");
  table.add("channels_bottleneck", n.channels_bottleneck, multiple_of(n.heads, n.heads), "at 1/16");
  table.add("blocks_half", n.blocks_half, at_least(0), "residual blocks at 1/2");
  table.add("encoder_quarter", n.encoder_quarter, at_least(0), "and on the way down at 1/4");
  table.add("encoder_eighth", n.encoder_eighth, at_least(0), "at 1/8");
  table.add("decoder_quarter", n.decoder_quarter, at_least(0), "and on the way up at 1/4");
  table.add("decoder_eighth", n.decoder_eighth, at_least(0), "at 1/8");
  table.add("transformer_blocks", n.transformer_blocks, at_least(0), "at 1/16");
  table.gone("discriminator_rate", "is now 'restorer.discriminator_learning_rate'");
  table.gone("weight_between", "is now 'restorer.weight_interpolator'");
  table.gone("between_l1", "is now 'restorer.interpolator_l1'");
  table.gone("between_lpips", "is now 'restorer.interpolator_lpips'");
  return table;
}

RestorerOptions read_restorer_options(const Config& config) {
  RestorerOptions o;
  read_run_options(config, o, "the folder of frame stores and base layers");
  table_of(o).read(config);
  if (std::filesystem::is_directory(o.initial)) {
    const auto package = open_package(o.initial);
    require(package.restorer.has_value(), ErrorKind::input,
            "'restorer.initial' is " + o.initial + ", a package without restorer.");
    o.network = *package.restorer;
    table_of(o).read(config);  // the sizes that are given, over those of the package
  }
  return o;
}

}  // namespace semcodec
