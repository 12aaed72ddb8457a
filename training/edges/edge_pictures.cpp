#include "training/edges/edge_pictures.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "common/core/error.h"
#include "common/core/log.h"
#include "training/frame_store.h"

namespace semcodec {

namespace {

namespace fs = std::filesystem;

/// Frame `index` as channels×H×W; the store's bytes are interleaved.
torch::Tensor frame_tensor(const FrameStore& store, std::size_t index) {
  const FrameStoreHeader& header = store.header();
  torch::Tensor interleaved =
      torch::empty({header.height, header.width, header.channels}, torch::kUInt8);
  std::copy_n(store.frame(index), header.frame_bytes(), interleaved.data_ptr<std::uint8_t>());
  return interleaved.permute({2, 0, 1});
}

struct Source {
  FrameStore frames;
  std::optional<FrameStore> labels;
  std::size_t first;  ///< index of its first picture
};

std::vector<std::string> stores_in(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    if (entry.path().extension() == ".frames") paths.push_back(entry.path().string());
  }
  require(!paths.empty(), ErrorKind::input,
          "There are no frame stores (*.frames) in " + folder +
              "; make them with semcodec-train prepare.");
  std::sort(paths.begin(), paths.end());
  return paths;
}

Source open_source(const std::string& path, std::size_t first) {
  Source source{FrameStore(path), std::nullopt, first};
  const FrameStoreHeader& header = source.frames.header();
  require(header.channels == 3, ErrorKind::input, path + " does not hold RGB pictures.");
  const std::string labels = fs::path(path).replace_extension(".labels").string();
  if (!fs::exists(labels)) return source;
  source.labels.emplace(labels);
  const FrameStoreHeader& other = source.labels->header();
  require(other.channels == 1 && other.width == header.width && other.height == header.height &&
              other.frames == header.frames,
          ErrorKind::input, labels + " does not fit " + path + ".");
  return source;
}

}  // namespace

EdgePictures open_edge_pictures(const std::vector<std::string>& folders, int crop) {
  const auto sources = std::make_shared<std::vector<Source>>();
  EdgePictures pictures;
  for (const auto& folder : folders) {
    if (folder.empty()) continue;
    for (const auto& path : stores_in(folder)) {
      Source source = open_source(path, pictures.count);
      const auto& header = source.frames.header();
      if (header.width < crop || header.height < crop) {
        log::warning(path + " is smaller than the crop of " + std::to_string(crop) +
                     " pixels. Skipped.");
        continue;
      }
      pictures.count += source.frames.size();
      if (source.labels) pictures.annotated += source.frames.size();
      sources->push_back(std::move(source));
    }
  }
  require(pictures.count > 0, ErrorKind::input,
          "No picture is left to train on; lower 'edges.crop'.");
  pictures.get = [sources](std::size_t index) {
    std::size_t at = sources->size() - 1;
    while ((*sources)[at].first > index) --at;
    const Source& source = (*sources)[at];
    EdgePicture picture{frame_tensor(source.frames, index - source.first), {}};
    if (source.labels) picture.edges = frame_tensor(*source.labels, index - source.first);
    return picture;
  };
  return pictures;
}

}  // namespace semcodec
