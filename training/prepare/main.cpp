// semcodec-train-prepare: videos to frame stores. The only program of the training that opens
// media; everything after it runs on machines without libav.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>

#include "common/app/interrupt.h"
#include "common/app/run_main.h"
#include "common/app/units.h"
#include "common/app/version.h"
#include "common/core/error.h"
#include "common/core/file.h"
#include "common/core/log.h"
#include "common/media/versions.h"
#include "models/core/device.h"
#include "models/core/weights_path.h"
#include "semcodec/video_reader.h"
#include "training/edge_store.h"
#include "training/frame_store.h"
#include "training/prepare/annotations.h"
#include "training/prepare/base_layers.h"
#include "training/prepare/class_store.h"
#include "training/prepare/clip_list.h"
#include "training/stages/prepare_options.h"

namespace {

using namespace semcodec;
namespace fs = std::filesystem;

struct Arguments : PrepareOptions {
  std::vector<std::string> inputs;
  std::string output, edges, device = "auto", maps, segmenter;
  int threads = 0, segmenter_side = 1024;
  bool annotated = false, expand = false;
  BaseLayerOptions base;
};

/// "512" = long side, the other one in proportion; or "WxH". Multiples of 16.
PictureSize store_size(const std::string& text, const VideoInfo& video) {
  const auto round16 = [](double value) {
    return std::max(16, static_cast<int>(std::lround(value / 16)) * 16);
  };
  if (text.find('x') != std::string::npos) {
    const auto size = parse_size(text);
    return {round16(size.width), round16(size.height)};
  }
  const double side = static_cast<double>(parse_bitrate(text));
  const double factor = side / std::max(video.width, video.height);
  return {round16(video.width * factor), round16(video.height * factor)};
}

/// What the user says, or else the clip itself, or else 25.
Rational clip_rate(const Arguments& arguments, const ClipSource& clip, const Rational& own) {
  if (!arguments.rate.empty()) return parse_rate(arguments.rate);
  if (clip.rate > 0) return {static_cast<int>(std::lround(clip.rate * 1000)), 1000};
  if (clip.files.size() == 1 && own.known()) return own;
  return {25, 1};
}

void write_store(const ClipSource& clip, const std::string& output, const Arguments& arguments) {
  std::optional<VideoReader> reader(clip.files.front());
  const auto target = store_size(arguments.size, reader->info());
  const auto rate = clip_rate(arguments, clip, reader->info().frame_rate);
  FrameStoreWriter writer(output,
                          {target.width, target.height, 3, 0, static_cast<std::uint32_t>(rate.num),
                           static_cast<std::uint32_t>(rate.den)});
  const auto full = [&] { return arguments.limit > 0 && writer.frames() >= arguments.limit; };
  for (std::size_t i = 0; i < clip.files.size() && !full(); ++i) {
    if (i > 0) reader.emplace(clip.files[i]);
    reader->set_output_size(target.width, target.height);
    std::uint64_t here = 0;
    while (!full()) {
      throw_if_interrupted();
      const auto frame = reader->next();
      if (!frame) break;
      writer.add(frame->image.pixels);
      ++here;
    }
    require(here > 0, ErrorKind::input, clip.files[i] + " holds no picture that can be read.");
  }
  writer.finish();
  log::info(output + ": " + std::to_string(writer.frames()) + " frames of " +
            std::to_string(target.width) + "x" + std::to_string(target.height) + ".");
}

/// Which clips were left out and why, for people and for the model card.
void write_skipped(const std::string& folder, const std::string& text) {
  const std::string path = folder + "/skipped.txt";
  std::error_code code;
  fs::remove(path, code);
  if (text.empty()) return;
  OutputFile file(path);
  file.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  file.commit();
}

std::vector<std::string> stores_in(const std::string& folder) {
  std::vector<std::string> stores;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".frames") stores.push_back(entry.path().string());
  }
  std::sort(stores.begin(), stores.end());
  require(!stores.empty(), ErrorKind::input, "There are no frame stores in " + folder + ".");
  return stores;
}

/// Edge maps of stores that are there already.
void write_maps(const std::string& folder, const EdgeDetector& detector) {
  const auto stores = stores_in(folder);
  for (const auto& store : stores) {
    if (!fs::exists(fs::path(store).replace_extension(".edges"))) write_edge_store(store, detector);
  }
  log::info(folder + ": edge maps of " + std::to_string(stores.size()) + " stores.");
}

