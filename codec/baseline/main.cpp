// semcodec-baseline: the generators that the seed paper compares with, on our streams.
//
//   run     generates a video from a stream's planes by a trained baseline
//   strip   leaves out planes: the stream that a method without them would be sent
//   cost    parameters and multiply-accumulates, as published and as configured

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "codec/baseline/baseline_player.h"
#include "common/app/interrupt.h"
#include "common/app/progress.h"
#include "common/app/run_main.h"
#include "common/app/units.h"
#include "common/app/version.h"
#include "common/core/error.h"
#include "common/core/file.h"
#include "common/core/log.h"
#include "common/media/versions.h"
#include "common/semantic/class_plane.h"
#include "encoder/analysis/structure.h"
#include "models/baselines/baseline_cost.h"
#include "models/baselines/xdog.h"
#include "models/core/device.h"
#include "models/package/model_package.h"
#include "semcodec/stream_reader.h"
#include "semcodec/stream_writer.h"
#include "semcodec/video_reader.h"
#include "semcodec/video_writer.h"

namespace {

using namespace semcodec;

struct Arguments {
  std::string weights, input, output, device = "auto", planes = "edges", video, labels;
  bool overwrite = false;
  int threads = 0, crf = 18, classes = 0;
};

struct CostArguments {
  std::string weights, package, size = "512x256";
  bool as_json = false;
};

void check_whole(const StreamReader& reader, const std::string& path) {
  require(reader.status() == StreamStatus::complete, ErrorKind::corrupt,
          path + " is " + to_string(reader.status()) + ": " + reader.problem());
}

void run(const Arguments& a, const CommonOptions& common) {
  check_output(a.output, a.overwrite);
  const auto device = parse_device(a.device);
  const auto net = load_baseline(a.weights, device);
  log::info(net->config().kind + ": " + cost_sentence(*net));
  StreamReader reader(a.input);
  const auto& info = reader.info();
  BaselinePlayer player(net, info.coded_width, info.coded_height, device);
  WriterOptions options;
  options.width = info.width;
  options.height = info.height;
  options.time_base = {info.time_base_num, info.time_base_den};
  options.frame_rate = {info.frame_rate_num, info.frame_rate_den};
  options.sample_aspect = {info.sar_num, info.sar_den};
  options.crf = a.crf;
  options.preset = "ultrafast";
  VideoWriter writer(a.output, options);
  const auto totals = reader.totals();
  Progress progress(parse_progress_mode(common.progress), "generate",
                    totals ? static_cast<std::int64_t>(totals->frames) : 0);
  double seconds = 0;  // of the network alone
  const auto timed = [&](const auto& generate) {
    const auto start = std::chrono::steady_clock::now();
    const auto frames = generate();
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    for (const auto& frame : frames) writer.write(frame.picture, frame.pts);
    progress.update(writer.frames(), seconds);
  };
  while (const auto item = reader.next()) {
    throw_if_interrupted();
    if (item->frame() != nullptr) timed([&] { return player.push(*item->frame()); });
  }
  check_whole(reader, a.input);
  timed([&] { return player.finish(); });
  require(writer.frames() > 0, ErrorKind::corrupt, a.input + " holds no frame.");
  writer.finish();
  progress.finish();
  char text[96];
  std::snprintf(text, sizeof text, "%lld frames, %.2f a second.",
                static_cast<long long>(writer.frames()),
                static_cast<double>(writer.frames()) / seconds);
  log::info(text);
}

/// A video's sketches in place of edge maps.
class Sketches {
 public:
  Sketches(const std::string& path, const StreamInfo& info) : path_(path), reader_(path) {
    reader_.set_output_size(info.coded_width, info.coded_height);
  }
  /// The plane of the next frame, in cells and levels like `edges`.
  Plane next(const Plane& edges, int coded_width) {
    const auto frame = reader_.next();
    require(frame.has_value(), ErrorKind::input, path_ + " has fewer frames than the stream.");
    const auto& image = frame->image;
    const auto picture = torch::from_blob(const_cast<std::uint8_t*>(image.pixels.data()),
                                          {1, image.height, image.width, 3}, torch::kUInt8)
                             .permute({0, 3, 1, 2});
    const auto sketch = xdog_sketch(picture.to(torch::kFloat32) / 255.0).contiguous();
    StructureOptions options;
    options.cell = coded_width / edges.width;
    options.levels = edges.levels;
    return analyse_structure(sketch.data_ptr<float>(), image.width, image.height, options);
  }

