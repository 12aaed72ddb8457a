// semcodec-encode: a video to a .sem stream.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "common/app/interrupt.h"
#include "common/app/progress.h"
#include "common/app/run_main.h"
#include "common/app/units.h"
#include "common/app/version.h"
#include "common/core/error.h"
#include "common/core/file.h"
#include "common/core/log.h"
#include "common/media/base_codec.h"
#include "common/media/intra_codec.h"
#include "common/media/reader.h"
#include "common/media/versions.h"
#include "encoder/core/encoder.h"
#include "encoder/program/maps.h"
#include "encoder/program/passes.h"
#include "models/core/device.h"
#include "models/package/model_package.h"

namespace {

using namespace semcodec;

constexpr int kLookAhead = 35, kLonePassLookAhead = 10;  // base pictures

struct Arguments {
  std::string input, output;
  bool overwrite = false;
  std::string size, profile = "auto", model = "default", device = "auto", hwaccel = "none";
  std::string audio = "copy", keyint = "20s", stats, maps, point, force_key, latency;
  RateTexts rate;
  std::optional<double> quality;
  std::optional<int> look_ahead;
  bool no_scene_cut = false, fixed_interval = false, low_delay = false, deterministic = false;
  int threads = 0, effort = 3;
  std::int64_t skip = 0, limit = 0;
};

/// With the best intra codec that this build of libav can encode; empty when it has none.
KeyCodec key_codec() {
  for (const char* codec : {"av1", "hevc", "h264"}) {
    if (!can_encode_intra(codec) || !can_decode_intra(codec)) continue;
    return {[codec](const RgbImage& picture, int quality, bool fast) {
              const auto effort = fast ? IntraEffort::fast : IntraEffort::best;
              return Appearance{codec, encode_intra(picture, codec, quality, effort)};
            },
            [](const Appearance& coded, int width, int height) {
              return decode_intra(coded.bytes, coded.codec, width, height);
            }};
  }
  log::warning(
      "This build of libav has no encoder for key pictures (av1, hevc, h264); none are sent.");
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

Profile choose_profile(const Arguments& arguments, const RateRequest& rate,
                       const std::optional<double>& seconds, const ModelPackage& package,
                       const StreamInfo& info) {
  if (arguments.profile != "auto") {
    const auto profile = parse_profile(arguments.profile);
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
  return automatic_profile(bit_rate, info.work_width, info.work_height);
}

StreamInfo stream_info(const Arguments& arguments, const VideoInfo& video,
                       const ModelPackage& package) {
  StreamInfo info;
  info.width = video.width;
  info.height = video.height;
  if (arguments.size.empty()) {
    const auto size = default_work_size(video.width, video.height);
    info.work_width = size.width;
    info.work_height = size.height;
  } else {
    const auto size = parse_size(arguments.size);
    check_work_size(size.width, size.height);
    info.work_width = size.width;
    info.work_height = size.height;
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

HwAccel hwaccel_mode(const std::string& text) {
  if (text == "none") return HwAccel::none;
  return text == "auto" ? HwAccel::automatic : HwAccel::cuda;
}

AudioMode audio_mode(const std::string& text) {
  if (text == "none") return AudioMode::none;
  if (text == "copy") return AudioMode::copy;
  return AudioMode::opus;
}

std::vector<double> parse_times(const std::string& text) {
  std::vector<double> times;
  std::stringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) times.push_back(parse_seconds(part));
  return times;
}

/// Seconds between anchors at most. A frame behind an anchor waits for the next one, so the first
/// of them waits one frame less than the anchors are apart.
double most_interval(const Arguments& arguments, const VideoInfo& video) {
  const double latency = parse_seconds(arguments.latency.empty() ? "200ms" : arguments.latency);
  const double frame = video.frame_rate.known() ? 1 / video.frame_rate.value() : 0.0;
  log::info("Low delay: a frame waits at most " + std::to_string(std::lround(latency * 1000)) +
            " ms for the anchor that completes it, and computing time comes on top.");
  return std::max(latency + frame, 1e-3);
}

EncoderOptions encoder_options(const Arguments& arguments, const RateRequest& rate,
                               Profile profile) {
  EncoderOptions options;
  options.profile = profile;
  options.quality = arguments.quality.value_or(default_quality(profile));
  options.keyint = parse_seconds(arguments.keyint);
  options.scene_cut = !arguments.no_scene_cut;
  if (arguments.fixed_interval) options.patience = 1;
  options.keys = parse_times(arguments.force_key);
  options.base_effort = arguments.effort;
  // What a pass decides takes effect behind the look-ahead, so a lone pass looks less far.
  const bool lone_pass = rate.targeted() && rate.passes == 1;
  options.base_look_ahead =
      arguments.look_ahead.value_or(lone_pass ? kLonePassLookAhead : kLookAhead);
  options.overrides = parse_overrides(arguments.point);
  if (options.profile == Profile::hybrid) {
    options.base_coder = make_base_coder;
    options.base_decoder = make_decode_base;
    options.base_trials = std::make_shared<BaseTrialMemory>();
  } else {
    options.key_codec = key_codec();
  }
  // Copied audio is what it is: it counts only where the size of the whole file is asked for.
  options.count_audio = rate.target_bits || audio_mode(arguments.audio) != AudioMode::copy;
  if (rate.max_rate) options.peak.emplace(*rate.max_rate, rate.window);
  return options;
}

void report(const Arguments& arguments, const EncodeJob& job, const RateRequest& rate,
            const Encoded& encoded) {
  const RunResult& result = encoded.result;
  if (!result.warning.empty()) log::warning(result.warning);
  const auto& stats = result.stats;
  const auto per_second = [&](std::uint64_t bytes) {
    return result.seconds > 0 ? format_bitrate(8.0 * static_cast<double>(bytes) / result.seconds)
                              : "-";
  };
  log::info(
      "Wrote " + arguments.output + ": " + std::to_string(result.frames) + " frames, " +
      std::to_string(stats.anchors) + " anchors, " + format_bytes(stats.bytes) + ", " +
      per_second(stats.bytes) +
      (stats.audio_bytes > 0 ? " (of which audio " + per_second(stats.audio_bytes) + ")" : "") +
      ".");
  const auto verdict = judge(encoded, job, rate);
  if (verdict.warning) {
    log::warning(verdict.sentence);
  } else if (!verdict.sentence.empty()) {
    log::info(verdict.sentence);
  }
  if (result.peak && result.peak->overflows() > 0) {
    char worst[32];
    std::snprintf(worst, sizeof worst, "%.1f", result.peak->fullest() * rate.window);
    log::warning(std::to_string(result.peak->overflows()) + " of " + std::to_string(stats.anchors) +
                 " anchors did not fit --max-rate even at " +
                 "quality 0; the worst needs a window of " + worst + " s.");
  }
}

void encode(const Arguments& arguments, const CommonOptions& common) {
  check_output(arguments.output, arguments.overwrite);
  const bool low_delay = arguments.low_delay || !arguments.latency.empty();
  const auto rate = parse_rate_request(arguments.rate, arguments.input, low_delay);
  const auto package = open_package(arguments.model);
  const auto device = parse_device(arguments.device);
  set_deterministic(arguments.deterministic);
  // How an operator shares its sums among threads may show in the last bit.
  set_threads(arguments.deterministic ? 1 : arguments.threads);

  ReaderOptions reading;
  reading.audio = audio_mode(arguments.audio);
  if (reading.audio == AudioMode::opus && arguments.audio != "opus") {
    reading.audio_bit_rate = parse_bitrate(arguments.audio.substr(5));
  }
  reading.threads = arguments.threads;
  reading.hwaccel = hwaccel_mode(arguments.hwaccel);
  reading.cancelled = [] { return interrupted(); };
  VideoReader reader(arguments.input, reading);

  EncodeJob job;
  job.input = arguments.input;
  job.skip = arguments.skip;
  job.limit = arguments.limit;
  job.maps = arguments.maps;
  job.video = reader.info();
  job.info = stream_info(arguments, job.video, package);
  const auto profile = choose_profile(arguments, rate, job.expected_seconds(), package, job.info);
  job.info.profile = to_string(profile);
  require(job.maps.empty() || profile != Profile::hybrid, ErrorKind::usage,
          "--maps needs edge and colour maps; use --profile semantic or paper.");
  job.options = encoder_options(arguments, rate, profile);
  job.low_delay = low_delay;
  if (low_delay) {
    job.options.most_interval = most_interval(arguments, job.video);
    job.options.look_ahead = 0;
    job.options.base_look_ahead = 0;
  }
  job.options.duration = job.expected_seconds();
  job.make_encoder = [&](const EncoderOptions& options, StreamWriter& writer) {
    return options.profile == Profile::hybrid
               ? make_hybrid_encoder(options, job.info, writer)
               : make_semantic_encoder(options, job.info, load_models(package, device), writer);
  };
  job.open = [&] {
    VideoReader again(arguments.input, reading);
    again.set_output_size(job.info.work_width, job.info.work_height);
    return again;
  };
  job.anchor_list = !arguments.stats.empty();
  job.progress = parse_progress_mode(common.progress);
  reader.set_output_size(job.info.work_width, job.info.work_height);
  if (!job.maps.empty()) make_map_folder(job.maps);
  log::info("Encoding " + arguments.input + " (" + std::to_string(job.video.width) + "x" +
            std::to_string(job.video.height) + ", " + job.video.codec + ") at " +
            std::to_string(job.info.work_width) + "x" + std::to_string(job.info.work_height) +
            " on " + describe(device) + ".");

  const auto encoded = encode_in_passes(reader, job, rate, arguments.output);
  report(arguments, job, rate, encoded);
  if (!arguments.stats.empty()) {
    write_stats(arguments.stats, job, arguments.output, rate, encoded.result, encoded.passes);
  }
  throw_if_interrupted();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Encodes a video to a .sem stream of edges, colours and motion");
  CommonOptions common;
  auto versions = media_versions();
  add_common_options(app, common, version_text("semcodec-encode", versions));
  Arguments a;
  app.add_option("INPUT", a.input, "Video to encode; - is stdin")->required();
  app.add_option("OUTPUT", a.output, "Stream to write (.sem); - is stdout")->required();
  app.add_flag("-y,--overwrite", a.overwrite, "Overwrite the output");
  app.add_option("--size", a.size,
                 "Working size WxH, multiples of 16 (default: 512 on the long side)");
  app.add_option(
         "--profile", a.profile,
         "hybrid (base pictures), semantic (edges and colours), paper (these for every frame) "
         "or auto (hybrid, but semantic at the lowest rates)")
      ->capture_default_str();
  app.add_option("--quality", a.quality,
                 "0 (fewest bits) to 100 (default: 60 with base pictures, 80 without)")
      ->check(CLI::Range(0.0, 100.0));
  app.add_option("--bitrate", a.rate.bitrate,
                 "Target in bit/s, with k or M: 8k (instead of --quality)");
  app.add_option("--target-size", a.rate.target_size,
                 "Target size of the file in bytes, with K or M: 500K (instead of --quality)");
  app.add_option("--passes", a.rate.passes, "1 or 2 (default: 2 for a target and a file, else 1)")
      ->check(CLI::Range(1, 2));
  app.add_option("--max-rate", a.rate.max_rate,
                 "Peak in bit/s that a link carries, see --rate-window");
  app.add_option("--rate-window", a.rate.window, "Delay that such a link may add")
      ->capture_default_str();
  app.add_option("--model", a.model, "Model package: a name in models/zoo or a folder")
      ->capture_default_str();
  app.add_option("--device", a.device, "auto, cpu or cuda:N")->capture_default_str();
  app.add_option("--hwaccel", a.hwaccel,
                 "Where the source is decoded: none (the CPU), auto or cuda (NVDEC)")
      ->check(CLI::IsMember({"none", "auto", "cuda"}))
      ->capture_default_str();
  app.add_option("--threads", a.threads, "Threads; 0 = one a core")->check(CLI::Range(0, 1024));
  app.add_flag("--deterministic", a.deterministic,
               "The same bits every time on one machine, for any --threads");
  app.add_option("--skip", a.skip, "Leave out this many frames first")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--limit", a.limit, "Encode at most this many frames; 0 = all")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--keyint", a.keyint, "Longest time between entry points; 0 = only the first")
      ->capture_default_str();
  app.add_option("--force-key", a.force_key,
                 "Entry points at these times since the first frame: 5,1:30");
  app.add_flag("--low-delay", a.low_delay, "No frame waits longer than --latency for its anchor");
  app.add_option("--latency", a.latency, "Longest wait of --low-delay (default: 200ms)");
  app.add_flag("--fixed-interval", a.fixed_interval,
               "Anchors come on a grid even where nothing changes");
  app.add_flag("--no-scene-cut", a.no_scene_cut, "No anchors forced at scene cuts");
  app.add_option("--audio", a.audio, "copy, none, opus or opus:RATE")
      ->check([](const std::string& text) {
        const bool good =
            text == "copy" || text == "none" || text == "opus" || text.rfind("opus:", 0) == 0;
        return good ? std::string() : "should be copy, none, opus or opus:RATE, not " + text;
      })
      ->capture_default_str();
  app.add_option("--point", a.point,
                 "Parts of the operating point by hand: colour=16x12,edges=8x4,texture=4,"
                 "interval=0.4,key=30,motion=16");
  app.add_option("--stats", a.stats, "Write bits by anchor and modality to this JSON file");
  app.add_option("--effort", a.effort,
                 "Speed of the base pictures' encoder, libaom's cpu-used: 0 (slow, small) to 9")
      ->check(CLI::Range(0, 9))
      ->capture_default_str();
  app.add_option(
         "--look-ahead", a.look_ahead,
         "Base pictures that their encoder sees before it codes one (default: 35; 10 in one "
         "pass with a target; 0 with --low-delay)")
      ->check(CLI::Range(0, 48));
  app.add_option("--maps", a.maps, "Write edge and colour maps as pictures to this folder");
  return run_main(app, argc, argv, [&] { encode(a, common); });
}
