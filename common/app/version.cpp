#include "common/app/version.h"

namespace semcodec {

std::string version_text(const std::string& program, const std::vector<LibraryVersion>& libraries) {
  std::string text = program + " " + version() + "\n";
  for (const auto& [name, number] : libraries) {
    if (&name != &libraries.front().first) text += ", ";
    text += name + " " + number;
  }
  if (!libraries.empty()) text += "\n";
#if defined(__clang__)
  text += "built with clang " __clang_version__;
#else
  text += "built with g++ " __VERSION__;
#endif
  return text + ", " + SEMCODEC_BUILD_TYPE;
}

}  // namespace semcodec
