// Fuzzes the configuration of a training run: the bytes behind the first are a TOML file (first
// byte even), or an override as --set takes it (odd). Every value is then asked for in every type.

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "training/config.h"

namespace {

/// What a wrong type is answered with is a sentence, and no other error.
template <typename Get>
void ask(Get get) {
  try {
    get();
  } catch (const semcodec::Error& error) {
    if (error.kind() != semcodec::ErrorKind::usage) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace semcodec;
  if (size < 1) return 0;
  const std::string text(data + 1, data + size);
  static const int file = memfd_create("fuzz", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, 0) != 0 ||
      pwrite(file, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    std::abort();
  }
  try {
    const bool override = data[0] % 2 != 0;
    const Config config(override ? std::string() : "/proc/self/fd/" + std::to_string(file),
                        override ? std::vector<std::string>{text} : std::vector<std::string>{});
    for (const char* key : {"steps", "generator.steps", "v", "data"}) {
      ask([&] { config.get(key, 1); });
      ask([&] { config.get(key, 0.5); });
      ask([&] { config.get(key, false); });
      ask([&] { config.get(key, std::string("x")); });
      ask([&] { config.get_word(key, "512"); });
    }
    config.resolved("");
    config.check_all_used("");
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) std::abort();
  }
  return 0;
}
