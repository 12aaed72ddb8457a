// semcodec-eval: how close a video is to its source, and how it moves.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <opencv2/core/version.hpp>
#include <span>
#include <thread>

#include "common/app/interrupt.h"
#include "common/app/progress.h"
#include "common/app/run_main.h"
#include "common/app/units.h"
#include "common/app/version.h"
#include "common/core/error.h"
#include "common/core/file.h"
#include "common/core/log.h"
#include "evaluation/alignment.h"
#include "evaluation/clip_metrics.h"
#include "evaluation/patch_metrics.h"
#include "evaluation/perceptual_metric.h"
#include "evaluation/report.h"
#include "semcodec/video_reader.h"

namespace semcodec {
namespace {

constexpr std::size_t kBatch = 16;  // pairs in memory at a time

struct EvalOptions {
  std::string reference, distorted;
  std::string json;
  std::string bits;
  std::string size;
  std::string metrics = "all";
  std::string align = "time";
  std::string device = "auto";
  std::string features;
  KernelOptions kernel;
  bool hold = false;
  bool per_frame = false;
  bool overwrite = false;
  int threads = 0;
};

// Pulls timed frames out of a reader and notes the first and last time it saw.
struct Clip {
  Clip(const std::string& path, const ReaderOptions& options)
      : reader(path, options), unit(reader.info().time_base.value()) {}

  std::optional<TimedFrame> pull() {
    auto frame = reader.next();
    if (!frame) return std::nullopt;
    last = static_cast<double>(frame->pts) * unit;
    if (!first) first = last;
    return TimedFrame{last, std::move(frame->image)};
  }

  VideoReader reader;
  double unit;
  std::optional<double> first;
  double last = 0;
};

// The frame interval by which times are compared: the nominal rate's, else 1/25 s.
double frame_interval(const VideoInfo& info) {
  return info.frame_rate.known() ? 1.0 / info.frame_rate.value() : 0.04;
}

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f s", seconds);
  return text;
}

// The metrics that need networks, as far as their weights are there.
struct NetworkMetrics {
  NetworkMetrics(const MetricChoice& choice, const std::string& device, int threads,
                 std::vector<std::string>& notes) {
    for (std::size_t i = 0; i < nets.size(); ++i) {
      if (!choice.perceptual[i]) continue;
      nets[i] = PerceptualMetric::find(device, threads, kPerceptual[i]);
      if (!nets[i]) notes.push_back(PerceptualMetric::missing_sentence(kPerceptual[i]));
    }
    if (choice.patches.any()) {
      patches.emplace(choice.patches, device, threads);
      notes.insert(notes.end(), patches->missing().begin(), patches->missing().end());
      if (!patches->ready()) patches.reset();
    }
  }

  bool any() const {
    return patches || std::any_of(nets.begin(), nets.end(), [](const auto& n) { return !!n; });
  }

  /// `pairs`: the batch's lines of the report, or nothing.
  void add(const std::vector<FramePair>& batch, ClipMetrics& metrics,
           std::span<EvaluationReport::PairScores> pairs) {
    std::vector<const RgbImage*> a;
    std::vector<const RgbImage*> b;
    for (const FramePair& pair : batch) {
      a.push_back(&pair.source.image);
      b.push_back(&pair.output);
    }
    for (std::size_t i = 0; i < nets.size(); ++i) {
      if (!nets[i]) continue;
      const auto distances = nets[i]->distances(a, b);
      metrics.add_perceptual(i, distances);
      for (std::size_t p = 0; p < pairs.size(); ++p) pairs[p].perceptual[i] = distances[p];
    }
    if (patches) patches->add(a, b);
  }

