#include "codec/encode/passes.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <utility>

#include "codec/encode/stream_output.h"
#include "common/app/units.h"
#include "common/core/error.h"
#include "encoder/rate/pass_search.h"

namespace semcodec {

namespace {

/// A nameless file that holds a stream until it is known whether another pass does better.
class Spool {
 public:
  Spool() : stream_(std::tmpfile()) {
    require(stream_ != nullptr, ErrorKind::output,
            std::string("Cannot make a temporary file: ") + std::strerror(errno) + ".");
  }
  ~Spool() { std::fclose(stream_); }
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  void write(std::span<const std::uint8_t> bytes) {
    require(std::fwrite(bytes.data(), 1, bytes.size(), stream_) == bytes.size(), ErrorKind::output,
            std::string("Cannot write a temporary file: ") + std::strerror(errno) + ".");
  }
  void copy_to(StreamOutput& file) {
    std::rewind(stream_);
    std::uint8_t buffer[65536];
    std::size_t got = 0;
    while ((got = std::fread(buffer, 1, sizeof buffer, stream_)) > 0) file.write({buffer, got});
    require(std::ferror(stream_) == 0, ErrorKind::output,
            std::string("Cannot read a temporary file: ") + std::strerror(errno) + ".");
  }

 private:
  std::FILE* stream_;
};

Encoded one_run(VideoReader& reader, const EncodeJob& job, StreamOutput& file) {
  VideoRunSettings settings;
  settings.run.rate_control = job.setup.one_pass_control();
  settings.run.with_index = job.options.encoder.index && file.indexed();
  settings.run.group = file.packets() == nullptr;
  settings.run.sink = [&file](std::span<const std::uint8_t> bytes) { file.write(bytes); };
  settings.packets = file.packets();
  Encoded encoded;
  encoded.result = encode_video(reader, job, settings);
  encoded.passes.push_back({settings.run.rate_control ? "one-pass" : "quality",
                            mean_quality(encoded.result.record), encoded.result.stats.bytes, true});
  return encoded;
}

Encoded several_runs(VideoReader& first, const EncodeJob& job, StreamOutput& file) {
  const RateRequest& request = job.setup.rate;
  PassSearch::Options options;
  options.duration = job.setup.video.duration.value_or(10);
  options.target = request.bits(options.duration);
  PassSearch search(options, job.setup.rate_model());
  Encoded encoded;
  std::unique_ptr<Spool> best;
  std::vector<double> entries;
  while (std::shared_ptr<RateControl> control = search.next()) {
    const bool counts = search.counts();
    const int number = search.passes() + 1;
    auto spool = counts ? std::make_unique<Spool>() : nullptr;
    VideoRunSettings settings;
    settings.title = "pass " + std::to_string(number) + "/" + std::to_string(std::max(number, 2));
    settings.run.rate_control = std::move(control);
    settings.run.entries = entries;
    settings.run.with_index = job.options.encoder.index && file.indexed();
    settings.run.group = file.packets() == nullptr;
    settings.final_output = counts;
    settings.run.sink = [&spool](std::span<const std::uint8_t> bytes) {
      if (spool) spool->write(bytes);
    };
    VideoRunResult result;
    if (number > 1) {
      auto again = job.open();
      result = encode_video(again, job, settings);
    } else {
      result = encode_video(first, job, settings);
      if (result.cancelled && !counts) job.throw_if_cancelled();
      if (request.bitrate && !result.cancelled) search.set_target(request.bits(result.seconds));
    }
    entries.clear();
    for (const CodedFrameCost& coded_frame : result.record.coded_frames) {
      if (coded_frame.entry_point) entries.push_back(coded_frame.seconds);
    }
    const bool better = search.finish(result.record) || result.cancelled;
    const auto& made = search.made().back();
    encoded.passes.push_back({made.quality ? "planned" : "one-pass",
                              made.quality.value_or(mean_quality(result.record)),
                              result.stats.bytes, false});
    if (better) {
      for (PassLine& line : encoded.passes) line.kept = false;
      encoded.passes.back().kept = true;
      encoded.result = std::move(result);
      best = std::move(spool);
    }
    if (encoded.result.cancelled) break;
  }
  best->copy_to(file);
  return encoded;
}

}  // namespace

Encoded encode_in_passes(VideoReader& reader, const EncodeJob& job, const std::string& output) {
  StreamOutput file(output, job.options.packets);
  auto encoded =
      job.setup.rate.passes > 1 ? several_runs(reader, job, file) : one_run(reader, job, file);
  file.commit();
  if (file.packets() != nullptr) encoded.packets = file.packets()->summary();
  return encoded;
}

TargetReport report_target(const Encoded& encoded, const EncodeSetup& setup) {
  const RunResult& result = encoded.result;
  const RateRequest& request = setup.rate;
  if (!request.targeted() || result.cancelled || result.seconds <= 0) return {};
  const double counted = 8.0 * static_cast<double>(result.counted_bytes(setup.options.count_audio));
  const double wanted = request.bits(result.seconds);
  const double error = counted / wanted - 1;
  const auto show = [&](double bits) {
    return request.target_bits ? format_bytes(static_cast<std::uint64_t>(bits / 8))
                               : format_bitrate(bits / result.seconds);
  };
  const double quality = mean_quality(result.record);
  const double margin = request.passes > 1 ? 0.05 : 0.10;
  if (error > margin && quality < 3) {
    return {"The least that this video takes is " + show(counted) +
                ", at --quality 0; the target of " + show(wanted) + " lies below.",
            true};
  }
  if (error < -margin && quality > 97) {
    return {"The most that this video takes is " + show(counted) +
                ", at --quality 100; the target of " + show(wanted) + " lies above.",
            true};
  }
  char percent[32];
  std::snprintf(percent, sizeof percent, "%+.1f %%", 100 * error);
  const auto count = encoded.passes.size();
  return {"Target " + show(wanted) + ", reached " + show(counted) + " (" + percent + ") in " +
              (count == 1 ? "one pass" : std::to_string(count) + " passes") + ", mean quality " +
              std::to_string(std::lround(quality)) + ".",
          std::abs(error) > margin};
}

}  // namespace semcodec
