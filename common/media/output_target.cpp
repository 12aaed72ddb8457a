#include "common/media/output_target.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "common/core/error.h"

namespace semcodec::av {

OutputTarget::OutputTarget(const std::string& path) : path_(path) {
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
    fail(errno);
  }
  constexpr int kBuffer = 1 << 16;
  auto* buffer = static_cast<unsigned char*>(av_malloc(kBuffer));
  io_.reset(
      avio_alloc_context(buffer, kBuffer, 1, this, nullptr, write, seekable_ ? seek : nullptr));
  allocated(io_.get());
  io_->seekable = seekable_ ? AVIO_SEEKABLE_NORMAL : 0;
}

OutputTarget::~OutputTarget() {
  if (file_ >= 0 && file_ != STDOUT_FILENO) ::close(file_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputTarget::fail(int cause) const {
  throw Error(ErrorKind::output, "Cannot write " + (path_ == "-" ? "to stdout" : path_) + ": " +
                                     std::strerror(cause) + ".");
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
  if (error_ != 0) fail(error_);
}

void OutputTarget::commit() {
  avio_flush(io_.get());
  check();
  if (file_ != STDOUT_FILENO) {
    const int file = file_;
    file_ = -1;
    if (::close(file) != 0) fail(errno);
  }
  if (temporary_.empty()) return;
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail(errno);
  temporary_.clear();
}

}  // namespace semcodec::av
