#include "semcodec/video_writer.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include "common/core/error.h"
#include "common/media/colour.h"
#include "common/media/protocols.h"
#include "common/media/sink.h"
#include "common/media/video_encoder.h"

namespace semcodec {
namespace {

class NullSink final : public VideoSink {
 public:
  void start(int width, int height) override {
    converter_.emplace(width, height, AV_PIX_FMT_YUV420P, av::ColourTags{AVCOL_SPC_BT709, false});
  }
  void write(const RgbImage& image, std::int64_t) override { converter_->convert(image); }
  void write(const AudioPacket&) override {}
  void finish() override {}
  std::uint64_t bytes() const override { return 0; }
  std::string audio_handling() const override { return "none"; }

 private:
  std::optional<av::FromRgb> converter_;
};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// What an address takes, by its scheme.
std::string format_of_scheme(const std::string& scheme) {
  if (scheme == "rtmp" || scheme == "rtmps") return "flv";
  return scheme == "rtp" ? "rtp" : "mpegts";
}

std::string choose_format(const std::string& path, const std::string& wanted) {
  static constexpr std::array<std::string_view, 7> kFormats = {"mp4", "mkv", "mpegts", "flv",
                                                               "rtp", "y4m", "null"};
  if (!wanted.empty()) {
    require(std::find(kFormats.begin(), kFormats.end(), wanted) != kFormats.end(), ErrorKind::usage,
            "\"" + wanted +
                "\" is not an output format; use mp4, mkv, mpegts, flv, rtp, y4m or "
                "null.");
    return wanted;
  }
  if (path == "-") return "y4m";
  if (av::is_url(path)) return format_of_scheme(av::scheme_of(path));
  const std::size_t dot = path.rfind('.');
  const std::string extension = dot == std::string::npos ? "" : lower(path.substr(dot + 1));
  if (extension == "mkv" || extension == "y4m" || extension == "flv") return extension;
  if (extension == "ts") return "mpegts";
  std::error_code code;
  const bool special = path.find('/', dot) != std::string::npos ||
                       std::filesystem::is_directory(path, code) ||  // refused when it is opened
                       std::filesystem::is_other(path, code);
  require(special || dot == std::string::npos || extension == "mp4" || extension == "m4v",
          ErrorKind::usage,
          "The format of " + path +
              " is not known; end the name in .mp4, .mkv, .ts or .y4m, or name a "
              "format.");
  return "mp4";
}

bool is_uncompressed(const std::string& format) { return format == "y4m" || format == "null"; }

void check_encoder(const std::string& encoder, const std::string& format) {
  static constexpr std::array<std::string_view, 3> kEncoders = {"libx264", "h264_nvenc",
                                                                "hevc_nvenc"};
  require(std::find(kEncoders.begin(), kEncoders.end(), encoder) != kEncoders.end(),
          ErrorKind::usage,
          "\"" + encoder +
              "\" is not a video encoder that is used here; use libx264, h264_nvenc, hevc_nvenc or "
              "auto.");
  require(!is_uncompressed(format) || encoder == WriterOptions{}.encoder, ErrorKind::usage,
          "The format " + format + " is not compressed; leave " + encoder +
              " out, or write .mp4 or .mkv.");
}

void check_options(const WriterOptions& options) {
  const auto side = [](int n) { return n >= 0 && n <= kMaxVideoDimension; };
  require(
      side(options.width) && side(options.height) && (options.width == 0) == (options.height == 0),
      ErrorKind::usage,
      "The output size " + std::to_string(options.width) + "x" + std::to_string(options.height) +
          " is not possible; a side is 1 to " + std::to_string(kMaxVideoDimension) + " pixels.");
  require(options.time_base.known(), ErrorKind::usage, "The time base of the output is not set.");
  require(options.sample_aspect.known(), ErrorKind::usage,
          "The sample aspect ratio of the output is not a ratio of positive numbers.");
  require(options.crf >= 0 && options.crf <= 51, ErrorKind::usage,
          "The crf " + std::to_string(options.crf) + " is not within 0 to 51.");
  // x264 prints about unknown presets by itself, so they are caught here.
  require(av::knows_preset(options.encoder, options.preset), ErrorKind::usage,
          "\"" + options.preset + "\" is not a preset of " + options.encoder +
              "; ultrafast, medium and slow are some.");
  require(options.rotation >= 0 && options.rotation < 360 && options.rotation % 90 == 0,
          ErrorKind::usage, "The rotation of the output is not 0, 90, 180 or 270.");
}

}  // namespace

std::string choose_video_encoder(const std::string& wanted, const std::string& path,
                                 const std::string& format) {
  const std::string container = choose_format(path, format);
  if (wanted != "auto") {
    check_encoder(wanted, container);
  } else if (is_uncompressed(container)) {
    return WriterOptions{}.encoder;  // not used
  }
  return av::pick_encoder(wanted);
}

struct VideoWriter::Impl {
  std::string name;
  std::string format;
  WriterOptions options;
  std::unique_ptr<VideoSink> sink;
  std::string audio_handling;
  bool started = false;
  bool finished = false;
  std::int64_t frames = 0;
  std::int64_t last_pts = 0;
};

VideoWriter::VideoWriter(const std::string& path, const WriterOptions& options)
    : impl_(std::make_unique<Impl>()) {
  check_options(options);
  impl_->name = path == "-" ? "stdout" : path;
  impl_->options = options;
  impl_->format = choose_format(path, options.format);
  check_encoder(options.encoder, impl_->format);
  if (impl_->format == "null") {
    impl_->sink = std::make_unique<NullSink>();
  } else if (impl_->format == "y4m") {
    impl_->sink = make_y4m_sink(path, options);
  } else {
    impl_->sink = make_mux_sink(path, impl_->format, options);
  }
  impl_->audio_handling = impl_->sink->audio_handling();
}

VideoWriter::~VideoWriter() = default;
VideoWriter::VideoWriter(VideoWriter&&) noexcept = default;
VideoWriter& VideoWriter::operator=(VideoWriter&&) noexcept = default;

void VideoWriter::write(const RgbImage& image, std::int64_t pts) {
  Impl& impl = *impl_;
  const bool sane = image.width > 0 && image.height > 0 && image.width <= kMaxVideoDimension &&
                    image.height <= kMaxVideoDimension;
  require(sane, ErrorKind::output,
          "A picture of " + std::to_string(image.width) + "x" + std::to_string(image.height) +
              " cannot be written to " + impl.name + ".");
  require(image.pixels.size() == std::size_t{3} * static_cast<std::size_t>(image.width) *
                                     static_cast<std::size_t>(image.height),
          ErrorKind::internal, "A picture for " + impl.name + " lacks pixels.");
  require(impl.frames == 0 || pts > impl.last_pts, ErrorKind::output,
          "The times of the pictures for " + impl.name + " do not increase (" +
              std::to_string(pts) + " after " + std::to_string(impl.last_pts) + ").");
  if (!impl.started) {
    const bool own_size = impl.options.width == 0;
    impl.sink->start(own_size ? image.width : impl.options.width,
                     own_size ? image.height : impl.options.height);
    impl.started = true;
  }
  impl.sink->write(image, pts);
  impl.last_pts = pts;
  ++impl.frames;
}

void VideoWriter::write(const AudioPacket& packet) {
  if (impl_->options.audio) impl_->sink->write(packet);
}

void VideoWriter::finish() {
  if (impl_->finished) return;
  require(impl_->started, ErrorKind::output,
          "There is no picture to write to " + impl_->name + ".");
  impl_->sink->finish();
  impl_->finished = true;
}

std::int64_t VideoWriter::frames() const { return impl_->frames; }
std::uint64_t VideoWriter::bytes() const { return impl_->sink->bytes(); }
const std::string& VideoWriter::format() const { return impl_->format; }
const std::string& VideoWriter::audio_handling() const { return impl_->audio_handling; }

}  // namespace semcodec
