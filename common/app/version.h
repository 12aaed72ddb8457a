#pragma once
// The text behind --version.

#include <string>
#include <utility>
#include <vector>

#include "semcodec/version.h"

namespace semcodec {

/// Name and version of a library the program uses, e.g. {"libavformat", "59.27.100"}. Programs pass
/// what they link, so that this folder needs none of those libraries.
using LibraryVersion = std::pair<std::string, std::string>;

/// "semcodec-enc 0.1.0\nlibavformat 59.27.100, zstd 1.5.4\nbuilt with g++ 12.2.0, Release"
std::string version_text(const std::string& program, const std::vector<LibraryVersion>& libraries);

}  // namespace semcodec
