// decode_planes IN.sem [FOLDER]: what each coded frame of a stream says, and its edge maps as PGM
// pictures. Needs semcodec::planes alone: no networks, no video libraries.

#include <semcodec/error.h>
#include <semcodec/stream_reader.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace {

void write_pgm(const std::string& path, const semcodec::Plane& plane) {
  std::ofstream file(path, std::ios::binary);
  file << "P5\n" << plane.width << ' ' << plane.height << "\n255\n";
  for (const int value : plane.values) {
    file.put(static_cast<char>(255 * value / (plane.levels - 1)));
  }
  if (!file) throw semcodec::Error(semcodec::ErrorKind::output, "Cannot write " + path + ".");
}

void print(const semcodec::SemanticFrame& frame, double seconds, unsigned bytes) {
  std::printf("%8.3f s %6u bytes %s", seconds, bytes, frame.entry_point ? "entry" : "     ");
  if (!frame.labels.empty()) {
    std::printf("  %d colours on %dx%d cells", frame.labels.levels, frame.labels.width,
                frame.labels.height);
  }
  if (!frame.structure.empty()) {
    std::printf("  edges %dx%d", frame.structure.width, frame.structure.height);
  }
  if (!frame.motion.empty()) {
    std::printf("  motion %dx%d", frame.motion.width, frame.motion.height);
  }
  if (frame.base) {
    std::printf("  base picture %dx%d, quantiser %d", frame.base->width, frame.base->height,
                frame.base->quantiser);
  }
  std::printf("  %s\n", semcodec::plane_digest(frame).c_str());
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "Usage: decode_planes IN.sem [FOLDER]\n");
    return 2;
  }
  semcodec::StreamReader reader(argv[1]);
  const semcodec::StreamInfo& info = reader.info();
  std::printf("%dx%d, coded at %dx%d, profile %s, model %s\n", info.width, info.height,
              info.coded_width, info.coded_height, info.profile.c_str(), info.model_name.c_str());
  const double unit = static_cast<double>(info.time_base_num) / info.time_base_den;
  int count = 0;
  while (const auto item = reader.next()) {
    const semcodec::SemanticFrame* frame = item->frame();
    if (frame == nullptr) continue;  // audio
    print(*frame, static_cast<double>(frame->pts) * unit, item->bytes);
    if (argc == 3 && !frame->structure.empty()) {
      write_pgm(std::string(argv[2]) + "/" + std::to_string(count) + ".pgm", frame->structure);
    }
    ++count;
  }
  std::printf("%d coded frames, stream %s\n", count, semcodec::to_string(reader.status()));
  return 0;
} catch (const semcodec::Error& error) {
  std::fprintf(stderr, "decode_planes: %s\n", error.what());
  return error.exit_code();
}