  std::array<std::optional<PerceptualMetric>, kPerceptual.size()> nets;
  std::optional<PatchMetrics> patches;
};

// Refuses to overwrite what --features would write, before any work is done.
void check_features(const EvalOptions& o) {
  for (const char* network : {"inception", "squeezenet"}) {
    for (const char* side : {"_reference.npy", "_distorted.npy"}) {
      check_output(o.features + "/" + network + side, o.overwrite);
    }
  }
  std::error_code failed;
  std::filesystem::create_directories(o.features, failed);
  require(!failed, ErrorKind::output,
          "--features: the folder " + o.features + " cannot be made: " + failed.message() + ".");
}

// Reads the first frames of both to learn where they start, then pairs and measures.
EvaluationReport evaluate(const EvalOptions& o, ProgressMode progress_mode) {
  EvaluationReport report;
  report.reference = o.reference;
  report.distorted = o.distorted;
  MetricChoice choice = parse_metrics(o.metrics);
  choice.patches.kernel = o.kernel;
  choice.patches.keep_features = !o.features.empty();
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const int threads = o.threads > 0 ? o.threads : cores;

  NetworkMetrics networks(choice, o.device, threads, report.notes);
  require(choice.any_plain() || networks.any(), ErrorKind::unsupported,
          "Nothing of what --metrics asks for can be measured: " +
              (report.notes.empty() ? std::string() : report.notes.front()));
  if (!o.bits.empty()) {
    std::error_code failed;
    report.stream_bytes = std::filesystem::file_size(o.bits, failed);
    require(!failed, ErrorKind::input,
            "--bits: " + o.bits + " cannot be read: " + failed.message() + ".");
  }

  ReaderOptions reading;
  reading.threads = threads;
  reading.cancelled = [] { return interrupted(); };
  Clip source(o.reference, reading);
  Clip output(o.distorted, reading);
  PictureSize size{source.reader.info().width, source.reader.info().height};
  if (!o.size.empty()) size = parse_size(o.size);
  source.reader.set_output_size(size.width, size.height);
  output.reader.set_output_size(size.width, size.height);
  report.width = size.width;
  report.height = size.height;

  const double interval = frame_interval(source.reader.info());
  // The aligner pulls one frame ahead; here the first of each is taken for the start times.
  auto first_source = source.pull();
  auto first_output = output.pull();
  require(first_source.has_value(), ErrorKind::input, o.reference + " has no picture.");
  require(first_output.has_value(), ErrorKind::input, o.distorted + " has no picture.");
  const double offset = first_source->seconds - first_output->seconds;
  const bool from_start = o.align == "start";
  if (!from_start && std::abs(offset) > 0.5 * interval) {
    report.notes.push_back(o.distorted + " starts at " + seconds_text(first_output->seconds) +
                           ", the reference at " + seconds_text(first_source->seconds) +
                           "; if that is only an offset of the file, use --align start.");
  }
  const auto with_first = [](std::optional<TimedFrame>& first, Clip& clip) {
    return [&first, &clip] { return first ? std::exchange(first, std::nullopt) : clip.pull(); };
  };
  Aligner aligner(with_first(first_source, source), with_first(first_output, output), interval,
                  o.hold, from_start ? offset : 0.0);

  if (o.per_frame) report.pairs.emplace();
  ClipMetrics metrics(choice, threads);
  Progress progress(progress_mode, "eval", source.reader.info().frame_count);
  std::vector<FramePair> batch;
  bool more = true;
  while (more) {
    throw_if_interrupted();
    batch.clear();
    while (batch.size() < kBatch) {
      auto pair = aligner.next();
      if (!pair) {
        more = false;
        break;
      }
      batch.push_back(std::move(*pair));
    }
    const auto scores = metrics.add(batch);
    std::span<EvaluationReport::PairScores> lines;
    if (report.pairs) {
      for (std::size_t i = 0; i < batch.size(); ++i) {
        auto& line = report.pairs->emplace_back();
        line.seconds = batch[i].source.seconds;
        if (choice.psnr) line.psnr = scores[i].psnr;
        if (choice.gmsd) line.gmsd = scores[i].gmsd;
      }
      lines = std::span(*report.pairs).last(batch.size());
    }
    networks.add(batch, metrics, lines);
    progress.update(aligner.source_frames(), source.last - source.first.value_or(0));
  }
  progress.finish();

  report.seconds = source.last - source.first.value_or(0) + interval;
  report.source_frames = aligner.source_frames();
  report.output_frames = aligner.output_frames();
  report.paired = aligner.paired();
  report.held = aligner.held();
  report.source_unpaired = aligner.source_unpaired();
  report.output_unpaired = aligner.output_unpaired();
  report.frame_rate = static_cast<double>(report.source_frames) / report.seconds;
  if (report.source_unpaired > 0 || report.output_unpaired > 0) {
    report.notes.push_back(std::to_string(report.source_unpaired) +
                           " frames of the reference and " +
                           std::to_string(report.output_unpaired) +
                           " of the other are shown at times that the other lacks, and were left "
                           "out of all figures.");
  }
  report.scores = metrics.scores();
  if (networks.patches) {
    report.scores.patches = networks.patches->scores(report.notes);
    if (!o.features.empty()) networks.patches->save_features(o.features);
  }
  if (choice.ms_ssim && report.scores.pairs > 0 && !report.scores.ms_ssim) {
    report.notes.push_back("MS-SSIM needs pictures of at least 176x176 pixels.");
  }
  for (const Clip* clip : {&source, &output}) {
    if (!clip->reader.warning().empty()) report.notes.push_back(clip->reader.warning());
  }
  require(report.paired + report.held > 0, ErrorKind::input,
          "No frame of " + o.distorted + " is shown at a time of a frame of " + o.reference +
              "; use --align start if one of them starts later.");
  return report;
}

void write_report(const EvalOptions& o, const EvaluationReport& report) {
  if (o.json != "-") std::fputs(to_table(report).c_str(), stdout);
  if (!o.json.empty()) {
    const std::string text = to_json(report);
    OutputFile file(o.json);
    file.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    file.commit();
  }
}

}  // namespace
}  // namespace semcodec

