// semcodec-decode: a .sem stream to a video.

#include <CLI/CLI.hpp>
#include <cstring>
#include <future>
#include <thread>

#include "common/app/bounded_queue.h"
#include "common/app/interrupt.h"
#include "common/app/progress.h"
#include "common/app/run_main.h"
#include "common/app/units.h"
#include "common/app/version.h"
#include "common/app/worker_pool.h"
#include "common/bitstream/stream_reader.h"
#include "common/core/error.h"
#include "common/core/file.h"
#include "common/core/log.h"
#include "common/media/base_codec.h"
#include "common/media/intra_codec.h"
#include "common/media/reader.h"
#include "common/media/versions.h"
#include "common/media/writer.h"
#include "decoder/playback/playback.h"
#include "decoder/synthesis/synthesiser.h"
#include "models/core/device.h"

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
       deterministic = false;
};

/// What travels from the planning thread to the writing one, in display order; the painting goes on
/// meanwhile. The last one may hold audio only.
struct Painted {
  std::int64_t pts = 0;
  std::future<RgbImage> image{};
  std::vector<AudioPacket> audio{};
  std::optional<AudioInfo> audio_info{};
};

ModelPackage matching_package(const Arguments& arguments, const StreamInfo& info) {
  auto package = open_package(arguments.model.empty() ? info.model_name : arguments.model);
  if (package.hash != info.model_hash) {
    const std::string sentence = arguments.input + " was made for model " + info.model_name + " (" +
                                 info.model_hash + "), but this is " + package.name + " (" +
                                 package.hash + ")";
    require(arguments.any_model, ErrorKind::unsupported,
            sentence + "; give the right one with --model, or --any-model to try.");
    log::warning(sentence + "; colours and details may be wrong.");
  }
  return package;
}

RgbImage to_image(const torch::Tensor& rgb) {
  RgbImage image(static_cast<int>(rgb.size(1)), static_cast<int>(rgb.size(0)));
  std::memcpy(image.pixels.data(), rgb.data_ptr<std::uint8_t>(), image.pixels.size());
  return image;
}

torch::Tensor to_tensor(const RgbImage& image) {
  return torch::from_blob(const_cast<std::uint8_t*>(image.pixels.data()),
                          {image.height, image.width, 3}, torch::kUInt8)
      .clone();
}

torch::Tensor decode_key(const Appearance& key, int width, int height) {
  return to_tensor(decode_intra(key.bytes, key.codec, width, height));
}

BasePictureDecoder base_decoder() {
  return [decoder = std::make_shared<BaseDecoder>()](const BasePicture& base) {
    return to_tensor(decoder->decode(base.bytes, base.width, base.height));
  };
}

/// Pastes the source's frame at (nearly) the same time to the left of each painted one.
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

/// Reads and paints until the end, the limit or a signal. Anchors are painted here, one after the
/// other, since each refers to the last; the frames between them by the pool.
void paint(Playback& playback, Synthesiser& synthesiser, const Arguments& arguments,
           WorkerPool& pool, BoundedQueue<Painted>& queue) {
  try {
    // One core an operator: the pool keeps the others busy, without their waiting for each other.
    set_threads(1);
    std::int64_t seen = 0;
    bool wanted = true;
    std::vector<AudioPacket> audio;
    std::optional<AudioInfo> audio_info;
    bool more = true;
    while (wanted && more && !interrupted()) {
      auto item = playback.next();
      more = item.has_value();
      if (!more) item.emplace();  // what waits for a next frame is due
      if (const auto* track = item->audio_info()) audio_info = *track;
      if (const auto* batch = item->audio()) {
        audio.insert(audio.end(), batch->begin(), batch->end());
      }
      const auto* frame = more ? item->frame() : nullptr;
      if (frame == nullptr && more) continue;
      for (auto& job : more ? synthesiser.plan(*frame) : synthesiser.finish()) {
        if (!wanted) break;
        if (!playback.shows(job.pts) || seen++ < arguments.skip) continue;
        Painted out;
        out.pts = job.pts;
        out.image = pool.submit([paint = std::move(job.paint)] { return to_image(paint()); });
        out.audio = std::exchange(audio, {});
        out.audio_info = std::exchange(audio_info, std::nullopt);
        wanted = queue.push(std::move(out)) &&
                 (arguments.limit == 0 || seen < arguments.skip + arguments.limit);
      }
    }
    if (wanted && !audio.empty()) {
      Painted rest;
      rest.audio = std::move(audio);
      wanted = queue.push(std::move(rest));
    }
    queue.close();
  } catch (...) {
    queue.fail(std::current_exception());
  }
}

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

