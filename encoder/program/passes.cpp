#include "encoder/program/passes.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <utility>

#include "common/app/interrupt.h"
#include "common/app/units.h"
#include "common/core/error.h"
#include "common/core/file.h"
#include "encoder/rate/one_pass.h"
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
  void copy_to(OutputFile& file) {
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

RateModel model_of(const EncodeJob& job) {
  return RateModel::typical(job.info.work_width, job.info.work_height,
                            job.options.profile != Profile::paper);
}

double target_bits(const RateRequest& request, double seconds) {
  return request.target_bits ? *request.target_bits : *request.bitrate * seconds;
}

std::shared_ptr<RateControl> one_pass_control(const EncodeJob& job, const RateRequest& request) {
  if (!request.targeted()) return nullptr;
  OnePassControl::Options options;
  options.duration = job.expected_seconds();
  require(request.bitrate || options.duration, ErrorKind::usage,
          "--target-size has to know how long the video is, which a pipe does not tell; use "
          "--bitrate, or a file.");
  options.target = request.bitrate ? *request.bitrate : *request.target_bits / *options.duration;
  return std::make_shared<OnePassControl>(options, model_of(job));
}

Encoded one_run(VideoReader& reader, const EncodeJob& job, const RateRequest& request,
                OutputFile& file) {
  RunSettings run;
  run.rate_control = one_pass_control(job, request);
  run.with_index = !file.is_stdout();
  run.sink = [&file](std::span<const std::uint8_t> bytes) {
    file.write(bytes);
    if (file.is_stdout()) file.flush();
  };
  Encoded encoded;
  encoded.result = run_encoder(reader, job, run);
  encoded.passes.push_back({run.rate_control ? "one-pass" : "quality",
                            mean_quality(encoded.result.record), encoded.result.stats.bytes, true});
  return encoded;
}

Encoded several_runs(VideoReader& first, const EncodeJob& job, const RateRequest& request,
                     OutputFile& file) {
  PassSearch::Options options;
  options.duration = job.expected_seconds().value_or(10);
  options.target = target_bits(request, options.duration);
  PassSearch search(options, model_of(job));
  Encoded encoded;
  std::unique_ptr<Spool> best;
  std::vector<double> entries;
  while (std::shared_ptr<RateControl> control = search.next()) {
    const bool counts = search.counts();
    const int number = search.passes() + 1;
    auto spool = counts ? std::make_unique<Spool>() : nullptr;
    RunSettings run;
    run.title = "pass " + std::to_string(number) + "/" + std::to_string(std::max(number, 2));
    run.rate_control = std::move(control);
    run.entries = entries;
    run.with_index = !file.is_stdout();
    run.final_output = counts;
    run.sink = [&spool](std::span<const std::uint8_t> bytes) {
      if (spool) spool->write(bytes);
    };
    RunResult result;
    if (counts) {
      auto again = job.open();
      result = run_encoder(again, job, run);
    } else {
      result = run_encoder(first, job, run);
      if (result.interrupted) throw_if_interrupted();
      if (request.bitrate) search.set_target(target_bits(request, result.seconds));
    }
    entries.clear();
    for (const AnchorCost& anchor : result.record.anchors) {
      if (anchor.entry_point) entries.push_back(anchor.seconds);
    }
    const bool better = search.finish(result.record) || result.interrupted;
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
    if (encoded.result.interrupted) break;
  }
  best->copy_to(file);
  return encoded;
}

}  // namespace

Encoded encode_in_passes(VideoReader& reader, const EncodeJob& job, const RateRequest& request,
                         const std::string& output) {
  OutputFile file(output);  // before the work: what cannot be written is said at once
  auto encoded = request.passes > 1 ? several_runs(reader, job, request, file)
                                    : one_run(reader, job, request, file);
  file.commit();
  return encoded;
}

Verdict judge(const Encoded& encoded, const EncodeJob& job, const RateRequest& request) {
  const RunResult& result = encoded.result;
  if (!request.targeted() || result.interrupted || result.seconds <= 0) return {};
  const double counted = 8.0 * static_cast<double>(result.counted_bytes(job.options.count_audio));
  const double wanted = target_bits(request, result.seconds);
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
