// semcodec-decode: a .sem stream to a video.

#include <CLI/CLI.hpp>
#include <cstring>

#include "common/app/interrupt.h"
#include "common/app/progress.h"
#include "common/app/run_main.h"
#include "common/app/units.h"
#include "common/app/version.h"
#include "common/core/error.h"
#include "common/core/file.h"
#include "common/core/log.h"
#include "common/media/versions.h"
#include "semcodec/decoder.h"
#include "semcodec/video_reader.h"
#include "semcodec/video_writer.h"

namespace {

using namespace semcodec;

struct Arguments {
  std::string input, output;
  bool overwrite = false;
  std::string model, device = "auto", size, format, side_by_side, preset = "veryfast";
  std::string vcodec = "libx264";
  std::string start, to;
  int threads = 0, crf = 18;
  std::int64_t skip = 0, limit = 0;
  std::optional<double> detail;
  bool strict = false, any_model = false, low_delay = false, no_flow = false, no_audio = false,
       deterministic = false;
};

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
  if (arguments.size == "work" || !arguments.side_by_side.empty()) {
    options.width = info.work_width * (arguments.side_by_side.empty() ? 1 : 2);
    options.height = info.work_height;
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
  options.cancelled = interrupted;
  return options;
}

void decode(Arguments arguments, const CommonOptions& common) {
  check_output(arguments.output, arguments.overwrite);
  // Before the decoding: an encoder that is not there is said at once.
  arguments.vcodec = choose_video_encoder(arguments.vcodec, arguments.output, arguments.format);
  StreamDecoder decoder(arguments.input, decoder_options(arguments));
  const StreamInfo& info = decoder.info();
  log::info("Decoding " + arguments.input + " (" + std::to_string(info.width) + "x" +
            std::to_string(info.height) + ", painted at " + std::to_string(info.work_width) + "x" +
            std::to_string(info.work_height) + ") on " + decoder.device() + ".");
  std::optional<SideBySide> beside;
  if (!arguments.side_by_side.empty()) {
    beside.emplace(arguments.side_by_side, info.work_width, info.work_height);
  }
  auto options = writer_options(arguments, info);
  Progress progress(parse_progress_mode(common.progress), "decode", decoder.expected_frames());
  std::optional<VideoWriter> writer;
  const auto write_audio = [&] {
    for (const auto& packet : decoder.take_audio()) writer->write(packet);
  };
  while (const auto frame = decoder.next()) {
    if (!writer) {
      if (!arguments.no_audio) options.audio = decoder.audio_info();
      writer.emplace(arguments.output, options);
    }
    write_audio();
    writer->write(beside ? beside->beside(frame->image, frame->seconds) : frame->image, frame->pts);
    progress.update(writer->frames(), frame->seconds);
  }
  throw_if_interrupted();
  require(writer || (arguments.start.empty() && arguments.to.empty()), ErrorKind::input,
          arguments.input + " has no frame between --start and --to.");
  require(writer.has_value(), ErrorKind::corrupt,
          arguments.input + " holds no frame that can be decoded" +
              (decoder.problem().empty() ? "." : ": " + decoder.problem()));
  write_audio();
  writer->finish();
  progress.finish();
  const auto status = decoder.status();
  const bool cut_short = status == StreamStatus::truncated || status == StreamStatus::damaged;
  if (cut_short && arguments.limit == 0) {
    log::warning(arguments.input + " is " + to_string(status) + ": " + decoder.problem());
  }
  log::info("Wrote " + arguments.output + ": " + std::to_string(writer->frames()) + " frames.");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Decodes a .sem stream to a video");
  CommonOptions common;
  add_common_options(app, common, version_text("semcodec-decode", media_versions()));
  Arguments a;
  app.add_option("INPUT", a.input, "Stream to decode; - is stdin")->required();
  app.add_option("OUTPUT", a.output, "Video to write (.mp4, .mkv, .y4m); - is stdout (y4m)")
      ->required();
  app.add_flag("-y,--overwrite", a.overwrite, "Overwrite the output");
  app.add_option("--model", a.model, "Model package (default: the one that the stream names)");
  app.add_flag("--any-model", a.any_model, "Go on with a model that the stream was not made for");
  app.add_option("--device", a.device, "auto, cpu or cuda:N")->capture_default_str();
  app.add_option("--threads", a.threads, "Threads; 0 = one a core")->check(CLI::Range(0, 1024));
  app.add_flag("--deterministic", a.deterministic,
               "The same bits every time on one machine, for any --threads");
  app.add_option("--size", a.size, "Output size WxH, or 'work' (default: the source's size)");
  app.add_option("--format", a.format, "mp4, mkv, y4m or null (default: by the name)");
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
  return run_main(app, argc, argv, [&] { decode(a, common); });
}
