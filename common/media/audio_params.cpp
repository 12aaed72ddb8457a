#include "common/media/audio_params.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "common/core/error.h"
#include "common/core/text.h"

namespace semcodec::av {

bool is_carried(AVCodecID codec) {
  static constexpr std::array<std::string_view, 22> kCarried = {
      "opus",      "aac",       "mp3",       "ac3",       "flac",      "vorbis",
      "pcm_s8",    "pcm_u8",    "pcm_s16le", "pcm_s16be", "pcm_u16le", "pcm_u16be",
      "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be", "pcm_f32le", "pcm_f32be",
      "pcm_f64le", "pcm_f64be", "pcm_alaw",  "pcm_mulaw"};
  const std::string_view name = avcodec_get_name(codec);
  return std::find(kCarried.begin(), kCarried.end(), name) != kCarried.end();
}

AudioInfo to_info(const AVCodecParameters& parameters, AVRational time_base) {
  AudioInfo info;
  info.codec = avcodec_get_name(parameters.codec_id);
  info.sample_rate = parameters.sample_rate;
  info.channels = parameters.ch_layout.nb_channels;
  if (parameters.ch_layout.order == AV_CHANNEL_ORDER_NATIVE) {
    info.channel_mask = parameters.ch_layout.u.mask;
  }
  info.time_base = from_av(time_base);
  info.bit_rate = parameters.bit_rate;
  info.profile = parameters.profile;
  info.frame_size = parameters.frame_size;
  info.initial_padding = parameters.initial_padding;
  info.seek_preroll = parameters.seek_preroll;
  info.block_align = parameters.block_align;
  info.bits_per_sample = parameters.bits_per_coded_sample;
  if (parameters.extradata_size > 0) {
    info.extradata.assign(parameters.extradata, parameters.extradata + parameters.extradata_size);
  }
  return info;
}

Parameters to_parameters(const AudioInfo& info) {
  const AVCodecDescriptor* codec = avcodec_descriptor_get_by_name(info.codec.c_str());
  require(codec != nullptr && codec->type == AVMEDIA_TYPE_AUDIO, ErrorKind::unsupported,
          "The audio codec \"" + printable(info.codec) + "\" is not known to this build of libav.");
  require(is_carried(codec->id), ErrorKind::unsupported,
          info.codec +
              " audio is not taken from streams; known are Opus, AAC, MP3, AC-3, FLAC, Vorbis and "
              "PCM.");
  const bool sane = info.sample_rate > 0 && info.sample_rate <= 768000 && info.channels > 0 &&
                    info.channels <= 64 && info.time_base.known() && info.bit_rate >= 0 &&
                    info.frame_size >= 0 && info.initial_padding >= 0 && info.seek_preroll >= 0 &&
                    info.block_align >= 0 && info.bits_per_sample >= 0 &&
                    info.bits_per_sample <= 64 && info.extradata.size() <= (1u << 24);
  require(sane, ErrorKind::corrupt, "The description of the audio track is damaged.");
  Parameters parameters(allocated(avcodec_parameters_alloc()));
  parameters->codec_type = AVMEDIA_TYPE_AUDIO;
  parameters->codec_id = codec->id;
  parameters->sample_rate = info.sample_rate;
  if (info.channel_mask == 0 ||
      av_channel_layout_from_mask(&parameters->ch_layout, info.channel_mask) < 0 ||
      parameters->ch_layout.nb_channels != info.channels) {
    av_channel_layout_uninit(&parameters->ch_layout);
    av_channel_layout_default(&parameters->ch_layout, info.channels);
  }
  parameters->bit_rate = info.bit_rate;
  parameters->profile = info.profile;
  parameters->frame_size = info.frame_size;
  parameters->initial_padding = info.initial_padding;
  parameters->seek_preroll = info.seek_preroll;
  parameters->block_align = info.block_align;
  parameters->bits_per_coded_sample = info.bits_per_sample;
  if (!info.extradata.empty()) {
    const std::size_t size = info.extradata.size();
    parameters->extradata =
        static_cast<std::uint8_t*>(allocated(av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE)));
    std::memcpy(parameters->extradata, info.extradata.data(), size);
    parameters->extradata_size = static_cast<int>(size);
  }
  return parameters;
}

Packet to_packet(const AudioPacket& packet) {
  require(packet.bytes.size() <= (1u << 24), ErrorKind::corrupt,
          "An audio packet is larger than 16 MiB.");
  Packet result = make_packet();
  if (av_new_packet(result.get(), static_cast<int>(packet.bytes.size())) < 0) {
    throw std::bad_alloc();
  }
  if (!packet.bytes.empty()) std::memcpy(result->data, packet.bytes.data(), packet.bytes.size());
  result->pts = packet.pts;
  result->dts = packet.pts;
  result->duration = packet.duration;
  result->flags |= AV_PKT_FLAG_KEY;
  return result;
}

}  // namespace semcodec::av
