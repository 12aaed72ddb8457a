#include "common/media/output_target.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <thread>
#include <utility>

#include "common/core/error.h"
#include "common/media/protocols.h"

namespace semcodec::av {

OutputTarget::OutputTarget(const std::string& path, std::function<bool()> cancelled)
    : path_(path), cancelled_(std::move(cancelled)) {
  if (is_url(path)) {
    open_address();
  } else {
    open_file();
  }
  opening_ = false;
}

void OutputTarget::open_address() {
  Options options;
  options.set("protocol_whitelist", protocols_for(path_));
  // Whole MPEG-TS packets in a datagram, so that one that is lost damages no other.
  options.set("pkt_size", "1316");
  capture_log();
  clear_messages();
  const int status = avio_open2(&net_, path_.c_str(), AVIO_FLAG_WRITE, &interrupt_, options.get());
  if (cancelled_at_) {
    throw Error(ErrorKind::interrupted, "Interrupted while opening " + path_ + ".");
  }
  if (status < 0) fail(error_text(status) + folded_message());
}

void OutputTarget::open_file() {
  const std::string& path = path_;
  struct stat status = {};
  const bool exists = path != "-" && stat(path.c_str(), &status) == 0;
  require(!exists || !S_ISDIR(status.st_mode), ErrorKind::output,
          path + " is a folder; name a file to write.");
  if (path == "-") {
    file_ = STDOUT_FILENO;
  } else if (exists && !S_ISREG(status.st_mode)) {
    file_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    temporary_ = path + ".part" + std::to_string(::getpid());
    file_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    seekable_ = true;
  }
  if (file_ < 0) {
    temporary_.clear();
    fail(std::strerror(errno));
  }
  constexpr int kBuffer = 1 << 16;
  auto* buffer = static_cast<unsigned char*>(av_malloc(kBuffer));
  io_.reset(
      avio_alloc_context(buffer, kBuffer, 1, this, nullptr, write, seekable_ ? seek : nullptr));
  allocated(io_.get());
  io_->seekable = seekable_ ? AVIO_SEEKABLE_NORMAL : 0;
}

OutputTarget::~OutputTarget() {
  if (net_ != nullptr) avio_close(net_);
  if (file_ >= 0 && file_ != STDOUT_FILENO) ::close(file_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputTarget::fail(const std::string& cause) const {
  throw Error(ErrorKind::output,
              "Cannot write " + (path_ == "-" ? "to stdout" : path_) + ": " + cause + ".");
}

int OutputTarget::asked_to_stop(void* self) {
  auto* target = static_cast<OutputTarget*>(self);
  if (!target->cancelled_ || !target->cancelled_()) return 0;
  const auto now = std::chrono::steady_clock::now();
  if (!target->cancelled_at_) target->cancelled_at_ = now;
  return target->opening_ || now - *target->cancelled_at_ > std::chrono::seconds(2) ? 1 : 0;
}

std::uint64_t OutputTarget::net_bytes() const {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(avio_tell(net_), 0));
}

void OutputTarget::put(std::span<const std::uint8_t> bytes) {
  avio_write(io(), bytes.data(), static_cast<int>(bytes.size()));
  check();
}

void OutputTarget::flush() {
  avio_flush(io());
  check();
}

int OutputTarget::write(void* self, std::uint8_t* data, int size) {
  auto* target = static_cast<OutputTarget*>(self);
  if (target->error_ != 0) return AVERROR(target->error_);
  for (int done = 0; done < size;) {
    const ssize_t put = ::write(target->file_, data + done, static_cast<std::size_t>(size - done));
    if (put < 0 && errno == EINTR) continue;  // an interrupted program still completes its file
    if (put < 0) {
      target->error_ = errno;
      return AVERROR(errno);
    }
    done += static_cast<int>(put);
    target->position_ += static_cast<std::uint64_t>(put);
  }
  target->end_ = std::max(target->end_, target->position_);
  return size;
}

std::int64_t OutputTarget::seek(void* self, std::int64_t offset, int whence) {
  auto* target = static_cast<OutputTarget*>(self);
  if ((whence & AVSEEK_SIZE) != 0) return static_cast<std::int64_t>(target->end_);
  const off_t position = lseek(target->file_, offset, whence & ~AVSEEK_FORCE);
  if (position < 0) return AVERROR(errno);
  target->position_ = static_cast<std::uint64_t>(position);
  return position;
}

void OutputTarget::check() {
  if (error_ != 0) fail(std::strerror(error_));
  if (net_ != nullptr && net_->error < 0) fail(error_text(net_->error));
}

void OutputTarget::commit() {
  flush();
  if (net_ != nullptr) {
    // What an SRT receiver still keeps back, by its latency, is dropped when the sender goes.
    if (scheme_of(path_) == "srt") std::this_thread::sleep_for(std::chrono::seconds(1));
    const int status = avio_close(std::exchange(net_, nullptr));
    if (status < 0) fail(error_text(status));
    return;
  }
  if (file_ != STDOUT_FILENO) {
    const int file = file_;
    file_ = -1;
    if (::close(file) != 0) fail(std::strerror(errno));
  }
  if (temporary_.empty()) return;
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail(std::strerror(errno));
  temporary_.clear();
}

}  // namespace semcodec::av
