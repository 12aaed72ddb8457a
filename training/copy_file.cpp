#include "training/copy_file.h"

#include <filesystem>

#include "common/core/error.h"

namespace semcodec {

void copy_whole(const std::string& from, const std::string& to) {
  namespace fs = std::filesystem;
  std::error_code code;
  if (fs::equivalent(from, to, code)) return;
  fs::copy_file(from, to + ".part", fs::copy_options::overwrite_existing, code);
  if (!code) fs::rename(to + ".part", to, code);
  require(!code, ErrorKind::output,
          "Cannot copy " + from + " to " + to + ": " + code.message() + ".");
}

}  // namespace semcodec
