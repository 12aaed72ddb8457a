// semcodec-decode: a .sem stream to a video.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>

#include "common/app/interrupt.h"
#include "common/app/progress.h"
#include "common/app/run_main.h"
#include "common/app/units.h"
#include "common/app/version.h"
#include "common/core/error.h"
#include "common/core/file.h"
#include "common/core/log.h"
#include "common/media/versions.h"
#include "common/packets/packet_source.h"
#include "decoder/play/frame_output.h"
#include "decoder/play/polled_input.h"
#include "decoder/playback/memory_estimate.h"
#include "semcodec/decoder.h"
#include "semcodec/video_reader.h"
#include "semcodec/video_writer.h"

namespace {

using namespace semcodec;

struct Arguments {
  std::string input, output;
  bool overwrite = false;
  std::string model, device = "auto", size, format, side_by_side, preset = "ultrafast";
  std::string vcodec = "libx264";
  std::string start, to;
  int threads = 0, crf = 18;
  std::int64_t skip = 0, limit = 0;
  std::optional<double> detail;
  bool strict = false, any_model = false, low_delay = false, no_flow = false, no_audio = false,
       deterministic = false, packets = false, play = false;
  std::string max_size, max_memory = "32M";

  bool takes_packets() const { return packets || is_link(input); }
};

/// --max-size, or its default.
PictureSize largest_size(const Arguments& arguments) {
  return arguments.max_size.empty() ? PictureSize{2048, 2048} : parse_size(arguments.max_size);
}

/// Pastes the source's frame at (nearly) the same time to the left of each decoded one.
class SideBySide {
 public:
  SideBySide(const std::string& path, int width, int height)
      : reader_(path), width_(width), height_(height) {
    reader_.set_output_size(width, height);
    next_ = reader_.next();
  }
  RgbImage beside(const RgbImage& right, double seconds) {
    const double unit = reader_.info().time_base.value();
    while (next_ && static_cast<double>(next_->pts) * unit <= seconds + 1e-3) {
      current_ = std::move(next_);
      next_ = reader_.next();
    }
    RgbImage both(2 * width_, height_);
    const auto row_bytes = std::size_t{3} * static_cast<std::size_t>(width_);
    for (int y = 0; y < height_; ++y) {
      if (current_) std::memcpy(both.row(y), current_->image.row(y), row_bytes);
      std::memcpy(both.row(y) + row_bytes, right.row(y), row_bytes);
    }
    return both;
  }

