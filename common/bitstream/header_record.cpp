#include "common/bitstream/header_record.h"

#include <algorithm>

#include "common/bitstream/format_version.h"
#include "common/core/error.h"
#include "semcodec.pb.h"

namespace semcodec {
namespace {

std::string hex_of_raw(const std::string& raw) {
  std::string text;
  for (const char c : raw) {
    for (const int digit : {c >> 4 & 15, c & 15}) text += "0123456789abcdef"[digit];
  }
  return text;
}

int narrow(std::uint32_t value) {
  return static_cast<int>(std::min<std::uint32_t>(value, 0x7fffffff));
}

// A field that is absent says 1.
int or_one(std::uint32_t value) { return value == 0 ? 1 : narrow(value); }

}  // namespace

StreamInfo read_header(const wire::Header& header, const std::string& name) {
  require(header.magic() == kMagic, ErrorKind::input, name + " is not a semcodec stream.");
  require(header.version_major() <= kFormatMajor, ErrorKind::unsupported,
          name + " was written in format " + std::to_string(header.version_major()) +
              "; this program reads up to format " + std::to_string(kFormatMajor) +
              ". Use a newer semcodec.");
  require(header.version_major() >= kFormatMajor, ErrorKind::unsupported,
          name + " was written in format " + std::to_string(header.version_major()) +
              ", which this program does not read; decode it with the semcodec that wrote it.");
  StreamInfo info;
  info.width = narrow(header.width());
  info.height = narrow(header.height());
  info.coded_width = narrow(header.coded_width());
  info.coded_height = narrow(header.coded_height());
  info.time_base_num = narrow(header.time_base_num());
  info.time_base_den = narrow(header.time_base_den());
  info.frame_rate_num = narrow(header.frame_rate_num());
  info.frame_rate_den = or_one(header.frame_rate_den());
  info.sar_num = or_one(header.sar_num());
  info.sar_den = or_one(header.sar_den());
  info.profile = header.profile().empty() ? kUsualProfile : header.profile();
  info.model_name = header.model_name().empty() ? kUsualModel : header.model_name();
  info.model_hash =
      header.model_hash_raw().empty() ? header.model_hash() : hex_of_raw(header.model_hash_raw());
  info.encoder = header.encoder();
  if (!info.encoder.empty() && info.encoder[0] >= '0' && info.encoder[0] <= '9') {
    info.encoder.insert(0, kUsualEncoder);
  }
  validate(info);
  return info;
}

AudioInfo read_audio_info(const wire::AudioInfo& in) {
  AudioInfo info;
  info.codec = in.codec();
  info.sample_rate = narrow(in.sample_rate());
  info.channels = narrow(in.channels());
  info.time_base.num = narrow(in.time_base_num());
  info.time_base.den = narrow(in.time_base_den());
  info.channel_mask = in.channel_mask();
  info.bit_rate = static_cast<std::int64_t>(in.bit_rate() & 0x7fffffffffffffff);
  info.profile = std::clamp(in.profile(), -1'000'000, 1'000'000) - 99;
  info.frame_size = narrow(in.frame_size());
  info.initial_padding = narrow(in.initial_padding());
  info.seek_preroll = narrow(in.seek_preroll());
  info.block_align = narrow(in.block_align());
  info.bits_per_sample = narrow(in.bits_per_sample());
  info.extradata.assign(in.extradata().begin(), in.extradata().end());
  require(!info.codec.empty() && info.codec.size() <= 64 && info.sample_rate >= 1 &&
              info.channels >= 1 && info.time_base.num >= 1 && info.time_base.den >= 1,
          ErrorKind::corrupt, "The audio track's description is out of range.");
  return info;
}

}  // namespace semcodec
