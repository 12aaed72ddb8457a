// semcodec-encode: a video to a .sem stream.

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <memory>
#include <sstream>

#include "common/app/interrupt.h"
#include "common/app/progress.h"
#include "common/app/run_main.h"
#include "common/app/units.h"
#include "common/app/version.h"
#include "common/core/error.h"
#include "common/core/file.h"
#include "common/core/log.h"
#include "common/media/versions.h"
#include "common/packets/packet_stream.h"
#include "semcodec/encode_file.h"

namespace {

using namespace semcodec;

/// Seconds between entry points by --resilience.
constexpr std::array<double, 4> kKeyints = {20, 4, 2, 1};

constexpr const char* kEntryFec = "50%";

struct Arguments {
  std::string input, output;
  bool overwrite = false;
  std::string size, profile = "auto", model = "default", device = "auto", hwaccel = "none";
  std::string audio = "copy", keyint, stats, maps, point, force_key, latency;
  std::string bitrate, target_size, max_rate, window = "2s";
  std::optional<double> quality;
  std::optional<int> look_ahead;
  bool no_scene_cut = false, fixed_interval = false, low_delay = false, deterministic = false;
  int threads = 0, effort = 3, passes = 0, resilience = 0;
  bool packets = false;
  std::size_t packet_size = 0;
  std::string fec = "0%", entry_fec, control, input_format, input_settings;
  bool realtime = false;
  std::int64_t skip = 0, limit = 0;
};

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

std::optional<double> parse_optional_rate(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return static_cast<double>(parse_bitrate(text));
}

StreamEncoderOptions encoder_options(const Arguments& arguments) {
  StreamEncoderOptions options;
  options.profile = arguments.profile;
  options.model = arguments.model;
  options.device = arguments.device;
  options.threads = arguments.threads;
  options.deterministic = arguments.deterministic;
  if (!arguments.size.empty()) {
    const auto size = parse_size(arguments.size);
    options.width = size.width;
    options.height = size.height;
  }
  options.point = arguments.point;
  options.quality = arguments.quality;
  options.bit_rate = parse_optional_rate(arguments.bitrate);
  options.max_rate = parse_optional_rate(arguments.max_rate);
  options.rate_window = parse_seconds(arguments.window);
  options.keyint = arguments.keyint.empty()
                       ? kKeyints[static_cast<std::size_t>(arguments.resilience)]
                       : parse_seconds(arguments.keyint);
  options.keys = parse_times(arguments.force_key);
  options.scene_cut = !arguments.no_scene_cut;
  options.fixed_interval = arguments.fixed_interval;
  options.low_delay = arguments.low_delay || !arguments.latency.empty();
  if (!arguments.latency.empty()) options.latency = parse_seconds(arguments.latency);
  options.look_ahead = arguments.look_ahead;
  options.effort = arguments.effort;
  return options;
}

/// "30%" as 0.3.
double parse_share(const std::string& option, const std::string& text) {
  std::size_t used = 0;
  double value = -1;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  const bool percent = used > 0 && (text.substr(used) == "%" || text.substr(used).empty());
  require(percent && value >= 0 && value <= 100, ErrorKind::usage,
          option + " should be 0% to 100%, parity packets for each packet, not " + text + ".");
  return value / 100;
}

/// What --packets or the address of a link ask for.
std::optional<PacketStreamOptions> packet_options(const Arguments& arguments) {
  const bool wanted = arguments.packets || is_link(arguments.output);
  const double fec = parse_share("--fec", arguments.fec);
  require(wanted || (arguments.packet_size == 0 && fec == 0 && arguments.entry_fec.empty()),
          ErrorKind::usage, "--packet-size, --fec and --entry-fec are for packets; add --packets.");
  if (!wanted) return std::nullopt;
  PacketStreamOptions options;
  options.link = parse_link(arguments.output);
  options.packets.size = arguments.packet_size > 0
                             ? arguments.packet_size
                             : options.link.packet_size.value_or(usual_packet_size(options.link));
  options.packets.fec = fec;
  // What a peak leaves is reckoned with the same parity for all packets.
  const std::string usual = arguments.max_rate.empty() ? kEntryFec : "0%";
  options.packets.entry_fec =
      parse_share("--entry-fec", arguments.entry_fec.empty() ? usual : arguments.entry_fec);
  const bool live = arguments.low_delay || !arguments.latency.empty();
  if (live) {
    // A block and the packets that wait to be full add to how long a picture is on its way.
    const double latency = parse_seconds(arguments.latency.empty() ? "200ms" : arguments.latency);
    options.packets.block_seconds = latency;
    options.packets.fill_seconds = 0;
  }
  options.max_rate = parse_optional_rate(arguments.max_rate);
  options.window = parse_seconds(arguments.window);
  options.cancelled = interrupted;
  return options;
}

EncodeFileOptions file_options(const Arguments& arguments) {
  EncodeFileOptions options;
  options.encoder = encoder_options(arguments);
  options.packets = packet_options(arguments);
  options.control = arguments.control;
  if (options.packets) {
    auto& peak = options.encoder.max_rate;
    // The peak holds for everything on the wire.
    const auto extra = transport_bytes(options.packets->link);
    const double expansion = wire_expansion(options.packets->packets, extra);
    const auto mean = options.encoder.bit_rate;
    require(!peak || !mean || *mean * expansion <= *peak, ErrorKind::usage,
            "--bitrate " + arguments.bitrate + " takes about " +
                format_bitrate(mean.value_or(0) * expansion) +
                " as packets with this --fec, more than --max-rate; lower it.");
    if (peak) *peak /= expansion;
    log::info("Packets of up to " + std::to_string(options.packets->packets.size) +
              " bytes, forward error correction " + arguments.fec + ".");
  }
  if (!arguments.target_size.empty()) {
    options.target_size = static_cast<double>(parse_bytes(arguments.target_size));
  }
  options.passes = arguments.passes;
  // A link is sent to while the video is coded, and commands change what a first pass has seen.
  const bool once = (options.packets && is_link(arguments.output)) || !arguments.control.empty();
  require(!once || options.passes < 2, ErrorKind::usage,
          "Two passes do not go with a link or --control; use --passes 1.");
  if (once) options.passes = 1;
  options.skip = arguments.skip;
  options.limit = arguments.limit;
  options.audio = audio_mode(arguments.audio);
  if (options.audio == AudioMode::opus && arguments.audio != "opus") {
    options.audio_bit_rate = parse_bitrate(arguments.audio.substr(5));
  }
  options.hwaccel = hwaccel_mode(arguments.hwaccel);
  options.input_format = arguments.input_format;
  options.input_settings = arguments.input_settings;
  options.realtime = arguments.realtime;
  options.stats = arguments.stats;
  options.maps = arguments.maps;
  options.cancelled = interrupted;
  return options;
}

/// Shows each pass on a line of its own.
class PassProgress {
 public:
  explicit PassProgress(ProgressMode mode) : mode_(mode) {}
  void update(const EncodeProgress& now) {
    if (!line_) line_ = std::make_unique<Progress>(mode_, now.task, now.expected_frames);
    line_->update(now.frames, now.seconds, now.bytes);
    if (!now.done) return;
    line_->finish();
    line_.reset();
  }

