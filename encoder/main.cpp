// semcodec-encode: a video to a .sem stream.

#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/app/bounded_queue.h"
#include "common/app/interrupt.h"
#include "common/app/progress.h"
#include "common/app/run_main.h"
#include "common/app/units.h"
#include "common/app/version.h"
#include "common/core/error.h"
#include "common/core/file.h"
#include "common/core/log.h"
#include "common/media/intra_codec.h"
#include "common/media/picture.h"
#include "common/media/reader.h"
#include "common/media/versions.h"
#include "common/semantic/colour_map.h"
#include "encoder/core/encoder.h"
#include "models/core/device.h"
#include "models/package/model_package.h"

namespace {

using namespace semcodec;

struct Arguments {
  std::string input, output;
  bool overwrite = false;
  std::string size, bitrate, profile = "low-rate", model = "default", device = "auto";
  std::string audio = "copy", keyint = "20s", stats, maps, point;
  double quality = 60;
  bool no_scene_cut = false;
  int threads = 0;
  std::int64_t skip = 0, limit = 0;
};

/// One thing that the reading thread hands over: a frame with the audio met before it.
struct Unit {
  std::optional<VideoFrame> frame;
  std::vector<AudioPacket> audio;
};

void read_video(VideoReader& reader, const Arguments& arguments, BoundedQueue<Unit>& queue) {
  try {
    for (std::int64_t i = 0; i < arguments.skip; ++i) {
      if (!reader.skip()) break;
      reader.take_audio();  // belongs to what is skipped
    }
    for (std::int64_t count = 0; arguments.limit == 0 || count < arguments.limit; ++count) {
      if (interrupted()) break;
      Unit unit;
      unit.frame = reader.next();
      unit.audio = reader.take_audio();
      const bool more = unit.frame.has_value();
      if (!queue.push(std::move(unit)) || !more) break;
    }
    queue.close();
  } catch (...) {
    queue.fail(std::current_exception());
  }
}

/// Collects packets and writes them about two seconds at a time, which compresses well and still
/// streams.
class AudioCarrier {
 public:
  AudioCarrier(StreamWriter& writer, const std::optional<AudioInfo>& info) : writer_(writer) {
    if (!info) return;
    writer_.write_audio_info(*info);
    seconds_per_unit_ = info->time_base.value();
  }
  void add(std::vector<AudioPacket> packets) {
    if (seconds_per_unit_ <= 0) return;
    for (auto& packet : packets) batch_.push_back(std::move(packet));
    if (!batch_.empty() && static_cast<double>(batch_.back().pts - batch_.front().pts) *
                                   seconds_per_unit_ >= 2.0) {
      flush();
    }
  }
  void flush() {
    if (batch_.empty()) return;
    writer_.write_audio(batch_);
    batch_.clear();
  }