void decode(Arguments arguments, const CommonOptions& common) {
  check_output(arguments.output, arguments.overwrite);
  // Before the painting: an encoder that is not there is said at once.
  arguments.vcodec = choose_video_encoder(arguments.vcodec, arguments.output, arguments.format);
  StreamReader::Options reading;
  reading.strict = arguments.strict;
  StreamReader reader(arguments.input, reading);
  const auto info = reader.info();
  const auto package = matching_package(arguments, info);
  set_deterministic(arguments.deterministic);
  SynthesisOptions synthesis;
  synthesis.device = parse_device(arguments.device);
  synthesis.dtype = std::nullopt;
  synthesis.refine_flow = !arguments.no_flow;
  synthesis.key_decoder = decode_key;
  synthesis.base_decoder = base_decoder();
  synthesis.detail = arguments.detail;
  synthesis.look_ahead = !arguments.low_delay;
  set_threads(arguments.threads);
  Synthesiser synthesiser(package, info, synthesis);
  log::info("Decoding " + arguments.input + " (" + std::to_string(info.width) + "x" +
            std::to_string(info.height) + ", painted at " + std::to_string(info.work_width) + "x" +
            std::to_string(info.work_height) + ") on " + describe(synthesis.device) + ".");

  std::optional<SideBySide> beside;
  if (!arguments.side_by_side.empty()) {
    beside.emplace(arguments.side_by_side, info.work_width, info.work_height);
  }
  PlaybackRange range;
  if (!arguments.start.empty()) range.start = parse_seconds(arguments.start);
  if (!arguments.to.empty()) range.end = parse_seconds(arguments.to);
  Playback playback(reader, range);
  const auto totals = reader.seekable() && !playback.limited() ? reader.totals() : std::nullopt;
  Progress progress(parse_progress_mode(common.progress), "decode",
                    totals ? static_cast<std::int64_t>(totals->frames) : 0);
  // Beside a GPU the second one fetches a frame while the next is painted.
  const int workers = synthesis.device.is_cpu() ? threads_in_use() : 2;
  WorkerPool pool(workers, [] { set_threads(1); });
  // Room for the frames of an interval or two, so that the next anchor is painted meanwhile.
  BoundedQueue<Painted> queue(32);
  std::thread painting([&] { paint(playback, synthesiser, arguments, pool, queue); });
  std::optional<VideoWriter> writer;
  const double unit = static_cast<double>(info.time_base_num) / info.time_base_den;
  try {
    auto options = writer_options(arguments, info);
    double begin = 0;
    while (auto painted = queue.pop()) {
      const bool shown = painted->image.valid();
      if (!writer) {
        if (!shown) continue;
        const bool from_start = arguments.skip == 0 && !range.start;
        begin = from_start ? -1e9 : static_cast<double>(painted->pts) * unit;
        if (painted->audio_info && !arguments.no_audio) options.audio = painted->audio_info;
        writer.emplace(arguments.output, options);
      }
      if (options.audio) {
        const double audio_unit = options.audio->time_base.value();
        for (const auto& packet : painted->audio) {
          if (static_cast<double>(packet.pts) * audio_unit >= begin) writer->write(packet);
        }
      }
      if (!shown) continue;
      const double seconds = static_cast<double>(painted->pts) * unit;
      const auto image = painted->image.get();
      writer->write(beside ? beside->beside(image, seconds) : image, painted->pts);
      progress.update(writer->frames(), seconds);
    }
  } catch (...) {
    queue.cancel();
    painting.join();
    throw;
  }
  painting.join();
  throw_if_interrupted();
  require(writer || !playback.limited(), ErrorKind::input,
          arguments.input + " has no frame between --start and --to.");
  require(writer.has_value(), ErrorKind::corrupt,
          arguments.input + " holds no frame that can be decoded" +
              (reader.problem().empty() ? "." : ": " + reader.problem()));
  writer->finish();
  progress.finish();
  const auto status = reader.status();
  const bool cut_short = status == StreamStatus::truncated || status == StreamStatus::damaged;
  if (cut_short && arguments.limit == 0) {
    log::warning(arguments.input + " is " + to_string(status) + ": " + reader.problem());
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
