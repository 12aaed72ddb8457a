#include "common/media/video_encoder.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "common/core/error.h"
#include "common/core/log.h"
#include "common/media/hw_device.h"

namespace semcodec::av {
namespace {

struct Preset {
  std::string_view x264, nvenc;
};

// NVENC's p4 is its medium.
constexpr std::array<Preset, 10> kPresets = {{{"ultrafast", "p1"},
                                              {"superfast", "p1"},
                                              {"veryfast", "p2"},
                                              {"faster", "p3"},
                                              {"fast", "p3"},
                                              {"medium", "p4"},
                                              {"slow", "p5"},
                                              {"slower", "p6"},
                                              {"veryslow", "p7"},
                                              {"placebo", "p7"}}};

const Preset* find_preset(std::string_view name, bool nvenc) {
  const auto* found = std::find_if(kPresets.begin(), kPresets.end(), [&](const Preset& preset) {
    return preset.x264 == name || (nvenc && preset.nvenc == name);
  });
  return found == kPresets.end() ? nullptr : found;
}

const AVCodec& find_encoder(const std::string& name) {
  const AVCodec* codec = avcodec_find_encoder_by_name(name.c_str());
  require(codec != nullptr, ErrorKind::unsupported,
          "This build of libav has no " + name +
              (is_nvenc(name) ? "; use --vcodec libx264, or a libav built with NVENC."
                              : "; write .y4m instead."));
  return *codec;
}

/// An encoder opened as for a small clip, to see whether there is one: what fails then is neither
/// the size nor the settings of the user.
int try_nvenc(const AVCodec& codec) {
  const Codec encoder(allocated(avcodec_alloc_context3(&codec)));
  encoder->width = 320;
  encoder->height = 240;
  encoder->pix_fmt = AV_PIX_FMT_YUV420P;
  encoder->time_base = AVRational{1, 25};
  encoder->framerate = AVRational{25, 1};
  clear_messages();
  return avcodec_open2(encoder.get(), &codec, nullptr);
}

/// Why that NVENC encoder cannot work here, as part of a sentence; "" when it can.
std::string nvenc_trouble(const std::string& name) {
  const AVCodec& codec = find_encoder(name);
  std::string why;
  if (!open_device(AV_HWDEVICE_TYPE_CUDA, why)) return why;
  const int status = try_nvenc(codec);
  if (status >= 0) return "";
  return "the GPU or its driver does not offer it: " + error_text(status) + folded_message();
}

}  // namespace

bool is_nvenc(const std::string& encoder) { return encoder.ends_with("_nvenc"); }

bool knows_preset(const std::string& encoder, const std::string& preset) {
  return find_preset(preset, is_nvenc(encoder)) != nullptr;
}

std::vector<std::pair<std::string, std::string>> encoder_settings(const std::string& encoder,
                                                                  const std::string& preset,
                                                                  int crf) {
  if (!is_nvenc(encoder)) return {{"preset", preset}, {"crf", std::to_string(crf)}};
  const Preset* found = find_preset(preset, true);
  const std::string speed(found == nullptr ? "p4" : found->nvenc);
  if (crf == 0) return {{"preset", speed}, {"tune", "lossless"}, {"rc", "constqp"}, {"qp", "0"}};
  return {{"preset", speed}, {"rc", "vbr"}, {"cq", std::to_string(crf)}};
}

Codec open_encoder(const WriterOptions& options, const VideoTrack& track) {
  const AVCodec& codec = find_encoder(options.encoder);
  const bool nvenc = is_nvenc(options.encoder);
  const bool odd = track.width % 2 != 0 || track.height % 2 != 0;
  const std::string size = std::to_string(track.width) + "x" + std::to_string(track.height);
  require(!odd || !nvenc, ErrorKind::output,
          options.encoder + " cannot encode " + track.name + " at the odd size " + size +
              "; use another --size, or --vcodec libx264.");
  if (odd) {
    log::warn_once("odd:" + track.name,
                   track.name + " has an odd size (" + size +
                       "), so it is written as 4:4:4, which some players lack.");
  }
  Codec encoder(allocated(avcodec_alloc_context3(&codec)));
  encoder->width = track.width;
  encoder->height = track.height;
  encoder->pix_fmt = odd ? AV_PIX_FMT_YUV444P : AV_PIX_FMT_YUV420P;
  encoder->time_base = to_av(options.time_base);
  encoder->framerate = to_av(options.frame_rate);
  encoder->sample_aspect_ratio = to_av(options.sample_aspect);
  encoder->color_range = AVCOL_RANGE_MPEG;
  encoder->colorspace = AVCOL_SPC_BT709;
  encoder->color_primaries = AVCOL_PRI_BT709;
  encoder->color_trc = AVCOL_TRC_BT709;
  encoder->chroma_sample_location = AVCHROMA_LOC_LEFT;
  encoder->thread_count = options.threads;
  if (track.global_header) encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  if (track.gop > 0) encoder->gop_size = track.gop;
  if (nvenc) {
    encoder->bit_rate = 0;  // else its default of 2 Mbit/s caps the quality asked for
    // It would take the time base for a rate, and 90000 frames a second are above every level.
    if (!options.frame_rate.known()) encoder->framerate = AVRational{25, 1};
  }
  Options settings;
  for (const auto& [key, value] : encoder_settings(options.encoder, options.preset, options.crf)) {
    settings.set(key.c_str(), value);
  }
  if (track.live) {
    settings.set("tune", nvenc ? "ull" : "zerolatency");
    // One slice a picture, as elsewhere: that tuning would cut it into one a thread.
    if (!nvenc) settings.set("x264-params", "sliced-threads=0");
  }
  clear_messages();
  const int status = avcodec_open2(encoder.get(), &codec, settings.get());
  require(status >= 0, ErrorKind::output,
          options.encoder + " cannot encode " + track.name + " at " + size + " with preset " +
              options.preset + ": " + error_text(status) + folded_message() + ".");
  return encoder;
}

std::string pick_encoder(const std::string& wanted) {
  capture_log();
  if (wanted == "libx264") return wanted;
  const bool any = wanted == "auto";
  const std::string nvenc = any ? "h264_nvenc" : wanted;
  std::string trouble;
  if (any && avcodec_find_encoder_by_name(nvenc.c_str()) == nullptr) {
    trouble = "this build of libav lacks it";
  } else {
    trouble = nvenc_trouble(nvenc);
  }
  if (trouble.empty()) return nvenc;
  require(any, ErrorKind::device,
          nvenc + " cannot be used here: " + trouble + "; use --vcodec libx264 or auto.");
  const std::string sentence =
      "--vcodec auto takes libx264, which needs the CPU's time: h264_nvenc cannot be used, "
      "because " +
      trouble + ".";
  if (have_nvidia_driver()) {
    log::warn_once("vcodec", sentence);
  } else {
    log::info_once("vcodec", sentence);
  }
  return "libx264";
}

}  // namespace semcodec::av