/// Base layers of stores that are there already.
void add_base_layers(const Arguments& arguments) {
  for (const auto& store : stores_in(arguments.output)) write_base_layers(store, arguments.base);
  if (arguments.expand) expand_base_layers(arguments.output);
}

/// The one picture of a file, at its own size.
RgbImage read_picture(const std::string& path) {
  VideoReader reader(path);
  auto frame = reader.next();
  require(frame.has_value(), ErrorKind::input, path + " holds no picture that can be read.");
  return std::move(frame->image);
}

struct Annotation {
  int width = 0, height = 0;
  std::vector<std::uint8_t> share;  ///< of annotators, 0..255, row by row
};

Annotation read_annotation(const std::string& path) {
  const auto picture = read_picture(path);
  Annotation out{picture.width, picture.height, {}};
  out.share.resize(picture.pixels.size() / 3);
  for (std::size_t i = 0; i < out.share.size(); ++i) out.share[i] = picture.pixels[3 * i + 1];
  return out;
}

/// Pictures and their annotations, a pair of stores for each size: annotated-481x321.frames and
/// .labels. They keep their size, since lines of one pixel would not survive another one.
class AnnotatedStores {
 public:
  explicit AnnotatedStores(const std::string& folder) : folder_(folder) {}

  void add(const AnnotatedPicture& pair) {
    const auto picture = read_picture(pair.picture);
    const auto marks = read_annotation(pair.annotation);
    require(picture.width == marks.width && picture.height == marks.height, ErrorKind::input,
            pair.annotation + " has another size than " + pair.picture + ".");
    const auto& grey = marks.share;
    // Masks of 0 and 1 look like this, and an empty picture would only teach that nothing is there.
    require(*std::max_element(grey.begin(), grey.end()) >= 16, ErrorKind::input,
            pair.annotation + " is black; boundaries are bright, up to 255 where all agree.");
    auto& [frames, labels] = of_size(picture.width, picture.height);
    frames->add(picture.pixels);
    labels->add(grey);
    ++count_;
  }
  void finish() {
    for (auto& [size, pair] : stores_) {
      pair.second->finish();  // the frames last: they are what others look for
      pair.first->finish();
      log::info(folder_ + "/annotated-" + size +
                ".frames: " + std::to_string(pair.first->frames()) + " pictures with annotations.");
    }
  }
  std::size_t count() const { return count_; }

 private:
  using Writer = std::unique_ptr<FrameStoreWriter>;
  std::pair<Writer, Writer>& of_size(int width, int height) {
    const std::string size = std::to_string(width) + "x" + std::to_string(height);
    auto& pair = stores_[size];
    if (!pair.first) {
      const std::string base = folder_ + "/annotated-" + size;
      pair.first = std::make_unique<FrameStoreWriter>(base + ".frames",
                                                      FrameStoreHeader{width, height, 3, 0, 25, 1});
      pair.second = std::make_unique<FrameStoreWriter>(
          base + ".labels", FrameStoreHeader{width, height, 1, 0, 25, 1});
    }
    return pair;
  }
  std::string folder_;
  std::map<std::string, std::pair<Writer, Writer>> stores_;
  std::size_t count_ = 0;
};

void prepare_annotated(const Arguments& arguments) {
  std::size_t without = 0;
  const auto pairs = list_annotated(arguments.inputs, &without);
  if (without > 0) {
    log::warning(std::to_string(without) + " pictures have no annotation and are left out.");
  }
  AnnotatedStores stores(arguments.output);
  std::string skipped;
  for (const auto& pair : pairs) {
    throw_if_interrupted();
    if (arguments.limit > 0 && stores.count() >= arguments.limit) break;
    try {
      stores.add(pair);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::output || error.kind() == ErrorKind::interrupted) throw;
      log::warning(pair.picture + " is skipped: " + error.what());
      skipped += pair.picture + ": " + error.what() + "\n";
    }
  }
  write_skipped(arguments.output, skipped);
  require(stores.count() > 0, ErrorKind::input, "None of the pictures can be used.");
  stores.finish();
}

