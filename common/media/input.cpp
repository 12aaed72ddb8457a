#include "common/media/input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "common/core/error.h"
#include "common/media/protocols.h"

namespace semcodec::av {
namespace {

[[noreturn]] void fail(const std::string& sentence) { throw Error(ErrorKind::input, sentence); }

/// libav draws text files as pictures of a terminal; nobody means that here.
bool draws_text(const AVInputFormat& format) {
  static constexpr std::array<std::string_view, 6> kNames = {"tty", "bin", "xbin",
                                                             "adf", "idf", "brender_pix"};
  return std::find(kNames.begin(), kNames.end(), std::string_view(format.name)) != kNames.end();
}

/// The demuxer or device of that name; null for "", which leaves it to libav.
const AVInputFormat* find_format(const std::string& name) {
  if (name.empty()) return nullptr;
#ifdef SEMCODEC_HAVE_AVDEVICE
  avdevice_register_all();
  constexpr const char* kHint = "`ffmpeg -formats` and `ffmpeg -devices` list some.";
#else
  constexpr const char* kHint =
      "this build has no devices such as v4l2, for which libavdevice-dev has to be there.";
#endif
  const AVInputFormat* format = av_find_input_format(name.c_str());
  require(format != nullptr, ErrorKind::usage,
          "libav has no input format \"" + name + "\"; " + kHint);
  return format;
}

/// "framerate=30:video_size=640x480".
void parse_settings(const std::string& text, Options& options) {
  if (text.empty()) return;
  require(av_dict_parse_string(options.get(), text.c_str(), "=", ":", 0) >= 0, ErrorKind::usage,
          "\"" + text + "\" is no list of options for the input; write key=value:key=value.");
}

/// What is left of them was for nobody.
void check_settings(const Options& options) {
  const AVDictionaryEntry* left = options.first();
  require(left == nullptr, ErrorKind::usage,
          std::string("The input has no option \"") + (left == nullptr ? "" : left->key) +
              "\"; leave it out.");
}

}  // namespace

InputFile::InputFile(const std::string& path, InputRequest request)
    : name_(path == "-" ? "stdin" : path), cancelled_(std::move(request.cancelled)) {
  capture_log();
  clear_messages();
  const AVInputFormat* format = find_format(request.format);
  // Devices open what they are given by themselves.
  const bool device = format != nullptr && (format->flags & AVFMT_NOFILE) != 0;
  // A playlist may name further inputs: only by the protocol that the user named.
  Options options;
  parse_settings(request.settings, options);
  AVFormatContext* context = allocated(avformat_alloc_context());
  context->interrupt_callback = {asked_to_stop, this};
  std::string url = path;
  if (path == "-") {
    attach_stdin();
    context->pb = io_.get();
    url.clear();
  } else if (!device && !is_url(path)) {
    struct stat status = {};
    const bool exists = stat(path.c_str(), &status) == 0;
    // A pattern of numbered pictures is no file, but libav opens it.
    const bool pattern = !exists && path.find('%') != std::string::npos;
    if (!pattern) {
      try {
        check_file(path);
      } catch (...) {
        avformat_free_context(context);
        throw;
      }
      url = "file:" + path;  // so that "a:b.mp4" is not taken for a protocol
    }
  }
  options.set_default("protocol_whitelist", protocols_for(url));
  int status =
      avformat_open_input(&context, url.c_str(), format, options.get());  // frees on failure
  if (status >= 0) context_.reset(context);
  if (status >= 0) check_settings(options);
  if (stopped_) throw Error(ErrorKind::interrupted, "Interrupted while opening " + name_ + ".");
  if (status >= 0 && draws_text(*context->iformat)) status = AVERROR_INVALIDDATA;
  if (path == "-" && status < 0 && stdin_bytes_ == 0) fail("stdin is empty; pipe a video into it.");
  if (status == AVERROR_INVALIDDATA) {
    fail(name_ + " is not a video that can be read, or it is damaged" + folded_message() + ".");
  }
  if (status < 0) fail("Cannot open " + name_ + ": " + error_text(status) + folded_message() + ".");
  status = avformat_find_stream_info(context, nullptr);
  if (stopped_) throw Error(ErrorKind::interrupted, "Interrupted while opening " + name_ + ".");
  if (status < 0) {
    fail(name_ + " cannot be read: " + error_text(status) + folded_message() + ".");
  }
}

void InputFile::check_file(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) {
    fail("Cannot open " + path + ": " + std::strerror(errno) + ".");
  }
  if (S_ISDIR(status.st_mode)) fail(path + " is a folder, not a video.");
  if (!S_ISREG(status.st_mode)) return;  // opening a pipe twice would lose data
  if (status.st_size == 0) fail(path + " is empty.");
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail("Cannot open " + path + ": " + std::strerror(errno) + ".");
  ::close(file);
}

void InputFile::attach_stdin() {
  constexpr int kBuffer = 1 << 16;
  struct stat status = {};
  const bool seekable = fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode);
  auto* buffer = static_cast<unsigned char*>(allocated(av_malloc(kBuffer)));
  AVIOContext* io = avio_alloc_context(buffer, kBuffer, 0, this, read_stdin, nullptr,
                                       seekable ? seek_stdin : nullptr);
  if (io == nullptr) av_free(buffer);
  io_.reset(allocated(io));
}

int InputFile::read_stdin(void* self, std::uint8_t* buffer, int size) {
  auto* input = static_cast<InputFile*>(self);
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, buffer, static_cast<std::size_t>(size));
    if (got > 0) {
      input->stdin_bytes_ += got;
      return static_cast<int>(got);
    }
    if (got == 0) return AVERROR_EOF;
    if (errno != EINTR) return AVERROR(errno);
    if (asked_to_stop(self) != 0) return AVERROR_EXIT;
  }
}

std::int64_t InputFile::seek_stdin(void*, std::int64_t offset, int whence) {
  if ((whence & AVSEEK_SIZE) != 0) {
    struct stat status = {};
    return fstat(STDIN_FILENO, &status) == 0 ? status.st_size : AVERROR(errno);
  }
  const off_t position = lseek(STDIN_FILENO, offset, whence & ~AVSEEK_FORCE);
  return position < 0 ? AVERROR(errno) : position;
}

int InputFile::asked_to_stop(void* self) {
  auto* input = static_cast<InputFile*>(self);
  if (!input->stopped_ && input->cancelled_ && input->cancelled_()) input->stopped_ = true;
  return input->stopped_ ? 1 : 0;
}

int InputFile::read(AVPacket& packet) {
  const int status = av_read_frame(context_.get(), &packet);
  if (stopped_) throw Error(ErrorKind::interrupted, "Interrupted while reading " + name_ + ".");
  if (status >= 0 && packet.pos >= 0) video_end_ = packet.pos + packet.size;
  return status;
}

bool InputFile::ends_inside_a_picture() const {
  if (std::string_view(context_->iformat->name) != "yuv4mpegpipe" || video_end_ < 0) return false;
  return context_->pb != nullptr && avio_tell(context_->pb) > video_end_ + 6;
}

}  // namespace semcodec::av
