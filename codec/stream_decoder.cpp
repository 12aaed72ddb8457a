#include "semcodec/decoder.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <future>
#include <iterator>
#include <thread>
#include <utility>

#include "common/app/bounded_queue.h"
#include "common/app/worker_pool.h"
#include "common/core/error.h"
#include "common/core/log.h"
#include "common/core/text.h"
#include "common/media/base_codec.h"
#include "common/media/intra_codec.h"
#include "decoder/playback/memory_estimate.h"
#include "decoder/playback/playback.h"
#include "decoder/synthesis/synthesiser.h"
#include "models/core/device.h"

namespace semcodec {

namespace {

/// Room for the frames of an interval or two, so that the next coded frame is generated meanwhile.
constexpr std::size_t kFramesAhead = 32, kLeastAhead = 4;
constexpr std::uint64_t kBytesAhead = std::uint64_t{96} << 20;

/// What travels from the planning thread to next(), in display order; the frame is generated
/// meanwhile. The last one may hold audio only.
struct Pending {
  std::int64_t pts = 0;
  bool coded = false;
  std::future<RgbImage> image{};
  std::vector<AudioPacket> audio{};
  std::optional<AudioInfo> audio_info{};
  std::vector<MemoryShare> waiting{};  ///< of the audio
};

ModelPackage matching_package(const StreamDecoderOptions& options, const StreamInfo& info,
                              const std::string& name) {
  // A name that a stream brings is looked up among the models of the project; it opens no path.
  auto package =
      options.model.empty() ? open_named_package(info.model_name) : open_package(options.model);
  if (package.hash != info.model_hash) {
    const std::string sentence = name + " was made for model " + printable(info.model_name) + " (" +
                                 printable(info.model_hash) + "), but this is " + package.name +
                                 " (" + package.hash + ")";
    require(options.any_model, ErrorKind::unsupported,
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

torch::Tensor decode_key(const IntraPicture& key, int width, int height) {
  return to_tensor(decode_intra(key.bytes, key.codec, width, height));
}

BasePictureDecoder base_decoder() {
  return [decoder = std::make_shared<BaseDecoder>()](const BasePicture& base) {
    return to_tensor(decoder->decode(base.bytes, base.width, base.height));
  };
}

/// So many, or fewer where they are large.
std::size_t frames_ahead(const StreamInfo& info) {
  const auto frame = std::uint64_t{3} * static_cast<std::uint64_t>(info.coded_width) *
                     static_cast<std::uint64_t>(info.coded_height);
  return std::clamp<std::size_t>(static_cast<std::size_t>(kBytesAhead / frame), kLeastAhead,
                                 kFramesAhead);
}

void check_memory(const StreamDecoderOptions& options, const StreamInfo& info,
                  const std::string& name) {
  const std::uint64_t needed = estimate_memory(info);
  const std::uint64_t there = available_memory();
  const auto megabytes = [](std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; };
  const std::string sentence = name + " is coded at " + std::to_string(info.coded_width) + "x" +
                               std::to_string(info.coded_height) +
                               "; generating its pictures takes about " + megabytes(needed);
  require(options.max_memory == 0 || needed <= options.max_memory, ErrorKind::unsupported,
          sentence + ", more than the limit of " + megabytes(options.max_memory) +
              "; allow it by giving --max-size, if you trust where it comes from.");
  require(there == 0 || needed <= there, ErrorKind::unsupported,
          sentence + ", and this machine has " + megabytes(there) + " left.");
}

/// Also makes torch's settings, so it comes before the first network.
SynthesisOptions synthesis_options(const StreamDecoderOptions& options) {
  SynthesisOptions synthesis;
  set_deterministic(options.deterministic);
  synthesis.device = parse_device(options.device);
  synthesis.dtype = std::nullopt;
  synthesis.refine_flow = options.refine_flow;
  synthesis.key_decoder = decode_key;
  synthesis.base_decoder = base_decoder();
  synthesis.detail = options.detail;
  synthesis.look_ahead = !options.low_delay;
  set_threads(options.threads);
  return synthesis;
}

ModelPackage checked_package(const StreamDecoderOptions& options, const StreamInfo& info,
                             const std::string& name) {
  check_memory(options, info, name);
  return matching_package(options, info, name);
}

StreamReader::Options reading(const StreamDecoderOptions& options) {
  StreamReader::Options reading;
  reading.strict = options.strict;
  reading.max_width = options.max_width;
  reading.max_height = options.max_height;
  reading.max_waiting = options.max_waiting;
  reading.fill_gaps = true;
  reading.fill_at_once = options.low_delay;
  return reading;
}

}  // namespace

struct StreamDecoder::Impl {
  Impl(std::unique_ptr<StreamReader> stream, const std::string& name,
       const StreamDecoderOptions& wanted)
      : options(wanted),
        reader(std::move(stream)),
        package(checked_package(options, reader->info(), name)),
        synthesis(synthesis_options(options)),
        synthesiser(package, reader->info(), synthesis),
        playback(*reader, {options.start, options.end, options.max_waiting}),
        device(describe(synthesis.device)),
        // Beside a GPU the second one fetches a frame while the next is generated.
        pool(synthesis.device.is_cpu() ? threads_in_use() : 2, [] { set_threads(1); }) {
    const auto totals = reader->seekable() && !playback.limited() ? reader->totals() : std::nullopt;
    if (totals) expected_frames = static_cast<std::int64_t>(totals->frames);
    const StreamInfo& info = reader->info();
    seconds_per_unit = static_cast<double>(info.time_base_num) / info.time_base_den;
    planning = std::thread([this] { plan(); });
  }
  ~Impl() { stop(); }

  void stop() {
    queue.cancel();
    if (planning.joinable()) planning.join();
  }

  bool cancelled() const { return stopped || (options.cancelled && options.cancelled()); }

  /// Reads and generates until the end, the limit or cancellation. Coded frames are generated here,
  /// one after the other, since each refers to the last; the frames between them by the pool.
  void plan();

  std::optional<DecodedFrame> next();
  void keep_audio(Pending& pending);

  StreamDecoderOptions options;
  std::unique_ptr<StreamReader> reader;
  ModelPackage package;
  SynthesisOptions synthesis;
  Synthesiser synthesiser;
  Playback playback;
  std::string device;
  std::int64_t expected_frames = 0;
  double seconds_per_unit = 0;

  std::atomic<bool> stopped{false};
  WorkerPool pool;
  BoundedQueue<Pending> queue{frames_ahead(reader->info())};
  std::thread planning;

  // Of the caller's thread.
  bool begun = false;
  double audio_begin = 0;  ///< seconds; packets before are left out
  std::optional<AudioInfo> audio_info;
  std::vector<AudioPacket> audio;
  std::vector<MemoryShare> audio_waiting;
};

void StreamDecoder::Impl::plan() {
  try {
    // One core an operator: the pool keeps the others busy, without their waiting for each other.
    set_threads(1);
    std::int64_t seen = 0;
    bool wanted = true;
    std::vector<AudioPacket> packets;
    std::vector<MemoryShare> waiting;
    std::optional<AudioInfo> track;
    bool more = true;
    while (wanted && more && !cancelled()) {
      auto item = playback.next();
      more = item.has_value();
      if (!more) item.emplace();  // what waits for a next frame is due
      if (const auto* info = item->audio_info()) track = *info;
      if (const auto* batch = item->audio()) {
        packets.insert(packets.end(), batch->begin(), batch->end());
        waiting.push_back(std::move(item->waiting));
      }
      const auto* frame = more ? item->frame() : nullptr;
      if (frame == nullptr && more) continue;
      auto jobs = !more             ? synthesiser.finish()
                  : item->concealed ? synthesiser.conceal(*frame)
                                    : synthesiser.plan(*frame);
      for (auto& job : jobs) {
        if (!wanted) break;
        if (!playback.shows(job.pts) || seen++ < options.skip) continue;
        Pending out;
        out.pts = job.pts;
        out.coded = job.coded_frame;
        out.image =
            pool.submit([generate = std::move(job.generate)] { return to_image(generate()); });
        out.audio = std::exchange(packets, {});
        out.waiting = std::exchange(waiting, {});
        out.audio_info = std::exchange(track, std::nullopt);
        wanted = queue.push(std::move(out)) &&
                 (options.limit == 0 || seen < options.skip + options.limit);
      }
    }
    if (wanted && !packets.empty()) {
      Pending rest;
      rest.audio = std::move(packets);
      rest.waiting = std::move(waiting);
      wanted = queue.push(std::move(rest));
    }
    queue.close();
  } catch (...) {
    queue.fail(std::current_exception());
  }
}

void StreamDecoder::Impl::keep_audio(Pending& pending) {
  if (pending.audio_info) audio_info = std::move(pending.audio_info);
  if (!audio_info) return;
  const double unit = audio_info->time_base.value();
  for (AudioPacket& packet : pending.audio) {
    if (static_cast<double>(packet.pts) * unit >= audio_begin) audio.push_back(std::move(packet));
  }
  std::move(pending.waiting.begin(), pending.waiting.end(), std::back_inserter(audio_waiting));
}

std::optional<DecodedFrame> StreamDecoder::Impl::next() {
  while (auto pending = queue.pop()) {
    const bool shown = pending->image.valid();
    if (!begun && !shown) continue;
    if (!begun) {
      begun = true;
      const bool from_start = options.skip == 0 && !options.start;
      audio_begin = from_start ? -1e9 : static_cast<double>(pending->pts) * seconds_per_unit;
    }
    keep_audio(*pending);
    if (!shown) continue;
    DecodedFrame frame;
    frame.pts = pending->pts;
    frame.seconds = static_cast<double>(pending->pts) * seconds_per_unit;
    frame.coded = pending->coded;
    frame.image = pending->image.get();
    return frame;
  }
  stop();  // the reader is at rest now
  return std::nullopt;
}

StreamDecoder::StreamDecoder(const std::string& path, const StreamDecoderOptions& options)
    : impl_(std::make_unique<Impl>(std::make_unique<StreamReader>(path, reading(options)), path,
                                   options)) {}

StreamDecoder::StreamDecoder(StreamReader::Source source, const std::string& name,
                             const StreamDecoderOptions& options)
    : impl_(std::make_unique<Impl>(
          std::make_unique<StreamReader>(std::move(source), name, reading(options)), name,
          options)) {}

StreamDecoder::~StreamDecoder() = default;

const StreamInfo& StreamDecoder::info() const { return impl_->reader->info(); }
const std::string& StreamDecoder::device() const { return impl_->device; }
std::int64_t StreamDecoder::expected_frames() const { return impl_->expected_frames; }
std::optional<DecodedFrame> StreamDecoder::next() { return impl_->next(); }
const std::optional<AudioInfo>& StreamDecoder::audio_info() const { return impl_->audio_info; }
std::vector<AudioPacket> StreamDecoder::take_audio() {
  impl_->audio_waiting.clear();
  return std::exchange(impl_->audio, {});
}
std::uint64_t StreamDecoder::concealed_frames() const { return impl_->reader->concealed_frames(); }
std::uint64_t StreamDecoder::audio_left_out() const { return impl_->reader->audio_left_out(); }
void StreamDecoder::cancel() {
  impl_->stopped = true;
  impl_->queue.cancel();
}
StreamStatus StreamDecoder::status() const { return impl_->reader->status(); }
const std::string& StreamDecoder::problem() const { return impl_->reader->problem(); }

}  // namespace semcodec
