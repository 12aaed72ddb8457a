#include "semcodec/encode_file.h"

#include <utility>

#include "codec/encode/maps.h"
#include "codec/encode/passes.h"
#include "codec/encode/stats_file.h"
#include "common/core/error.h"
#include "common/core/log.h"
#include "models/core/device.h"

namespace semcodec {

namespace {

ReaderOptions reader_options(const EncodeFileOptions& options) {
  ReaderOptions reading;
  reading.audio = options.audio;
  reading.audio_bit_rate = options.audio_bit_rate;
  reading.threads = options.encoder.threads;
  reading.hwaccel = options.hwaccel;
  reading.format = options.input_format;
  reading.settings = options.input_settings;
  reading.cancelled = options.cancelled;
  return reading;
}

EncodeSummary summary_of(const EncodeSetup& setup, const Encoded& encoded) {
  const VideoRunResult& result = encoded.result;
  EncodeSummary summary;
  summary.info = setup.info;
  summary.stats = result.stats;
  summary.frames = result.frames;
  summary.seconds = result.seconds;
  summary.passes = static_cast<int>(encoded.passes.size());
  summary.cancelled = result.cancelled;
  summary.dropped_frames = result.dropped;
  summary.source_warning = result.warning;
  auto report = report_target(encoded, setup);
  summary.target = std::move(report.sentence);
  summary.target_missed = report.warning;
  if (result.peak) {
    summary.peak_overflows = result.peak->overflows();
    summary.peak_window = result.peak->fullest() * setup.rate.window;
  }
  return summary;
}

}  // namespace

EncodeSummary encode_file(const std::string& input, const std::string& output,
                          const EncodeFileOptions& options) {
  const StreamEncoderOptions& encoder = options.encoder;
  std::optional<double> target_bits;
  if (options.target_size) target_bits = 8 * *options.target_size;
  auto rate = rate_request(encoder, target_bits);
  require(!options.realtime || options.passes < 2, ErrorKind::usage,
          "Two passes do not go with --realtime; use --passes 1.");
  choose_passes(rate, options.realtime ? 1 : options.passes, input, encoder.low_delay);

  const auto reading = reader_options(options);
  VideoReader reader(input, reading);
  const VideoInfo& source = reader.info();
  VideoFormat video;
  video.width = source.width;
  video.height = source.height;
  video.time_base = source.time_base;
  video.frame_rate = source.frame_rate;
  video.sample_aspect = source.sample_aspect;
  video.duration = expected_seconds(source, options.skip, options.limit);

  // Copied audio is what it is: it counts only where the size of the whole file is asked for.
  const bool count_audio = target_bits || options.audio != AudioMode::copy;
  EncodeJob job{input, options, prepare_encoding(encoder, video, rate, count_audio), {}};
  const StreamInfo& info = job.setup.info;
  job.open = [&] {
    VideoReader again(input, reading);
    again.set_output_size(info.coded_width, info.coded_height);
    return again;
  };
  require(options.maps.empty() || job.setup.options.profile != Profile::hybrid, ErrorKind::usage,
          "--maps needs edge and colour maps; use --profile semantic or paper.");
  reader.set_output_size(info.coded_width, info.coded_height);
  if (!options.maps.empty()) make_map_folder(options.maps);
  log::info("Encoding " + input + " (" + std::to_string(info.width) + "x" +
            std::to_string(info.height) + ", " + source.codec + ") at " +
            std::to_string(info.coded_width) + "x" + std::to_string(info.coded_height) + " on " +
            describe(job.setup.device) + ".");

  const auto encoded = encode_in_passes(reader, job, output);
  if (!options.stats.empty()) write_stats(job, output, encoded.result, encoded.passes);
  auto summary = summary_of(job.setup, encoded);
  summary.packets = encoded.packets;
  summary.source_failed = reader.failed();
  return summary;
}

}  // namespace semcodec
