#include "training/edge_store.h"

#include <filesystem>

#include "common/app/interrupt.h"
#include "training/frame_store.h"

namespace semcodec {

void write_edge_store(const std::string& frames_path, const EdgeDetector& detector) {
  const torch::NoGradGuard guard;
  const FrameStore frames(frames_path);
  auto header = frames.header();
  header.channels = 1;
  FrameStoreWriter out(std::filesystem::path(frames_path).replace_extension(".edges").string(),
                       header);
  for (std::uint64_t i = 0; i < frames.size(); ++i) {
    throw_if_interrupted();
    const auto rgb = torch::from_blob(const_cast<std::uint8_t*>(frames.frame(i)),
                                      {1, header.height, header.width, 3}, torch::kUInt8)
                         .permute({0, 3, 1, 2});
    const auto edges =
        (detector.detect(rgb).to(torch::kCPU) * 255 + 0.5).to(torch::kUInt8).contiguous();
    out.add({edges.data_ptr<std::uint8_t>(), header.frame_bytes()});
  }
  out.finish();
}

}  // namespace semcodec
