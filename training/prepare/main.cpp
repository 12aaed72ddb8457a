// semcodec-train-prepare: videos to frame stores. The only program of the training that opens
// media; everything after it runs on machines without libav.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "common/app/interrupt.h"
#include "common/app/run_main.h"
#include "common/app/units.h"
#include "common/app/version.h"
#include "common/core/error.h"
#include "common/core/log.h"
#include "common/media/reader.h"
#include "common/media/versions.h"
#include "models/core/device.h"
#include "models/core/weights_path.h"
#include "training/edge_store.h"
#include "training/frame_store.h"

namespace {

using namespace semcodec;
namespace fs = std::filesystem;

struct Arguments {
  std::vector<std::string> inputs;
  std::string output, size = "512", edges, device = "auto";
};

/// Files as given, and what folders hold, sorted so that every run sees the same order.
std::vector<std::string> expand(const std::vector<std::string>& inputs) {
  std::vector<std::string> files;
  for (const auto& input : inputs) {
    if (!fs::is_directory(input)) {
      files.push_back(input);
      continue;
    }
    std::vector<std::string> inside;
    for (const auto& entry : fs::recursive_directory_iterator(input)) {
      if (entry.is_regular_file()) inside.push_back(entry.path().string());
    }
    std::sort(inside.begin(), inside.end());
    files.insert(files.end(), inside.begin(), inside.end());
  }
  return files;
}

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

void write_store(const std::string& input, const std::string& output, const std::string& size) {
  VideoReader reader(input);
  const auto& video = reader.info();
  const auto target = store_size(size, video);
  reader.set_output_size(target.width, target.height);
  const auto rate = video.frame_rate.known() ? video.frame_rate : Rational{25, 1};
  FrameStoreWriter writer(output,
                          {target.width, target.height, 3, 0, static_cast<std::uint32_t>(rate.num),
                           static_cast<std::uint32_t>(rate.den)});
  while (auto frame = reader.next()) {
    throw_if_interrupted();
    writer.add(frame->image.pixels);
  }
  writer.finish();
  log::info(output + ": " + std::to_string(writer.frames()) + " frames of " +
            std::to_string(target.width) + "x" + std::to_string(target.height) + ".");
}

void prepare(const Arguments& arguments) {
  std::error_code code;
  fs::create_directories(arguments.output, code);
  require(!code, ErrorKind::output,
          "Cannot make " + arguments.output + ": " + code.message() + ".");
  std::optional<EdgeDetector> detector;
  if (!arguments.edges.empty()) {
    detector.emplace(require_weights(arguments.edges, "the edge maps"),
                     parse_device(arguments.device));
  }
  int done = 0;
  for (const auto& input : expand(arguments.inputs)) {
    const std::string output = arguments.output + "/" + fs::path(input).stem().string() + ".frames";
    try {
      if (!fs::exists(output)) write_store(input, output, arguments.size);
      const auto edges = fs::path(output).replace_extension(".edges");
      if (detector && !fs::exists(edges)) write_edge_store(output, *detector);
      ++done;
    } catch (const Error& error) {
      // One bad clip should not cost the others.
      if (error.kind() == ErrorKind::output || error.kind() == ErrorKind::interrupted) throw;
      log::warning(std::string(error.what()) + " Skipped.");
    }
  }
  require(done > 0, ErrorKind::input, "None of the inputs is a video that can be read.");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Turns videos into frame stores for the training");
  CommonOptions common;
  add_common_options(app, common, version_text("semcodec-train prepare", media_versions()));
  Arguments a;
  app.add_option("INPUT", a.inputs, "Videos, or folders of videos")->required();
  app.add_option("--output", a.output, "Folder of the stores")->required();
  app.add_option("--size", a.size, "Long side in pixels, or WxH; rounded to multiples of 16")
      ->capture_default_str();
  app.add_option("--edges", a.edges, "Also write edge maps with these PiDiNet weights");
  app.add_option("--device", a.device, "auto, cpu or cuda:N, for the edge maps");
  return run_main(app, argc, argv, [&] { prepare(a); });
}