 private:
  StreamWriter& writer_;
  double seconds_per_unit_ = 0;
  AudioBatch batch_;
};

void write_maps(const std::string& folder, std::int64_t index, const SemanticFrame& frame,
                const StreamInfo& info) {
  const auto bytes = [](const std::vector<float>& planar, int channels, std::size_t area) {
    std::vector<std::uint8_t> out(planar.size());
    for (std::size_t i = 0; i < area; ++i) {
      for (int c = 0; c < channels; ++c) {
        const auto from = static_cast<std::size_t>(c) * area + i;
        out[i * static_cast<std::size_t>(channels) + static_cast<std::size_t>(c)] =
            static_cast<std::uint8_t>(planar[from] * 255.0F + 0.5F);
      }
    }
    return out;
  };
  char name[32];
  std::snprintf(name, sizeof name, "/%06lld", static_cast<long long>(index));
  const int w = info.work_width, h = info.work_height;
  const auto area = static_cast<std::size_t>(w) * static_cast<std::size_t>(h);
  write_png(folder + name + "-colour.png", w, h, 3,
            bytes(render_colour(frame.labels, frame.palette, w, h), 3, area));
  write_png(folder + name + "-edges.png", w, h, 1,
            bytes(render_structure(frame.structure, w, h), 1, area));
}

nlohmann::ordered_json to_json(const AnchorReport& report) {
  const auto bits = [](std::uint64_t cost) {
    return static_cast<double>(cost) / static_cast<double>(kStatsUnitsPerBit);
  };
  return {{"pts", report.pts},
          {"seconds", report.seconds},
          {"bytes", report.bytes},
          {"bits_motion", bits(report.cost.motion)},
          {"bits_palette", bits(report.cost.palette)},
          {"bits_structure", bits(report.cost.structure)},
          {"bits_labels", bits(report.cost.labels)},
          {"bits_texture", bits(report.cost.texture)},
          {"bits_key", 8 * report.key_bytes},
          {"quality", report.quality},
          {"frames_between", report.between},
          {"entry_point", report.entry_point},
          {"cut", report.cut}};
}

/// With the best intra codec that this build of libav can encode; empty when it has none.
KeyEncoder key_encoder() {
  for (const char* codec : {"av1", "hevc", "h264"}) {
    if (!can_encode_intra(codec)) continue;
    return [codec](const RgbImage& picture, int quality) {
      return Appearance{codec, encode_intra(picture, codec, quality)};
    };
  }
  log::warning("This build of libav has no encoder for key pictures (av1, hevc, h264); none are sent.");
  return {};
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
  info.profile = to_string(parse_profile(arguments.profile));
  info.model_name = package.name;
  info.model_hash = package.hash;
  info.encoder = "semcodec-encode " + version();
  return info;
}

AudioMode audio_mode(const std::string& text) {
  if (text == "none") return AudioMode::none;
  if (text == "copy") return AudioMode::copy;
  return AudioMode::opus;
}

void encode(const Arguments& arguments, const CommonOptions& common) {
  check_output(arguments.output, arguments.overwrite);
  const auto package = open_package(arguments.model);
  const auto device = parse_device(arguments.device);
  set_threads(arguments.threads);

  ReaderOptions reading;
  reading.audio = audio_mode(arguments.audio);
  if (reading.audio == AudioMode::opus && arguments.audio != "opus") {
    reading.audio_bit_rate = parse_bitrate(arguments.audio.substr(5));
  }
  reading.threads = arguments.threads;
  reading.cancelled = [] { return interrupted(); };
  VideoReader reader(arguments.input, reading);
  const auto& video = reader.info();
  const auto info = stream_info(arguments, video, package);
  reader.set_output_size(info.work_width, info.work_height);

  EncoderOptions options;
  options.profile = parse_profile(arguments.profile);
  options.quality = arguments.quality;
  if (!arguments.bitrate.empty()) {
    options.bitrate = static_cast<double>(parse_bitrate(arguments.bitrate));
  }
  options.keyint = parse_seconds(arguments.keyint);
  options.scene_cut = !arguments.no_scene_cut;
  options.overrides = parse_overrides(arguments.point);
  options.key_encoder = key_encoder();

  if (!arguments.maps.empty()) {
    std::error_code code;
    std::filesystem::create_directories(arguments.maps, code);
    require(!code, ErrorKind::output, "Cannot make the folder " + arguments.maps + ": " +
                                          code.message() + ".");
  }
  log::info("Encoding " + arguments.input + " (" + std::to_string(video.width) + "x" +
            std::to_string(video.height) + ", " + video.codec + ") at " +
            std::to_string(info.work_width) + "x" + std::to_string(info.work_height) + " on " +
            describe(device) + ".");

  OutputFile file(arguments.output);
  StreamWriter writer(file, info);
  AudioCarrier audio(writer, reader.audio_info());
  EncoderModels models{EdgeDetector(package.edges_path(), device)};
  models.device = device;
  if (package.config.texture.channels > 0) {
    models.texture = load_texture_encoder(package, device, inference_dtype(device));
  }
  Encoder encoder(options, info, std::move(models), writer);
  const auto total = arguments.limit > 0 ? arguments.limit
                                         : std::max<std::int64_t>(0, video.frame_count -
                                                                         arguments.skip);
  Progress progress(parse_progress_mode(common.progress), "encode", total);
  nlohmann::ordered_json anchors = nlohmann::ordered_json::array();
  std::int64_t anchor_index = 0;
  double seconds = 0;
  encoder.set_observer([&](const SemanticFrame& frame, const AnchorReport& report) {
    seconds = report.seconds;
    if (!arguments.stats.empty()) anchors.push_back(to_json(report));
    if (!arguments.maps.empty()) write_maps(arguments.maps, anchor_index, frame, info);
    ++anchor_index;
  });

  BoundedQueue<Unit> queue(8);
  std::thread reading_thread([&] { read_video(reader, arguments, queue); });
  try {
    while (auto unit = queue.pop()) {
      audio.add(std::move(unit->audio));
      if (!unit->frame) continue;
      encoder.push(std::move(unit->frame->image), unit->frame->pts);
      progress.update(encoder.frames(), seconds, writer.stats().bytes);
    }
  } catch (...) {
    queue.cancel();
    reading_thread.join();
    if (interrupted() && encoder.frames() > 0) {
      // What was encoded so far stays decodable.
      encoder.finish();
      writer.finish(!file.is_stdout());
      file.commit();
    }
    throw;
  }
  reading_thread.join();
  require(encoder.frames() > 0, ErrorKind::input,
          arguments.input + " has no frame in the range asked for; lower --skip.");
  encoder.finish();
  audio.flush();
  writer.finish(!file.is_stdout());
  file.commit();
  progress.finish();
  if (!reader.warning().empty()) log::warning(reader.warning());

  const auto& stats = writer.stats();
  const double length = video.frame_rate.known()
                            ? static_cast<double>(encoder.frames()) / video.frame_rate.value()
                            : seconds;
  const auto rate = [&](std::uint64_t bytes) {
    return length > 0 ? format_bitrate(8.0 * static_cast<double>(bytes) / length) : "-";
  };
  log::info("Wrote " + arguments.output + ": " + std::to_string(encoder.frames()) + " frames, " +
            std::to_string(stats.anchors) + " anchors, " + format_bytes(stats.bytes) + ", " +
            rate(stats.bytes) +
            (stats.audio_bytes > 0 ? " (of which audio " + rate(stats.audio_bytes) + ")" : "") +
            ".");
  if (!arguments.stats.empty()) {
    const nlohmann::ordered_json all = {{"input", arguments.input},
                                        {"output", arguments.output},
                                        {"frames", encoder.frames()},
                                        {"seconds", length},
                                        {"bytes", stats.bytes},
                                        {"audio_bytes", stats.audio_bytes},
                                        {"anchors", std::move(anchors)}};
    const std::string text = all.dump(1) + "\n";
    OutputFile out(arguments.stats);
    out.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    out.commit();
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
  app.add_option("--size", a.size, "Working size WxH, multiples of 16 (default: 512 on the long side)");
  app.add_option("--profile", a.profile, "low-rate or paper")->capture_default_str();
  app.add_option("--quality", a.quality, "0 (fewest bits) to 100")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  app.add_option("--bitrate", a.bitrate, "Target in bit/s, with k or M: 8k (instead of --quality)");
  app.add_option("--model", a.model, "Model package: a name in models/zoo or a folder")
      ->capture_default_str();
  app.add_option("--device", a.device, "auto, cpu or cuda:N")->capture_default_str();
  app.add_option("--threads", a.threads, "Threads; 0 = one a core")->check(CLI::Range(0, 1024));
  app.add_option("--skip", a.skip, "Leave out this many frames first")->check(CLI::NonNegativeNumber);
  app.add_option("--limit", a.limit, "Encode at most this many frames; 0 = all")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--keyint", a.keyint, "Longest time between entry points; 0 = only the first")
      ->capture_default_str();
  app.add_flag("--no-scene-cut", a.no_scene_cut, "No anchors forced at scene cuts");
  app.add_option("--audio", a.audio, "copy, none, opus or opus:RATE")
      ->check([](const std::string& text) {
        const bool good = text == "copy" || text == "none" || text == "opus" ||
                          text.rfind("opus:", 0) == 0;
        return good ? std::string() : "should be copy, none, opus or opus:RATE, not " + text;
      })
      ->capture_default_str();
  app.add_option("--point", a.point,
                 "Parts of the operating point by hand: colour=16x12,edges=8x4,texture=4,"
                 "interval=0.4,key=30,motion=16");
  app.add_option("--stats", a.stats, "Write bits by anchor and modality to this JSON file");
  app.add_option("--maps", a.maps, "Write edge and colour maps as pictures to this folder");
  return run_main(app, argc, argv, [&] { encode(a, common); });
}
