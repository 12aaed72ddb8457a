#include "decoder/play/polled_input.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "common/core/error.h"

namespace semcodec {
namespace {

class Descriptor {
 public:
  Descriptor(const std::string& path, const std::string& name)
      : file_(path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    require(file_ >= 0, ErrorKind::input,
            "Cannot open " + name + ": " + std::strerror(errno) + ".");
  }
  ~Descriptor() {
    if (file_ != STDIN_FILENO) ::close(file_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return file_; }

 private:
  int file_;
};

}  // namespace

bool may_block(const std::string& path) {
  struct stat status = {};
  const int found = path == "-" ? fstat(STDIN_FILENO, &status) : stat(path.c_str(), &status);
  return found == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

StreamReader::Source polled_input(const std::string& path, std::function<bool()> stop) {
  constexpr int kTick = 100;  // milliseconds
  const std::string name = path == "-" ? "stdin" : path;
  auto file = std::make_shared<Descriptor>(path, name);
  return [file, name, stop = std::move(stop)](std::span<std::uint8_t> to) -> std::size_t {
    while (!stop()) {
      pollfd wanted{file->get(), POLLIN, 0};
      if (::poll(&wanted, 1, kTick) <= 0) continue;  // a signal's end of the wait is seen by stop()
      const ssize_t got = ::read(file->get(), to.data(), to.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      require(errno == EINTR || errno == EAGAIN, ErrorKind::input,
              "Cannot read " + name + ": " + std::strerror(errno) + ".");
    }
    return 0;
  };
}

}  // namespace semcodec
