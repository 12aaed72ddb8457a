#pragma once
// The H.264 and HEVC encoders behind VideoWriter: libav's libx264 on the CPU, h264_nvenc and
// hevc_nvenc on NVIDIA's cards. Private to this folder.

#include <string>
#include <utility>
#include <vector>

#include "common/media/av_handles.h"
#include "semcodec/video_writer.h"

namespace semcodec::av {

bool is_nvenc(const std::string& encoder);

/// libav's options for an encoder, from x264's terms: the preset's name and crf. NVENC has p1
/// (fastest) to p7, and cq for a constant quality on about the same scale, where 0 would mean
/// "automatic": lossless is a tuning there.
std::vector<std::pair<std::string, std::string>> encoder_settings(const std::string& encoder,
                                                                  const std::string& preset,
                                                                  int crf);

/// Whether x264 or, for an NVENC encoder, NVENC knows that preset.
bool knows_preset(const std::string& encoder, const std::string& preset);

/// For choose_video_encoder(): "auto" becomes an encoder that works here, the others are tried out.
std::string pick_encoder(const std::string& wanted);

/// What the encoder is opened for.
struct VideoTrack {
  std::string name;  ///< the file, for sentences
  int width = 0, height = 0;
  bool global_header = true;
  bool live = false;  ///< x264 keeps no picture back
  int gop = 0;        ///< pictures between intra pictures at most, 0 = as the encoder likes
};

/// An open encoder, by WriterOptions::encoder, for 4:2:0 (4:4:4 at odd sizes, which is said once;
/// NVENC refuses them). BT.709, limited range. Throws Error(unsupported) when libav lacks the
/// encoder, Error(output) when it does not take the size or the settings.
Codec open_encoder(const WriterOptions& options, const VideoTrack& track);

}  // namespace semcodec::av
