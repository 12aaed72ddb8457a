#include "codec/encode/maps.h"

#include <cstdio>
#include <filesystem>
#include <vector>

#include "common/core/error.h"
#include "common/media/picture.h"
#include "common/semantic/colour_map.h"

namespace semcodec {

void make_map_folder(const std::string& folder) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  require(!code, ErrorKind::output,
          "Cannot make the folder " + folder + ": " + code.message() + ".");
}

void write_maps(const std::string& folder, std::int64_t index, const SemanticFrame& frame,
                const StreamInfo& info) {
  const auto bytes = [](const std::vector<float>& planar, int channels, std::size_t area) {
    std::vector<std::uint8_t> out(planar.size());
    for (std::size_t i = 0; i < area; ++i) {
      for (int c = 0; c < channels; ++c) {
        const auto from = static_cast<std::size_t>(c) * area + i;
        out[i * static_cast<std::size_t>(channels) + static_cast<std::size_t>(c)] =
            static_cast<std::uint8_t>(planar[from] * 255.0F + 0.5F);
      }
    }
    return out;
  };
  char name[32];
  std::snprintf(name, sizeof name, "/%06lld", static_cast<long long>(index));
  const int w = info.coded_width, h = info.coded_height;
  const auto area = static_cast<std::size_t>(w) * static_cast<std::size_t>(h);
  write_png(folder + name + "-colour.png", w, h, 3,
            bytes(render_colour(frame.labels, frame.palette, w, h), 3, area));
  write_png(folder + name + "-edges.png", w, h, 1,
            bytes(render_structure(frame.structure, w, h), 1, area));
}

}  // namespace semcodec