 private:
  std::string path_;
  VideoReader reader_;
};

/// Semantic labels in place of the colour plane, from a file of one byte a pixel of the coded size.
class Labels {
 public:
  Labels(const std::string& path, const StreamInfo& info, int classes)
      : path_(path), width_(info.coded_width), height_(info.coded_height), classes_(classes) {
    bytes_ = read_file(path, std::uint64_t{1} << 32);
  }
  void put_next(SemanticFrame& frame) {
    const auto area = static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_);
    require(bytes_.size() - at_ >= area, ErrorKind::input,
            path_ + " has fewer frames than the stream, or another size.");
    frame.labels = class_plane(bytes_.data() + at_, width_, height_, classes_);
    frame.palette = class_palette(classes_);
    at_ += area;
  }

 private:
  std::string path_;
  int width_, height_, classes_;
  std::vector<std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

/// What a method that sees `planes` alone has to be sent of a frame.
SemanticFrame stripped(SemanticFrame frame, const std::string& planes) {
  if (planes == "colour" || planes == "labels") {
    frame.structure = {};
  } else {
    frame.labels = {};
    frame.palette.clear();
  }
  frame.texture.clear();
  frame.intra_picture.reset();
  frame.base.reset();
  return frame;
}

void strip(const Arguments& a) {
  check_output(a.output, a.overwrite);
  StreamReader reader(a.input);
  OutputFile file(a.output);
  StreamWriter writer(file, reader.info());
  std::optional<Sketches> sketches;
  if (a.planes == "sketch") {
    require(!a.video.empty(), ErrorKind::usage, "--planes sketch needs the video: --video FILE.");
    sketches.emplace(a.video, reader.info());
  }
  std::optional<Labels> labels;
  if (a.planes == "labels") {
    require(!a.labels.empty() && a.classes >= 2, ErrorKind::usage,
            "--planes labels needs --labels FILE and --classes N.");
    labels.emplace(a.labels, reader.info(), a.classes);
  }
  while (const auto item = reader.next()) {
    throw_if_interrupted();
    if (item->frame() == nullptr) continue;
    auto frame = stripped(*item->frame(), a.planes);
    if (sketches) {
      require(!frame.structure.empty() && frame.interpolated_pts.empty(), ErrorKind::unsupported,
              "Sketches need a stream of the paper profile: an edge map for every frame.");
      frame.structure = sketches->next(frame.structure, reader.info().coded_width);
    }
    if (labels) {
      require(frame.interpolated_pts.empty(), ErrorKind::unsupported,
              "Labels need a stream of the paper profile: every frame coded.");
      labels->put_next(frame);
    }
    writer.write(frame);
  }
  check_whole(reader, a.input);
  writer.finish(!file.is_stdout());
  const auto bytes = file.size();
  file.commit();
  std::error_code code;
  log::info(std::to_string(bytes) + " bytes of " +
            std::to_string(std::filesystem::file_size(a.input, code)) + " are " + a.planes + ".");
}

/// Of our generator on a coded frame of this size with both references.
BaselineCost generator_cost(const std::string& folder, int width, int height) {
  const auto package = open_package(folder);
  auto net = load_generator(package, torch::kCPU, torch::kFloat32);
  FrameContext context;
  context.condition = torch::zeros({1, GeneratorConfig::kConditionChannels, height / 2, width / 2});
  context.condition_a = context.condition_b = context.condition;
  context.reference_a = context.reference_b = torch::zeros({1, 3, height, width});
  if (package.config.texture.channels > 0) {
    context.texture = torch::zeros({1, package.config.texture.channels, height / 16, width / 16});
  }
  context.scalars = torch::ones({1, GeneratorConfig::kScalars});
  BaselineCost cost;
  for (const auto& item : net->named_parameters()) {
    if (!item.key().starts_with("interpolator")) cost.parameters += item.value().numel();
  }
  cost.of_a_frame = cost.on_average = measure_cost([&] { net->forward(context); });
  return cost;
}

void print_cost(const std::string& name, const BaselineCost& cost, bool as_json) {
  const double parameters = static_cast<double>(cost.parameters) * 1e-6;
  const auto& average = cost.on_average;
  if (as_json) {
    std::printf("{\"million_parameters\": %.6f, \"gmac\": %.6f, \"gmac_by_outputs\": %.6f}\n",
                parameters, average.macs * 1e-9, average.macs_of_outputs * 1e-9);
  } else {
    std::printf("%s: %.2f M parameters, %.2f GMAC a frame, %.2f by outputs\n", name.c_str(),
                parameters, average.macs * 1e-9, average.macs_of_outputs * 1e-9);
  }
}

void cost(const CostArguments& a) {
  const auto size = parse_size(a.size);
  require(size.width % GeneratorConfig::kStride == 0 && size.height % GeneratorConfig::kStride == 0,
          ErrorKind::usage, "--size " + a.size + " should have multiples of 16.");
  if (!a.package.empty()) {
    return print_cost(a.package, generator_cost(a.package, size.width, size.height), a.as_json);
  }
  if (!a.weights.empty()) {
    const auto net = load_baseline(a.weights);
    return print_cost(net->config().kind, baseline_cost(*net, size.width, size.height), a.as_json);
  }
  for (const auto& kind : baseline_kinds()) {
    auto config = published_baseline(kind);
    config.condition = "planes";
    std::printf("%s: %s\n", kind.c_str(), cost_sentence(*make_baseline(config)).c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Generators that the seed paper compares with, on streams of edge and colour maps");
  app.require_subcommand(1);
  app.fallthrough();
  CommonOptions common;
  add_common_options(app, common, version_text("semcodec-baseline", media_versions()));
  Arguments a;
  auto* run_it = app.add_subcommand("run", "Generates a video from a stream");
  run_it->add_option("WEIGHTS", a.weights, "baseline.safetensors of `semcodec-train generator`")
      ->required();
  run_it->add_option("INPUT", a.input, "A .sem stream of edge and colour maps")->required();
  run_it->add_option("OUTPUT", a.output, "The video")->required();
  run_it->add_option("--device", a.device, "auto, cpu or cuda:N")->capture_default_str();
  run_it->add_option("--crf", a.crf, "Quality of the H.264 output")
      ->check(CLI::Range(0, 51))
      ->capture_default_str();
  auto* strip_it = app.add_subcommand("strip", "Leaves planes out of a stream");
  strip_it->add_option("INPUT", a.input, "A .sem stream of edge and colour maps")->required();
  strip_it->add_option("OUTPUT", a.output, "The smaller stream")->required();
  strip_it
      ->add_option("--planes", a.planes,
                   "What stays, with motion and times; sketch: XDoG sketches of --video in "
                   "place of the edges; labels: those of --labels in place of the colours")
      ->check(CLI::IsMember({"edges", "colour", "sketch", "labels"}))
      ->capture_default_str();
  strip_it->add_option("--video", a.video, "The video that was encoded, for sketches");
  strip_it->add_option("--labels", a.labels,
                       "Class of each pixel of the coded size, a byte each, frame by frame");
  strip_it->add_option("--classes", a.classes, "Number of classes in --labels")
      ->check(CLI::Range(2, kMaxClasses));
  auto* cost_of = app.add_subcommand("cost", "Parameters and multiply-accumulates");
  CostArguments asked;
  cost_of->add_option("WEIGHTS", asked.weights, "Of this one (default: all, as published)");
  cost_of->add_option("--package", asked.package, "Of our generator in this model package");
  cost_of->add_option("--size", asked.size, "WxH of a frame")->capture_default_str();
  cost_of->add_flag("--json", asked.as_json, "One object, of WEIGHTS or --package");
  for (auto* each : {run_it, strip_it}) {
    each->add_flag("-y,--overwrite", a.overwrite, "Overwrite the output");
  }
  app.add_option("--threads", a.threads, "Threads; 0 = one a core")->check(CLI::Range(0, 1024));
  return run_main(app, argc, argv, [&] {
    set_threads(a.threads);
    if (run_it->parsed()) return run(a, common);
    if (strip_it->parsed()) return strip(a);
    cost(asked);
  });
}
