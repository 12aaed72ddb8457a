#include "common/media/hw_device.h"

#include <dlfcn.h>

#include "common/core/error.h"
#include "common/core/log.h"

namespace semcodec::av {

std::string known_device_types() {
  std::string names;
  for (AVHWDeviceType type = av_hwdevice_iterate_types(AV_HWDEVICE_TYPE_NONE);
       type != AV_HWDEVICE_TYPE_NONE; type = av_hwdevice_iterate_types(type)) {
    names += (names.empty() ? "" : ", ") + type_name(type);
  }
  return names.empty() ? "none" : names;
}

std::string type_name(AVHWDeviceType type) {
  const char* name = av_hwdevice_get_type_name(type);
  return name == nullptr ? "unknown" : name;
}

bool have_nvidia_driver() {
  // Never closed: whoever asks wants to use it, and libav loads it again by itself.
  static const bool found = dlopen("libcuda.so.1", RTLD_NOW) != nullptr;
  return found;
}

Buffer open_device(AVHWDeviceType type, std::string& why) {
  capture_log();
  if (type == AV_HWDEVICE_TYPE_CUDA && !have_nvidia_driver()) {
    why = "the NVIDIA driver (libcuda.so.1) was not found";
    return nullptr;
  }
  clear_messages();
  AVBufferRef* device = nullptr;
  const int status = av_hwdevice_ctx_create(&device, type, nullptr, nullptr, 0);
  if (status >= 0) return Buffer(device);
  why = status == AVERROR(ENOMEM) && last_message().empty()
            ? "this build of libav does not know that type"
            : "libav could not open it: " + error_text(status) + folded_message();
  return nullptr;
}

Buffer device_for(HwAccel wanted) {
  if (wanted == HwAccel::none) return nullptr;
  std::string why;
  Buffer device = open_device(AV_HWDEVICE_TYPE_CUDA, why);
  if (device) return device;
  require(wanted == HwAccel::automatic, ErrorKind::device,
          "There is no cuda device to decode the video: " + why +
              "; libav knows these types here: " + known_device_types() +
              "; use --hwaccel none or auto.");
  const std::string cost = "the video is decoded on the CPU, whose cores the networks could use";
  if (have_nvidia_driver()) {
    log::warn_once("hwaccel", "--hwaccel auto finds no cuda device (" + why + "); " + cost + ".");
  } else {
    log::info_once("hwaccel", "--hwaccel auto finds no NVIDIA driver; " + cost + ".");
  }
  return nullptr;
}

}  // namespace semcodec::av
