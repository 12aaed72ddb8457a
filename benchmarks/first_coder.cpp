// What the first landed map coder (commit 49259c2) spends on plane dumps (plane_file.h). Compiled
// by scripts/first_coder.sh against that commit's sources; no part of the build.

#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/entropy/frame_coder.h"

namespace {

using namespace semcodec;

class Dump {
 public:
  explicit Dump(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    if (bytes_.size() < 4 || std::string(bytes_.begin(), bytes_.begin() + 4) != "SCPF") {
      throw std::runtime_error(path + " is no plane dump; make one with entropy_bench --dump.");
    }
  }
  int byte() { return static_cast<unsigned char>(bytes_.at(at_++)); }
  int number() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value |= static_cast<std::uint32_t>(byte()) << (8 * i);
    return static_cast<int>(value);
  }
  Plane plane() {
    Plane plane{number(), number(), number(), {}};
    for (int i = 0; i < plane.width * plane.height; ++i) {
      plane.values.push_back(static_cast<std::uint8_t>(byte()));
    }
    return plane;
  }
  SemanticFrame frame() {
    SemanticFrame frame;
    const int flags = number();
    frame.entry_point = (flags & 1) != 0;
    frame.cut = (flags & 2) != 0;
    frame.motion.width = number();
    frame.motion.height = number();
    for (auto* part : {&frame.motion.dx, &frame.motion.dy}) {
      for (int n = 0; n < frame.motion.width * frame.motion.height; ++n) {
        part->push_back(static_cast<std::int16_t>(number()));
      }
    }
    const int planes = number();
    frame.structure = plane();
    frame.labels = plane();
    for (int n = 2; n < planes; ++n) frame.texture.push_back(plane());
    frame.palette.resize(static_cast<std::size_t>(number()));
    for (auto& colour : frame.palette) {
      for (auto& part : colour) part = static_cast<std::uint8_t>(byte());
    }
    return frame;
  }

 private:
  std::vector<char> bytes_;
  std::size_t at_ = 4;
};

unsigned long long bits(std::uint64_t cost) { return cost / kStatsUnitsPerBit; }

}  // namespace

int main(int argc, char** argv) try {
  for (int i = 1; i < argc; ++i) {
    Dump dump(argv[i]);
    const int width = dump.number();
    const int height = dump.number();
    FrameEncoder encoder(width, height);
    EncodeStats all;
    const int frames = dump.number();
    for (int n = 0; n < frames; ++n) {
      EncodeStats parts;
      encoder.encode(dump.frame(), &parts);
      all += parts;
    }
    std::printf(
        "%s: %d anchors %llu bits: motion %llu palette %llu structure %llu labels %llu texture "
        "%llu\n",
        argv[i], frames, bits(all.total()), bits(all.motion), bits(all.palette),
        bits(all.structure), bits(all.labels), bits(all.texture));
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "first_coder: %s\n", error.what());
  return 1;
}
