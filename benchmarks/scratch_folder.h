#pragma once
// A folder for what a benchmark has to write; it goes with the object.

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "common/core/error.h"

namespace semcodec {

class ScratchFolder {
 public:
  /// Throws Error(output) when the folder for temporary files cannot be written to.
  ScratchFolder() {
    const auto parent = std::filesystem::temp_directory_path().string();
    path_ = parent + "/semcodec-bench-XXXXXX";  // mkdtemp fills in the letters
    require(::mkdtemp(path_.data()) != nullptr, ErrorKind::output,
            "No folder could be made in " + parent + "; set TMPDIR to one that can be written to.");
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace semcodec
