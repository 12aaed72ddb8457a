#include "common/media/versions.h"

#include "common/media/av_handles.h"

namespace semcodec {
namespace {

std::string text_of(unsigned number) {
  return std::to_string(AV_VERSION_MAJOR(number)) + "." + std::to_string(AV_VERSION_MINOR(number)) +
         "." + std::to_string(AV_VERSION_MICRO(number));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> media_versions() {
  return {{"libavformat", text_of(avformat_version())},
          {"libavcodec", text_of(avcodec_version())},
          {"libavutil", text_of(avutil_version())},
          {"libswscale", text_of(swscale_version())}};
}

}  // namespace semcodec
