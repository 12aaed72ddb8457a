#include "models/package/size_check.h"

#include <cstdint>

#include "common/core/error.h"

namespace semcodec {
namespace {

class SizeCheck {
 public:
  SizeCheck(const TensorShapes& shapes, const std::string& file) : shapes_(shapes), file_(file) {}

  /// The tensor's dimension `axis` is `factor` x the size called `what`.
  void dimension(const std::string& tensor, std::size_t axis, const char* what, std::int64_t size,
                 std::int64_t factor = 1) const {
    const auto found = shapes_.find(tensor);
    if (found == shapes_.end() || found->second.size() <= axis) {
      refuse(what, size, "has no tensor '" + tensor + "' of that kind");
    }
    const std::int64_t there = found->second[axis];
    if (there != size * factor) {
      refuse(what, size, "has " + std::to_string(there) + " in '" + tensor + "'");
    }
  }

  /// `count` residual blocks of so many channels.
  void stage(const std::string& name, const char* what, int count, std::int64_t channels) const {
    for (int i = 0; i < count; ++i) {
      const std::string block = name + "." + std::to_string(i);
      for (const char* part : {".conv1.weight", ".conv2.weight"}) {
        dimension(block + part, 0, what, channels);
        dimension(block + part, 1, what, channels);
      }
    }
  }

  void transformer(int blocks, int channels, int mlp_ratio) const {
    for (int i = 0; i < blocks; ++i) {
      const std::string block = "transformer." + std::to_string(i);
      dimension(block + ".qkv.weight", 1, "transformer_blocks", channels);
      dimension(block + ".expand.weight", 0, "mlp_ratio", mlp_ratio, channels);
    }
  }

  void interpolator(const InterpolatorConfig& config) const {
    dimension("interpolator.motion_in.weight", 0, "interpolator_motion", config.channels_motion);
    dimension("interpolator.blend_in.weight", 0, "interpolator_half", config.channels_half);
    dimension("interpolator.blend_down.weight", 0, "interpolator_quarter", config.channels_quarter);
  }

 private:
  [[noreturn]] void refuse(const char* what, std::int64_t size, const std::string& why) const {
    throw Error(ErrorKind::corrupt, "model.json says " + std::string(what) + " " +
                                        std::to_string(size) + ", but " + file_ + " " + why +
                                        "; the two do not belong together.");
  }

  const TensorShapes& shapes_;
  const std::string& file_;
};

}  // namespace

void check_sizes(const GeneratorConfig& config, const TensorShapes& shapes,
                 const std::string& file) {
  const SizeCheck check(shapes, file);
  check.dimension("skip_half.weight", 0, "channels_half", config.channels_half);
  check.dimension("condition_in.weight", 0, "channels_quarter", config.channels_quarter);
  check.dimension("condition_in.weight", 1, "classes", config.condition_maps(), 12);
  check.dimension("condition_down.weight", 0, "channels_eighth", config.channels_eighth);
  check.dimension("to_bottleneck.weight", 0, "channels_bottleneck", config.channels_bottleneck);
  check.stage("half", "blocks_half", config.blocks_half, config.channels_half);
  check.stage("quarter", "blocks_quarter", config.blocks_quarter, config.channels_quarter);
  check.stage("eighth", "blocks_eighth", config.blocks_eighth, config.channels_eighth);
  check.transformer(config.transformer_blocks, config.channels_bottleneck, config.mlp_ratio);
  check.interpolator(config.between);
  if (config.texture.channels > 0) {
    check.dimension("texture_in.weight", 1, "texture_channels", config.texture.channels);
  }
}

void check_sizes(const RestorerConfig& config, const TensorShapes& shapes,
                 const std::string& file) {
  const SizeCheck check(shapes, file);
  check.dimension("skip_half.weight", 0, "channels_half", config.channels_half);
  check.dimension("input_quarter.weight", 0, "channels_quarter", config.channels_quarter);
  check.dimension("down_eighth.weight", 0, "channels_eighth", config.channels_eighth);
  check.dimension("down_bottleneck.weight", 0, "channels_bottleneck", config.channels_bottleneck);
  check.stage("decoder_half", "blocks_half", config.blocks_half, config.channels_half);
  check.stage("encoder_quarter", "encoder_quarter", config.encoder_quarter,
              config.channels_quarter);
  check.stage("encoder_eighth", "encoder_eighth", config.encoder_eighth, config.channels_eighth);
  check.stage("decoder_quarter", "decoder_quarter", config.decoder_quarter,
              config.channels_quarter);
  check.stage("decoder_eighth", "decoder_eighth", config.decoder_eighth, config.channels_eighth);
  check.transformer(config.transformer_blocks, config.channels_bottleneck, config.mlp_ratio);
  check.interpolator(config.between);
}

void check_sizes(const TextureConfig& config, const TensorShapes& shapes, const std::string& file) {
  const SizeCheck check(shapes, file);
  check.dimension("in.weight", 0, "texture_width", config.width);
  check.dimension("out.weight", 0, "texture_channels", config.channels);
}

}  // namespace semcodec
