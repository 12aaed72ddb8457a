#include "models/generator/restorer_runner.h"

#include "models/kernels/restore_frame.h"

namespace semcodec {

namespace {

// Channels of the folded inputs, filled up to whole blocks of oneDNN's.
constexpr std::int64_t kAtQuarter = 128, kAtHalf = 32;
constexpr int kHasMemory = 6;  // column of the scalars

std::vector<FusedTransformer> transformers(const FusedWeights& weights,
                                           const RestorerConfig& config) {
  std::vector<FusedTransformer> blocks;
  for (int i = 0; i < config.transformer_blocks; ++i) {
    blocks.emplace_back(weights, "transformer." + std::to_string(i), config.heads);
  }
  return blocks;
}

}  // namespace

RestorerRunner::RestorerRunner(RestorerImpl& net)
    : RestorerRunner(FusedWeights(net), net.config()) {}

RestorerRunner::RestorerRunner(const FusedWeights& weights, const RestorerConfig& config)
    : type_(weights.at("input_quarter.weight").scalar_type()),
      input_quarter_(weights.conv("input_quarter", 1, kAtQuarter)),
      skip_half_(weights.conv("skip_half", 1, kAtHalf)),
      down_eighth_(weights.conv("down_eighth", 2)),
      down_bottleneck_(weights.conv("down_bottleneck", 2)),
      up_eighth_(weights.shuffled("up_eighth")),
      up_quarter_(weights.shuffled("up_quarter")),
      up_half_(weights.shuffled("up_half")),
      head_(weights.shuffled("head")),
      encoder_quarter_(weights, "encoder_quarter", config.encoder_quarter),
      encoder_eighth_(weights, "encoder_eighth", config.encoder_eighth),
      decoder_eighth_(weights, "decoder_eighth", config.decoder_eighth),
      decoder_quarter_(weights, "decoder_quarter", config.decoder_quarter),
      decoder_half_(weights, "decoder_half", config.blocks_half),
      transformer_(transformers(weights, config)),
      scalars_quarter_(weights.at("scalars_quarter.weight")),
      scalars_quarter_bias_(weights.at("scalars_quarter.bias") + input_quarter_.bias()),
      scalars_bottleneck_(weights.at("scalars_bottleneck.weight")),
      scalars_bottleneck_bias_(weights.at("scalars_bottleneck.bias") + down_bottleneck_.bias()) {}

torch::Tensor RestorerRunner::folded(const RestorerInput& x, int factor,
                                     std::int64_t channels) const {
  const auto h = x.base.size(2) / factor, w = x.base.size(3) / factor;
  auto to = torch::empty({1, channels, h, w},
                         torch::dtype(type_).memory_format(torch::MemoryFormat::ChannelsLast));
  std::int64_t offset = 0;
  const auto add = [&](const torch::Tensor& picture, std::int64_t planes, int by) {
    const auto count = planes * by * by;
    if (picture.defined()) {
      fold_into(picture.to(torch::kFloat32).contiguous(), by, to, offset);
    } else {
      to.narrow(1, offset, count).zero_();
    }
    offset += count;
  };
  add(x.base, 3, factor);
  add(x.memory, 3, factor);
  if (factor == 4) {
    add(x.near_a, 3, 2);
    add(x.near_b, 3, 2);
  }
  add(x.edges, 1, factor / 2);
  clear_from(to, offset);
  return to;
}

torch::Tensor RestorerRunner::run(const RestorerInput& x) const {
  const auto scalars = x.scalars.to(type_);
  // What the properties of the frame add is the same at every pixel, so it joins the bias.
  const auto bias = [&](const torch::Tensor& weight, const torch::Tensor& own) {
    return torch::linear(scalars, weight, own).squeeze(0);
  };
  ActiveMap quarter;
  quarter.sum = input_quarter_.run(folded(x, 4, kAtQuarter),
                                   bias(scalars_quarter_, scalars_quarter_bias_), Activation::none);
  quarter.active = leaky(quarter.sum);
  encoder_quarter_.run(quarter);
  ActiveMap eighth;
  eighth.sum = down_eighth_(quarter.active);
  eighth.active = leaky(eighth.sum);
  encoder_eighth_.run(eighth);
  auto bottleneck = down_bottleneck_.run(
      eighth.active, bias(scalars_bottleneck_, scalars_bottleneck_bias_), Activation::none);
  for (const auto& block : transformer_) bottleneck = block.run(bottleneck);
  leaky_(bottleneck);
  eighth = add_shuffled(eighth.sum, up_eighth_(bottleneck));
  decoder_eighth_.run(eighth);
  quarter = add_shuffled(quarter.sum, up_quarter_(eighth.active));
  decoder_quarter_.run(quarter);
  auto half = add_shuffled(skip_half_(folded(x, 2, kAtHalf)), up_half_(quarter.active));
  decoder_half_.run(half);
  const bool remembers = x.memory.defined() && x.scalars[0][kHasMemory].item<float>() > 0;
  return blend_restored(head_(half.active), x.base, remembers ? x.memory : torch::Tensor());
}

}  // namespace semcodec
