#pragma once
// Versions of the libav libraries that run with this program, for --version.

#include <string>
#include <utility>
#include <vector>

namespace semcodec {

/// {"libavformat", "59.27.100"}, {"libavcodec", …}, {"libavutil", …}, {"libswscale", …}
std::vector<std::pair<std::string, std::string>> media_versions();

}  // namespace semcodec
