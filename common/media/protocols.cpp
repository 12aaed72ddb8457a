#include "common/media/protocols.h"

#include <array>
#include <string_view>
#include <utility>

namespace semcodec::av {

bool is_url(const std::string& path) { return path.find("://") != std::string::npos; }

std::string scheme_of(const std::string& path) {
  return is_url(path) ? path.substr(0, path.find("://")) : std::string();
}

std::string protocols_for(const std::string& url) {
  if (url.empty()) return "none";
  // Patterns of numbered pictures are opened as they are, without file: in front.
  const auto colon = url.find(':');
  const bool plain = colon == std::string::npos || url.find('/') < colon;
  const std::string protocol = plain ? "file" : url.substr(0, colon);
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kBeneath = {
      {{"http", "http,https,tls,tcp,httpproxy"},
       {"https", "https,http,tls,tcp,httpproxy"},
       {"rtsp", "rtsp,rtp,udp,tcp"},
       {"rtsps", "rtsps,rtsp,rtp,srtp,udp,tls,tcp"},
       {"rtp", "rtp,udp"},
       {"rtmp", "rtmp,tcp"},
       {"rtmps", "rtmps,rtmp,tls,tcp"},
       {"tls", "tls,tcp"},
       {"ftp", "ftp,tcp"}}};
  for (const auto& [name, beneath] : kBeneath) {
    if (protocol == name) return std::string(beneath);
  }
  return protocol;
}

}  // namespace semcodec::av