int main(int argc, char** argv) {
  using namespace semcodec;
  CLI::App app(
      "Compares a video with its source: PSNR, SSIM, MS-SSIM, GMSD, LPIPS, DISTS, FID, KID, "
      "motion");
  CommonOptions common;
  add_common_options(app, common,
                     version_text("semcodec-eval", {{"torch", PerceptualMetric::torch_version()},
                                                    {"OpenCV", CV_VERSION}}));
  EvalOptions o;
  app.add_option("reference", o.reference, "The source video")->required();
  app.add_option("distorted", o.distorted, "The video to judge")->required();
  app.add_option("--json", o.json, "Write the figures as JSON to this file; - is stdout");
  app.add_flag("-y,--overwrite", o.overwrite, "Overwrite the JSON file");
  app.add_option("--bits", o.bits, "The stream whose size gives kbit/s and bits a pixel");
  app.add_option("--size", o.size, "Compare at WxH (both are scaled); default: the reference's");
  app.add_option("--metrics", o.metrics,
                 "all, or some of psnr,ssim,ms-ssim,gmsd,lpips,lpips-alex,lpips-vgg,dists,fid,kid,"
                 "fd-squeezenet,motion,flicker,warping")
      ->capture_default_str();
  app.add_option("--kid-subsets", o.kernel.subsets, "Subsets that KID is averaged over")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--kid-subset-size", o.kernel.subset_size,
                 "Patches in a subset; of fewer patches it is half")
      ->check(CLI::Range(2, 20000))
      ->capture_default_str();
  app.add_option("--kid-seed", o.kernel.seed, "Seed of the subsets")->capture_default_str();
  app.add_option("--features", o.features,
                 "Write the features of all patches into this folder, as .npy");
  app.add_flag("--per-frame", o.per_frame,
               "PSNR, GMSD, LPIPS and DISTS of every frame too, in the JSON");
  app.add_option("--align", o.align,
                 "time: frames belong together by their timestamps; start: by their time since "
                 "the first frame")
      ->check(CLI::IsMember({"time", "start"}))
      ->capture_default_str();
  app.add_flag("--hold", o.hold,
               "Compare source frames that have no partner with the frame shown at that time");
  app.add_option("--device", o.device, "Where LPIPS, DISTS, FID, KID run: auto, cpu, cuda:N")
      ->capture_default_str();
  app.add_option("--threads", o.threads, "Threads; 0 = one a core")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  return run_main(app, argc, argv, [&] {
    if (!o.json.empty()) check_output(o.json, o.overwrite);
    if (!o.features.empty()) check_features(o);
    const EvaluationReport report = evaluate(o, parse_progress_mode(common.progress));
    for (const std::string& note : report.notes) log::warning(note);
    write_report(o, report);
  });
}
