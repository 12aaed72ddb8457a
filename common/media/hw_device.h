#pragma once
// Devices of libav's hwaccel API: for NVIDIA's cards that is CUDA, whose decoder is NVDEC and whose
// encoder is NVENC. Private to this folder.

#include <optional>
#include <string>

#include "common/media/av_handles.h"
#include "semcodec/video_types.h"

namespace semcodec::av {

/// The device types that this build of libav knows, "vdpau, cuda, vaapi", or "none".
std::string known_device_types();

/// "cuda"
std::string type_name(AVHWDeviceType type);

/// Opens the first device of a type. Null when there is none; `why` then says what was found, as
/// part of a sentence.
Buffer open_device(AVHWDeviceType type, std::string& why);

/// Whether NVIDIA's driver (libcuda.so.1) is here; without it there is most likely no card either.
bool have_nvidia_driver();

/// The device that `wanted` asks for, null for none. Without one, `cuda` throws Error(device), and
/// `automatic` says once that decoding stays on the CPU.
Buffer device_for(HwAccel wanted);

}  // namespace semcodec::av
