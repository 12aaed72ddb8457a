#include "training/prepare/class_store.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "common/app/interrupt.h"
#include "common/core/error.h"
#include "models/core/weights_path.h"
#include "semcodec/video_reader.h"
#include "training/frame_store.h"

namespace semcodec {

namespace {

int multiple_of_8(double value) {
  return std::max(8, static_cast<int>(std::lround(value / 8)) * 8);
}

}  // namespace

std::string segmenter_file(const std::string& name) {
  if (name == "espnet") return require_weights(name, "semantic labels");
  require(std::filesystem::is_regular_file(name), ErrorKind::input,
          "The segmentation network " + name + " is no file; give a TorchScript file, or espnet.");
  return name;
}

void write_class_store(const std::vector<std::string>& files, const std::string& frames_path,
                       Segmenter& segmenter, int side) {
  const auto path = std::filesystem::path(frames_path).replace_extension(".classes").string();
  if (std::filesystem::exists(path)) return;
  const FrameStore frames(frames_path);
  auto header = frames.header();
  header.channels = 1;
  FrameStoreWriter out(path, header);
  for (const auto& file : files) {
    VideoReader reader(file);
    const auto& info = reader.info();
    const double factor =
        std::min(1.0, static_cast<double>(side) / std::max(info.width, info.height));
    reader.set_output_size(multiple_of_8(info.width * factor), multiple_of_8(info.height * factor));
    while (out.frames() < frames.size()) {
      throw_if_interrupted();
      const auto frame = reader.next();
      if (!frame) break;
      out.add(segmenter.segment(frame->image, header.width, header.height));
    }
  }
  require(out.frames() == frames.size(), ErrorKind::input,
          frames_path + " has more frames than its video has now; make the stores again.");
  out.finish();
}

}  // namespace semcodec