 private:
  VideoReader reader_;
  int width_, height_;
  std::optional<VideoFrame> next_, current_;
};

WriterOptions writer_options(const Arguments& arguments, const StreamInfo& info) {
  WriterOptions options;
  options.width = info.width;
  options.height = info.height;
  const auto largest = largest_size(arguments);
  fit_inside(largest.width, largest.height, options.width, options.height);
  if (arguments.size.empty() && options.width != info.width && arguments.side_by_side.empty()) {
    log::info("The source was " + std::to_string(info.width) + "x" + std::to_string(info.height) +
              "; the output is scaled down to " + std::to_string(options.width) + "x" +
              std::to_string(options.height) + ". --max-size or --size give another size.");
  }
  if (arguments.size == "work" || !arguments.side_by_side.empty()) {
    options.width = info.coded_width * (arguments.side_by_side.empty() ? 1 : 2);
    options.height = info.coded_height;
  } else if (!arguments.size.empty()) {
    const auto size = parse_size(arguments.size);
    options.width = size.width;
    options.height = size.height;
  }
  options.time_base = {info.time_base_num, info.time_base_den};
  options.frame_rate = {info.frame_rate_num, info.frame_rate_den};
  options.sample_aspect = {info.sar_num, info.sar_den};
  options.format = arguments.format;
  options.encoder = arguments.vcodec;
  options.crf = arguments.crf;
  options.preset = arguments.preset;
  options.threads = arguments.threads;
  options.max_waiting = static_cast<std::uint64_t>(parse_bytes(arguments.max_memory));
  options.cancelled = interrupted;
  return options;
}

/// At the size of the output, wider or narrower where its pixels are no squares.
WindowOptions window_options(const Arguments& arguments, const WriterOptions& writer) {
  WindowOptions options;
  options.title = "semcodec: " + arguments.input;
  const double width = writer.width * std::clamp(writer.sample_aspect.value(), 0.1, 10.0);
  options.width = std::max(1, static_cast<int>(std::lround(width)));
  options.height = writer.height;
  options.live = is_link(arguments.input);
  options.cancelled = interrupted;
  return options;
}

StreamDecoderOptions decoder_options(const Arguments& arguments) {
  StreamDecoderOptions options;
  options.model = arguments.model;
  options.any_model = arguments.any_model;
  options.device = arguments.device;
  options.threads = arguments.threads;
  options.deterministic = arguments.deterministic;
  options.strict = arguments.strict;
  options.detail = arguments.detail;
  options.refine_flow = !arguments.no_flow;
  options.low_delay = arguments.low_delay;
  if (!arguments.start.empty()) options.start = parse_seconds(arguments.start);
  if (!arguments.to.empty()) options.end = parse_seconds(arguments.to);
  options.skip = arguments.skip;
  options.limit = arguments.limit;
  const auto largest = largest_size(arguments);
  options.max_width = largest.width;
  options.max_height = largest.height;
  options.max_waiting = static_cast<std::uint64_t>(parse_bytes(arguments.max_memory));
  // Who says a size has thought of the memory that it takes.
  if (!arguments.max_size.empty()) options.max_memory = 0;
  // Packets end by themselves then, and what was received is kept.
  if (!arguments.takes_packets()) options.cancelled = interrupted;
  return options;
}

/// A decoder, and where its stream comes from when that is packets.
struct Receiver {
  std::shared_ptr<PacketSource> packets;
  std::unique_ptr<StreamDecoder> decoder;
};

/// `closed`: nobody looks any more, so nothing is waited for.
Receiver open_receiver(const Arguments& arguments, const std::atomic<bool>& closed) {
  constexpr double kPatience = 1;  // seconds, for packets of links without error correction
  const auto options = decoder_options(arguments);
  const auto stop = [&closed] { return closed || interrupted(); };
  const std::string name = arguments.input == "-" ? "The stream on stdin" : arguments.input;
  Receiver out;
  if (arguments.takes_packets()) {
    ReceiverOptions receiving;
    receiving.patience = is_link(arguments.input) ? kPatience : 0;
    receiving.max_waiting = options.max_waiting;
    out.packets =
        std::make_shared<PacketSource>(open_packet_input(arguments.input), receiving, stop);
    out.decoder = std::make_unique<StreamDecoder>(
        [packets = out.packets](std::span<std::uint8_t> to) { return packets->read(to); }, name,
        options);
  } else if (arguments.play && may_block(arguments.input)) {
    out.decoder =
        std::make_unique<StreamDecoder>(polled_input(arguments.input, stop), name, options);
  } else {
    out.decoder = std::make_unique<StreamDecoder>(arguments.input, options);
  }
  return out;
}

/// What went wrong on the way, once all frames are out.
void report(const Arguments& arguments, const Receiver& receiver) {
  const StreamDecoder& decoder = *receiver.decoder;
  const auto status = decoder.status();
  const bool cut_short = status == StreamStatus::truncated || status == StreamStatus::damaged;
  if (cut_short && arguments.limit == 0) {
    log::warning(arguments.input + " is " + to_string(status) + ": " + decoder.problem());
  }
  if (decoder.concealed_frames() > 0) {
    log::warning(std::to_string(decoder.concealed_frames()) +
                 " frames were lost and concealed by what came before and behind them.");
  }
  if (decoder.audio_left_out() > 0) {
    log::warning(std::to_string(decoder.audio_left_out()) +
                 " audio packets came too long before their pictures and were left out; "
                 "--max-memory allows more.");
  }
  if (receiver.packets) {
    if (!receiver.packets->problem().empty()) log::warning(receiver.packets->problem());
    log::info(arguments.input + ": " + describe(receiver.packets->stats()) + ".");
  }
}

void decode(Arguments arguments, const CommonOptions& common) {
  require(arguments.play || !arguments.output.empty(), ErrorKind::usage,
          "Name an OUTPUT to write, or give --play.");
  if (!arguments.output.empty()) {
    check_output(arguments.output, arguments.overwrite);
    // Before the decoding: an encoder that is not there is said at once.
    arguments.vcodec = choose_video_encoder(arguments.vcodec, arguments.output, arguments.format);
  }
  std::atomic<bool> closed{false};
  const Receiver receiver = open_receiver(arguments, closed);
  StreamDecoder& decoder = *receiver.decoder;
  const StreamInfo& info = decoder.info();
  log::info("Decoding " + arguments.input + " (" + std::to_string(info.width) + "x" +
            std::to_string(info.height) + ", generated at " + std::to_string(info.coded_width) +
            "x" + std::to_string(info.coded_height) + ") on " + decoder.device() + ".");
  std::optional<SideBySide> beside;
  if (!arguments.side_by_side.empty()) {
    beside.emplace(arguments.side_by_side, info.coded_width, info.coded_height);
  }
  FrameOutputOptions where;
  where.path = arguments.output;
  where.writer = writer_options(arguments, info);
  where.live = is_link(arguments.input);
  where.cancelled = interrupted;
  if (arguments.play) {
    where.window = window_options(arguments, where.writer);
    where.window->on_close = [&] {
      closed = true;
      decoder.cancel();
    };
  }
  FrameOutput output(where);
  Progress progress(parse_progress_mode(common.progress), "decode", decoder.expected_frames());
  std::optional<Error> unreadable;
  try {
    while (auto frame = decoder.next()) {
      if (output.frames() == 0) {
        output.begin(arguments.no_audio ? std::nullopt : decoder.audio_info());
      }
      output.write(decoder.take_audio());
      auto picture =
          beside ? beside->beside(frame->image, frame->seconds) : std::move(frame->image);
      if (!output.write(std::move(picture), frame->pts, frame->seconds)) break;
      progress.update(output.frames(), frame->seconds);
    }
  } catch (const Error& error) {
    // An input that cannot be read any further leaves what came before it.
    if (error.kind() != ErrorKind::input || output.frames() == 0) throw;
    unreadable = error;
  }
  if (!receiver.packets) throw_if_interrupted();
  const bool some = output.frames() > 0;
  if (!closed) {
    require(some || (arguments.start.empty() && arguments.to.empty()), ErrorKind::input,
            arguments.input + " has no frame between --start and --to.");
    require(some, ErrorKind::corrupt,
            arguments.input + " holds no frame that can be decoded" +
                (decoder.problem().empty() ? "." : ": " + decoder.problem()));
  }
  output.write(decoder.take_audio());
  output.finish();
  progress.finish();
  if (!unreadable && !closed) report(arguments, receiver);
  log::info(output.summary());
  if (unreadable) throw *unreadable;
  throw_if_interrupted();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Decodes a .sem stream to a video");
  CommonOptions common;
  add_common_options(app, common, version_text("semcodec-decode", media_versions()));
  Arguments a;
  app.add_option("INPUT", a.input,
                 "Stream to decode; - is stdin; udp:// and kiss:// receive packets")
      ->required();
  app.add_option("OUTPUT", a.output,
                 "Video to write (.mp4, .mkv, .ts, .y4m); - is stdout (y4m); also an address: "
                 "udp://, tcp://, srt://, rtp:// ...");
  app.add_flag("--play", a.play, "Show the video in a window, instead of an OUTPUT or besides");
  app.add_flag("-y,--overwrite", a.overwrite, "Overwrite the output");
  app.add_option("--model", a.model, "Model package (default: the one that the stream names)");
  app.add_flag("--any-model", a.any_model, "Go on with a model that the stream was not made for");
  app.add_option("--device", a.device, "auto, cpu or cuda:N")->capture_default_str();
  app.add_option("--threads", a.threads, "Threads; 0 = one a core")->check(CLI::Range(0, 1024));
  app.add_flag("--deterministic", a.deterministic,
               "The same bits every time on one machine, for any --threads");
  app.add_option("--size", a.size, "Output size WxH, or 'work' (default: the source's size)");
  app.add_option("-f,--format", a.format,
                 "mp4, mkv, mpegts, flv, rtp, y4m or null (default: by the name)");
  app.add_option("--vcodec", a.vcodec,
                 "Video encoder: libx264, h264_nvenc, hevc_nvenc or auto (NVENC where it works)")
      ->capture_default_str();
  app.add_option("--crf", a.crf, "Quality of the H.264 or HEVC output, 0 to 51 (NVENC: its cq)")
      ->check(CLI::Range(0, 51))
      ->capture_default_str();
  app.add_option("--preset", a.preset,
                 "Speed of that encoder: ultrafast to placebo, NVENC also p1 to p7")
      ->capture_default_str();
  app.add_option("--side-by-side", a.side_by_side, "Put this source left of the decoded video");
  app.add_option("--start", a.start, "Begin at this time since the first frame: 12.5, 1:02:03");
  app.add_option("--to", a.to, "Stop before this time since the first frame");
  app.add_option("--skip", a.skip, "Leave out this many frames first")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--limit", a.limit, "Write at most this many frames; 0 = all")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--strict", a.strict, "Stop at the first damage instead of going on");
  app.add_flag("--no-flow-refinement", a.no_flow, "Use the transmitted motion as it is");
  app.add_option("--detail", a.detail,
                 "From faithful (0) to vivid (1), where the stream has base pictures (default: the "
                 "model's)")
      ->check(CLI::Range(0.0, 1.0));
  app.add_flag("--low-delay", a.low_delay, "No coded frame waits for the next one");
  app.add_flag("--no-audio", a.no_audio, "Leave the audio out");
  app.add_flag("--packets", a.packets,
               "INPUT holds packets (docs/packets.md); udp://:PORT and kiss://HOST:PORT do anyway");
  app.add_option("--max-size", a.max_size,
                 "Refuse streams coded at a larger size WxH, and scale the output down to it "
                 "(default: 2048 on a side)");
  app.add_option("--max-memory", a.max_memory,
                 "Bytes that may wait undelivered, with K, M or G: audio before its pictures, "
                 "packets before those that are missing")
      ->capture_default_str();
  return run_main(app, argc, argv, [&] { decode(a, common); });
}