 private:
  ProgressMode mode_;
  std::unique_ptr<Progress> line_;
};

void report(const Arguments& arguments, const EncodeSummary& summary) {
  if (!summary.source_warning.empty() && !summary.source_failed) {
    log::warning(summary.source_warning);
  }
  const auto& stats = summary.stats;
  const auto per_second = [&](std::uint64_t bytes) {
    return summary.seconds > 0 ? format_bitrate(8.0 * static_cast<double>(bytes) / summary.seconds)
                               : "-";
  };
  log::info(
      "Wrote " + arguments.output + ": " + std::to_string(summary.frames) + " frames, " +
      std::to_string(stats.coded_frames) + " coded frames, " + format_bytes(stats.bytes) + ", " +
      per_second(stats.bytes) +
      (stats.audio_bytes > 0 ? " (of which audio " + per_second(stats.audio_bytes) + ")" : "") +
      ".");
  if (arguments.realtime) {
    log::info(std::to_string(summary.dropped_frames) + " of " +
              std::to_string(summary.frames + summary.dropped_frames) +
              " frames were dropped, for which the encoder was not ready in time.");
  }
  if (!summary.packets.empty()) log::info(arguments.output + ": " + summary.packets);
  if (summary.target_missed) {
    log::warning(summary.target);
  } else if (!summary.target.empty()) {
    log::info(summary.target);
  }
  if (summary.peak_overflows > 0) {
    char worst[32];
    std::snprintf(worst, sizeof worst, "%.1f", summary.peak_window);
    log::warning(std::to_string(summary.peak_overflows) + " of " +
                 std::to_string(stats.coded_frames) +
                 " coded frames did not fit --max-rate even at " +
                 "quality 0; the worst needs a window of " + worst + " s.");
  }
}

void encode(const Arguments& arguments, const CommonOptions& common) {
  check_output(arguments.output, arguments.overwrite);
  auto options = file_options(arguments);
  PassProgress progress(parse_progress_mode(common.progress));
  options.progress = [&](const EncodeProgress& now) { progress.update(now); };
  const auto summary = encode_file(arguments.input, arguments.output, options);
  report(arguments, summary);
  throw_if_interrupted();
  require(!summary.source_failed, ErrorKind::input, summary.source_warning);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Encodes a video to a .sem stream of edges, colours and motion");
  CommonOptions common;
  auto versions = media_versions();
  add_common_options(app, common, version_text("semcodec-encode", versions));
  Arguments a;
  app.add_option(
         "INPUT", a.input,
         "Video to encode; - is stdin; also an address (rtsp://, srt:// ...) or, with -f, a "
         "device")
      ->required();
  app.add_option("OUTPUT", a.output,
                 "Stream to write (.sem); - is stdout; udp:// and kiss:// send packets")
      ->required();
  app.add_flag("-y,--overwrite", a.overwrite, "Overwrite the output");
  app.add_option("-f,--input-format", a.input_format,
                 "libav's name of the input's format or device: v4l2, lavfi (default: found out)");
  app.add_option("--input-options", a.input_settings,
                 "libav's options for it: framerate=30:video_size=640x480");
  app.add_flag("--realtime", a.realtime,
               "Drop frames rather than fall behind; files are read at the pace of their times");
  app.add_option("--size", a.size,
                 "Coded size WxH, multiples of 16 (default: 512 on the long side)");
  app.add_option(
         "--profile", a.profile,
         "hybrid (base pictures), semantic (edges and colours), paper (these for every frame) "
         "or auto (hybrid, but semantic at the lowest rates)")
      ->capture_default_str();
  app.add_option("--quality", a.quality,
                 "0 (fewest bits) to 100 (default: 60 with base pictures, 80 without)")
      ->check(CLI::Range(0.0, 100.0));
  app.add_option("--bitrate", a.bitrate, "Target in bit/s, with k or M: 8k (instead of --quality)");
  app.add_option("--target-size", a.target_size,
                 "Target size of the file in bytes, with K or M: 500K (instead of --quality)");
  app.add_option("--passes", a.passes, "1 or 2 (default: 2 for a target and a file, else 1)")
      ->check(CLI::Range(1, 2));
  app.add_option("--max-rate", a.max_rate, "Peak in bit/s that a link carries, see --rate-window");
  app.add_option("--rate-window", a.window, "Delay that such a link may add")
      ->capture_default_str();
  app.add_option("--model", a.model, "Model package: a name (see SEMCODEC_MODEL_PATH) or a folder")
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
  app.add_option("--keyint", a.keyint,
                 "Longest time between entry points; 0 = only the first (default: 20s)");
  app.add_option(
         "--resilience", a.resilience,
         "Recovery after losses: 0, or 1 to 3 for entry points every 4, 2 or 1 s instead of "
         "every 20 (unless --keyint says otherwise)")
      ->check(CLI::Range(0, 3));
  app.add_option("--force-key", a.force_key,
                 "Entry points at these times since the first frame: 5,1:30");
  app.add_flag("--low-delay", a.low_delay,
               "No frame waits longer than --latency for its coded frame");
  app.add_option("--latency", a.latency, "Longest wait of --low-delay (default: 200ms)");
  app.add_flag("--fixed-interval", a.fixed_interval,
               "Coded frames come on a grid even where nothing changes");
  app.add_flag("--no-scene-cut", a.no_scene_cut, "No coded frames forced at scene cuts");
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
  app.add_option("--stats", a.stats, "Write bits by coded frame and modality to this JSON file");
  app.add_option("--effort", a.effort,
                 "Speed of the base pictures' encoder, libaom's cpu-used: 0 (slow, small) to 9")
      ->check(CLI::Range(0, 9))
      ->capture_default_str();
  app.add_option(
         "--look-ahead", a.look_ahead,
         "Base pictures that their encoder sees before it codes one (default: 35; 10 in one "
         "pass with a target; 0 with --low-delay)")
      ->check(CLI::Range(0, 48));
  app.add_flag("--packets", a.packets,
               "Write packets (docs/packets.md), each behind its length; links get them anyway");
  app.add_option("--packet-size", a.packet_size,
                 "Bytes of a packet at most (default: 200; 1200 over UDP, 240 over KISS)")
      ->check(CLI::Range(32, 65507));
  app.add_option("--fec", a.fec, "Parity packets for each packet, 0% to 100%")
      ->capture_default_str();
  app.add_option("--entry-fec", a.entry_fec,
                 "The same for the packets of entry points alone, without --fec (default: 50%; 0% "
                 "with --max-rate)");
  app.add_option("--control", a.control,
                 "Obey commands while running: JSON lines from a file, a FIFO or - (stdin)");
  app.add_option("--maps", a.maps, "Write edge and colour maps as pictures to this folder");
  return run_main(app, argc, argv, [&] { encode(a, common); });
}
