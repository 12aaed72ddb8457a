#include "training/prepare/base_layers.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <vector>

#include "common/app/interrupt.h"
#include "common/app/units.h"
#include "common/core/error.h"
#include "common/core/log.h"
#include "common/media/base_codec.h"
#include "training/base/base_layer.h"
#include "training/base/draw_base_plan.h"
#include "training/frame_store.h"

namespace semcodec {

namespace {

namespace fs = std::filesystem;

RgbImage picture_of(const FrameStore& store, std::int64_t index) {
  RgbImage image(store.header().width, store.header().height);
  std::memcpy(image.pixels.data(), store.frame(static_cast<std::uint64_t>(index)),
              image.pixels.size());
  return image;
}

BaseLayer encode(const FrameStore& store, const BasePlan& plan, int effort) {
  BaseCoderOptions options;
  options.width = plan.width;
  options.height = plan.height;
  options.rate = store.header().rate() / plan.interval;
  options.effort = effort;
  const auto coder = make_base_coder(options);
  BaseLayer layer{plan, {}};
  const auto collect = [&] {
    while (auto unit = coder->pop()) layer.units.push_back(std::move(*unit));
  };
  for (int i = 0; i < plan.pictures; ++i) {
    throw_if_interrupted();
    coder->push(picture_of(store, plan.frame(i)), plan.quantiser);
    collect();
  }
  coder->finish();
  collect();
  return layer;
}

/// "1/2, 7.5 pictures a second, quantiser 58: 12.3 kbit/s".
std::string describe(const BaseLayer& layer, double rate) {
  const auto& plan = layer.plan;
  std::size_t bytes = 0;
  for (const auto& unit : layer.units) bytes += unit.size();
  const double seconds = static_cast<double>(plan.pictures) * plan.interval / rate;
  char text[128];
  std::snprintf(text, sizeof text, "%dx%d, %.1f pictures a second, quantiser %d: %s", plan.width,
                plan.height, rate / plan.interval, plan.quantiser,
                format_bitrate(8.0 * static_cast<double>(bytes) / seconds).c_str());
  return text;
}

void expand(const std::string& path) {
  const BaseLayer layer = read_base_layer(path);
  const BasePlan& plan = layer.plan;
  // Only the number and size of the pictures count; their times are the plan's.
  FrameStoreWriter writer(pictures_path(path), {plan.width, plan.height, 3, 0, 25, 1});
  BaseDecoder decoder;
  for (const auto& unit : layer.units) {
    throw_if_interrupted();
    try {
      writer.add(decoder.decode(unit, plan.width, plan.height).pixels);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corrupt) throw;
      throw Error(ErrorKind::corrupt, path + ": " + error.what());
    }
  }
  writer.finish();
}

}  // namespace

void write_base_layers(const std::string& frames_path, const BaseLayerOptions& options) {
  const FrameStore store(frames_path);
  const auto& header = store.header();
  const BaseClip clip{fs::path(frames_path).stem().string(), header.width, header.height,
                      static_cast<std::int64_t>(header.frames), header.rate()};
  for (int k = 0; k < options.count; ++k) {
    const auto path = base_layer_path(frames_path, k);
    if (fs::exists(path)) continue;
    const auto plan = draw_base_plan(clip, options.seed, k);
    if (!plan) {
      log::warning(frames_path + " has fewer than " + std::to_string(kMinBasePictures) +
                   " frames and gets no base layer.");
      return;
    }
    const auto layer = encode(store, *plan, options.effort);
    write_base_layer(path, layer);
    log::info(path + ": " + describe(layer, header.rate()) + ".");
  }
}

void expand_base_layers(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    if (entry.path().extension() == ".base") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  require(!paths.empty(), ErrorKind::input,
          "There are no base layers in " + folder + "; make them with --base N.");
  for (const auto& path : paths) {
    if (!fs::exists(pictures_path(path))) expand(path);
  }
  log::info(folder + ": pictures of " + std::to_string(paths.size()) + " base layers.");
}

}  // namespace semcodec
