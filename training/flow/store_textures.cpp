#include "training/flow/store_textures.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <vector>

#include "common/core/error.h"
#include "training/frame_store.h"

namespace semcodec {
namespace {

constexpr std::size_t kHeldOut = 8;  // one of so many

/// Frames first ≤ i < end of a store.
struct Span {
  std::shared_ptr<FrameStore> store;
  std::uint64_t first = 0, end = 0;
};

RgbImage reduced(const std::uint8_t* pixels, int width, int height, int reduction) {
  RgbImage image(width / reduction, height / reduction);
  const auto stride = static_cast<std::size_t>(width) * 3;
  for (int y = 0; y < image.height; ++y) {
    std::uint8_t* out = image.row(y);
    for (int x = 0; x < image.width * 3; ++x) {
      const int pixel = x / 3, channel = x % 3;
      int sum = reduction * reduction / 2;
      for (int j = 0; j < reduction; ++j) {
        const std::uint8_t* in = pixels + static_cast<std::size_t>(y * reduction + j) * stride;
        for (int i = 0; i < reduction; ++i) sum += in[(pixel * reduction + i) * 3 + channel];
      }
      out[x] = static_cast<std::uint8_t>(sum / (reduction * reduction));
    }
  }
  return image;
}

std::vector<Span> select(const std::string& folder, TexturePart part) {
  std::vector<std::string> paths;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
    if (entry.path().extension() == ".frames") paths.push_back(entry.path().string());
  }
  require(!paths.empty(), ErrorKind::input,
          "There are no frame stores (*.frames) in " + folder +
              "; make them with semcodec-train prepare.");
  std::sort(paths.begin(), paths.end());
  std::vector<Span> spans;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const bool by_store = paths.size() >= kHeldOut;
    const bool held_out = i % kHeldOut == kHeldOut - 1;
    if (by_store && held_out != (part == TexturePart::held_out)) continue;
    Span span{std::make_shared<FrameStore>(paths[i])};
    span.end = span.store->size();
    if (!by_store && span.end >= kHeldOut) {
      const auto border = span.end - span.end / kHeldOut;
      (part == TexturePart::train ? span.end : span.first) = border;
    }
    if (span.store->header().channels == 3 && span.end > 0) spans.push_back(std::move(span));
  }
  require(!spans.empty(), ErrorKind::input, "The frame stores in " + folder + " hold no pictures.");
  return spans;
}

}  // namespace

ImageSource open_textures(const std::string& folder, int reduction, TexturePart part) {
  require(reduction == 1 || reduction == 2, ErrorKind::usage, "Frames are reduced by 1 or 2.");
  return [spans = select(folder, part), reduction](std::mt19937_64& random) {
    const auto& span =
        spans[std::uniform_int_distribution<std::size_t>(0, spans.size() - 1)(random)];
    const auto index =
        std::uniform_int_distribution<std::uint64_t>(span.first, span.end - 1)(random);
    const auto& header = span.store->header();
    return reduced(span.store->frame(index), header.width, header.height, reduction);
  };
}

}  // namespace semcodec
