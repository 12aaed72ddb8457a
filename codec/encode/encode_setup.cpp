#include "codec/encode/encode_setup.h"

#include <algorithm>
#include <cmath>

#include "common/app/version.h"
#include "common/core/error.h"
#include "common/core/log.h"
#include "common/media/base_codec.h"
#include "common/media/intra_codec.h"
#include "encoder/rate/one_pass.h"
#include "models/core/device.h"

namespace semcodec {

namespace {

constexpr int kLookAhead = 35, kLonePassLookAhead = 10;  // base pictures

/// With the best intra codec that this build of libav can encode; empty when it has none.
KeyCodec key_codec() {
  for (const char* codec : {"av1", "hevc", "h264"}) {
    if (!can_encode_intra(codec) || !can_decode_intra(codec)) continue;
    return {[codec](const RgbImage& picture, int quality, bool fast) {
              const auto effort = fast ? IntraEffort::fast : IntraEffort::best;
              return IntraPicture{codec, encode_intra(picture, codec, quality, effort)};
            },
            [](const IntraPicture& coded, int width, int height) {
              return decode_intra(coded.bytes, coded.codec, width, height);
            }};
  }
  log::warning(
      "This build of libav has no encoder for intra pictures (av1, hevc, h264); none are sent.");
  return {};
}

EncoderModels load_models(const ModelPackage& package, torch::Device device) {
  EncoderModels models{EdgeDetector(package.edges_path(), device)};
  models.device = device;
  if (package.config.texture.channels > 0) {
    models.texture = load_texture_encoder(package, device, inference_dtype(device));
  }
  return models;
}

Profile choose_profile(const std::string& wanted, const RateRequest& rate,
                       const std::optional<double>& seconds, const ModelPackage& package,
                       const StreamInfo& info) {
  if (wanted != "auto") {
    const auto profile = parse_profile(wanted);
    require(profile != Profile::hybrid || package.restorer, ErrorKind::usage,
            "Model " + package.name + " has no restorer for the hybrid profile; use --profile " +
                "semantic or another --model.");
    require(profile != Profile::hybrid || !rate.max_rate, ErrorKind::usage,
            "--max-rate holds for --profile semantic and paper only.");
    return profile;
  }
  if (!package.restorer || rate.max_rate) return Profile::semantic;
  auto bit_rate = rate.bitrate;
  if (rate.target_bits && seconds) bit_rate = *rate.target_bits / *seconds;
  return automatic_profile(bit_rate, info.coded_width, info.coded_height);
}

StreamInfo stream_info(const StreamEncoderOptions& options, const VideoFormat& video,
                       const ModelPackage& package) {
  StreamInfo info;
  info.width = video.width;
  info.height = video.height;
  if (options.width == 0 && options.height == 0) {
    const auto size = default_coded_size(video.width, video.height);
    info.coded_width = size.width;
    info.coded_height = size.height;
  } else {
    check_coded_size(options.width, options.height);
    info.coded_width = options.width;
    info.coded_height = options.height;
  }
  info.time_base_num = video.time_base.num;
  info.time_base_den = video.time_base.den;
  info.frame_rate_num = video.frame_rate.known() ? video.frame_rate.num : 0;
  info.frame_rate_den = video.frame_rate.known() ? video.frame_rate.den : 1;
  info.sar_num = video.sample_aspect.num;
  info.sar_den = video.sample_aspect.den;
  info.model_name = package.name;
  info.model_hash = package.hash;
  info.encoder = "semcodec " + version();
  return info;
}

/// Seconds between coded frames at most. A frame behind a coded frame waits for the next one, so
/// the first of them waits one frame less than the coded frames are apart.
double most_interval(double latency, const VideoFormat& video) {
  const double frame = video.frame_rate.known() ? 1 / video.frame_rate.value() : 0.0;
  log::info("Low delay: a frame waits at most " + std::to_string(std::lround(latency * 1000)) +
            " ms for the coded frame that completes it, and computing time comes on top.");
  return std::max(latency + frame, 1e-3);
}

EncoderOptions encoder_options(const StreamEncoderOptions& wanted, const RateRequest& rate,
                               const VideoFormat& video, Profile profile) {
  EncoderOptions options;
  options.profile = profile;
  options.quality = wanted.quality.value_or(default_quality(profile));
  options.keyint = wanted.keyint;
  options.scene_cut = wanted.scene_cut;
  if (wanted.fixed_interval) options.patience = 1;
  options.keys = wanted.keys;
  options.base_effort = wanted.effort;
  // What a pass decides takes effect behind the look-ahead, so a lone pass looks less far.
  const bool lone_pass = rate.targeted() && rate.passes == 1;
  options.base_look_ahead = wanted.look_ahead.value_or(lone_pass ? kLonePassLookAhead : kLookAhead);
  options.overrides = parse_overrides(wanted.point);
  if (profile == Profile::hybrid) {
    options.base_coder = make_base_coder;
    options.base_decoder = make_decode_base;
    options.base_trials = std::make_shared<BaseTrialMemory>();
  } else {
    options.key_codec = key_codec();
  }
  if (rate.max_rate) options.peak.emplace(*rate.max_rate, rate.window);
  if (wanted.low_delay) {
    options.most_interval = most_interval(wanted.latency, video);
    options.look_ahead = 0;
    options.base_look_ahead = 0;
  }
  options.duration = video.duration;
  return options;
}

}  // namespace

EncodeSetup prepare_encoding(const StreamEncoderOptions& options, const VideoFormat& video,
                             const RateRequest& rate, bool count_audio) {
  EncodeSetup setup;
  setup.package = open_package(options.model);
  setup.device = parse_device(options.device);
  set_deterministic(options.deterministic);
  // How an operator shares its sums among threads may show in the last bit.
  set_threads(options.deterministic ? 1 : options.threads);
  setup.video = video;
  setup.rate = rate;
  setup.info = stream_info(options, video, setup.package);
  const auto profile =
      choose_profile(options.profile, rate, video.duration, setup.package, setup.info);
  setup.info.profile = to_string(profile);
  setup.options = encoder_options(options, rate, video, profile);
  setup.options.count_audio = count_audio;
  setup.low_delay = options.low_delay;
  return setup;
}

std::unique_ptr<Encoder> EncodeSetup::make_encoder(const EncoderOptions& with,
                                                   StreamWriter& writer) const {
  return with.profile == Profile::hybrid
             ? make_hybrid_encoder(with, info, writer)
             : make_semantic_encoder(with, info, load_models(package, device), writer);
}

RateModel EncodeSetup::rate_model() const {
  if (options.profile == Profile::hybrid) {
    return RateModel::base_pictures(info.coded_width, info.coded_height);
  }
  return RateModel::typical(info.coded_width, info.coded_height, options.profile != Profile::paper);
}

std::shared_ptr<RateControl> EncodeSetup::one_pass_control() const {
  if (!rate.targeted()) return nullptr;
  OnePassControl::Options control;
  control.duration = video.duration;
  require(rate.bitrate || control.duration, ErrorKind::usage,
          "--target-size has to know how long the video is, which a pipe does not tell; use "
          "--bitrate, or a file.");
  control.target = rate.bitrate ? *rate.bitrate : *rate.target_bits / *control.duration;
  return std::make_shared<OnePassControl>(control, rate_model());
}

}  // namespace semcodec
