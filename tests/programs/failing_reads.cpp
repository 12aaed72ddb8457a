// To be preloaded: reads of the file $FAIL_PATH fail with an input/output error once $FAIL_AFTER
// bytes of it were read, as those of a disk or a network folder that goes away.

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string>

namespace {

bool is_the_file(int descriptor) {
  const char* wanted = std::getenv("FAIL_PATH");
  if (wanted == nullptr) return false;
  char path[4096];
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t size = ::readlink(link.c_str(), path, sizeof path);
  return size > 0 && std::string(path, static_cast<std::size_t>(size)) == wanted;
}

std::atomic<long> left{std::getenv("FAIL_AFTER") == nullptr ? 0
                                                            : std::atol(std::getenv("FAIL_AFTER"))};

}  // namespace

extern "C" ssize_t read(int descriptor, void* to, std::size_t size) {
  using Read = ssize_t (*)(int, void*, std::size_t);
  static const auto real = reinterpret_cast<Read>(::dlsym(RTLD_NEXT, "read"));
  if (!is_the_file(descriptor)) return real(descriptor, to, size);
  if (left <= 0) {
    errno = EIO;
    return -1;
  }
  const ssize_t got = real(descriptor, to, std::min(size, static_cast<std::size_t>(left.load())));
  if (got > 0) left -= got;
  return got;
}