void prepare(const Arguments& arguments) {
  std::optional<EdgeDetector> detector;
  if (!arguments.edges.empty()) {
    const auto device = parse_device(arguments.device);
    set_threads(arguments.threads);
    detector.emplace(require_weights(arguments.edges, "the edge maps"), device);
  }
  std::optional<Segmenter> segmenter;
  if (!arguments.segmenter.empty()) {
    set_threads(arguments.threads);
    segmenter.emplace(segmenter_file(arguments.segmenter), parse_device(arguments.device));
  }
  if (!arguments.maps.empty()) {
    require(detector && arguments.inputs.empty(), ErrorKind::usage,
            "--maps wants --edges WEIGHTS and no videos.");
    return write_maps(arguments.maps, *detector);
  }
  require(arguments.base.count >= 0 && arguments.base.count <= 1000 && arguments.base.effort >= 0 &&
              arguments.base.effort <= 9,
          ErrorKind::usage, "--base should be 0 to 1000 and --base-effort 0 to 9.");
  const bool base_layers = arguments.base.count > 0 || arguments.expand;
  if (base_layers && arguments.inputs.empty() && !arguments.output.empty()) {
    return add_base_layers(arguments);
  }
  require(!arguments.inputs.empty() && !arguments.output.empty(), ErrorKind::usage,
          "Name the videos, and with --output the folder of their stores.");
  std::error_code code;
  fs::create_directories(arguments.output, code);
  require(!code, ErrorKind::output,
          "Cannot make " + arguments.output + ": " + code.message() + ".");
  if (arguments.annotated) return prepare_annotated(arguments);
  int done = 0;
  std::string skipped;
  for (const auto& clip : list_clips(arguments.inputs, parse_clip_layout(arguments.layout))) {
    throw_if_interrupted();
    const std::string output = arguments.output + "/" + clip.name + ".frames";
    try {
      if (!fs::exists(output)) write_store(clip, output, arguments);
      const auto edges = fs::path(output).replace_extension(".edges");
      if (detector && !fs::exists(edges)) write_edge_store(output, *detector);
      if (segmenter) write_class_store(clip.files, output, *segmenter, arguments.segmenter_side);
      write_base_layers(output, arguments.base);
      ++done;
    } catch (const Error& error) {
      // One bad clip should not cost the others.
      if (error.kind() == ErrorKind::output || error.kind() == ErrorKind::interrupted) throw;
      log::warning(clip.name + " is skipped: " + error.what());
      skipped += clip.name + ": " + error.what() + "\n";
    }
  }
  write_skipped(arguments.output, skipped);
  require(done > 0, ErrorKind::input,
          "None of the inputs is a clip of the layout '" + arguments.layout +
              "' that can be read; docs/training.md lists the layouts.");
  if (arguments.expand) expand_base_layers(arguments.output);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Turns videos into frame stores for the training");
  CommonOptions common;
  add_common_options(app, common, version_text("semcodec-train prepare", media_versions()));
  Arguments a;
  app.add_option(
      "INPUT", a.inputs,
      "Videos, or folders of videos; none: --base and --expand work on the stores there");
  app.add_option("--output", a.output, "Folder of the stores");
  app.add_option("--size", a.size, "Long side in pixels, or WxH; rounded to multiples of 16")
      ->capture_default_str();
  app.add_option("--layout", a.layout,
                 "videos (a picture is a still), sequence (a folder of pictures is a clip), "
                 "cityscapes or apolloscape")
      ->capture_default_str();
  app.add_flag("--annotated", a.annotated,
               "Pictures with annotated boundaries (BSDS): stores for edges.annotations");
  app.add_option("--rate", a.rate, "Frames a second, over what the clips say");
  app.add_option("--limit", a.limit, "Most frames of a clip, 0 = all")->capture_default_str();
  app.add_option("--edges", a.edges, "Also write edge maps with these PiDiNet weights");
  app.add_option("--maps", a.maps, "Only write the edge maps of the stores in this folder");
  app.add_option("--segmenter", a.segmenter,
                 "Also write semantic labels by this network: a TorchScript file, or `espnet`");
  app.add_option("--segmenter-side", a.segmenter_side, "Long side of the pictures that it is given")
      ->check(CLI::Range(64, 4096))
      ->capture_default_str();
  app.add_option("--base", a.base.count, "Also code so many base layers a clip, for the restorer")
      ->capture_default_str();
  app.add_option("--base-effort", a.base.effort, "libaom's cpu-used for them, 0 (slow) to 9")
      ->capture_default_str();
  app.add_option("--seed", a.base.seed, "Of the draws of base layers")->capture_default_str();
  app.add_flag("--expand", a.expand, "Also decode the base layers in the folder of --output");
  app.add_option("--device", a.device, "auto, cpu or cuda:N, for the edge maps");
  app.add_option("--threads", a.threads, "CPU threads for the edge maps, 0 = one a core");
  return run_main(app, argc, argv, [&] { prepare(a); });
}
