#include "benchmarks/plane_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/core/error.h"
#include "common/core/little_endian.h"
#include "semcodec/stream_reader.h"

namespace semcodec::bench {
namespace {

constexpr char kMagic[] = {'S', 'C', 'P', 'F'};

class Writer {
 public:
  void number(int value) { append_little(bytes_, static_cast<std::uint32_t>(value), 4); }
  void byte(int value) { bytes_.push_back(static_cast<char>(value)); }
  void plane(const Plane& plane) {
    number(plane.width);
    number(plane.height);
    number(plane.levels);
    for (const int v : plane.values) byte(v);
  }
  std::vector<char> bytes_{std::begin(kMagic), std::end(kMagic)};
};

class Reader {
 public:
  Reader(std::vector<char> bytes, std::string name)
      : bytes_(std::move(bytes)), name_(std::move(name)) {}
  int byte() {
    require(at_ < bytes_.size(), ErrorKind::input, name_ + " ends too early.");
    return static_cast<unsigned char>(bytes_[at_++]);
  }
  int number() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value |= static_cast<std::uint32_t>(byte()) << (8 * i);
    return static_cast<int>(value);
  }
  int size(int limit) {
    const int value = number();
    require(value >= 0 && value <= limit, ErrorKind::input, name_ + " holds an absurd size.");
    return value;
  }
  Plane plane() {
    Plane plane{size(kMaxPlaneDimension), size(kMaxPlaneDimension), size(256), {}};
    for (int i = 0; i < plane.width * plane.height; ++i) {
      plane.values.push_back(static_cast<std::uint8_t>(byte()));
    }
    return plane;
  }

 private:
  std::vector<char> bytes_;
  std::string name_;
  std::size_t at_ = sizeof kMagic;
};

PlaneSequence read_dump(std::vector<char> bytes, const std::string& path) {
  Reader reader(std::move(bytes), path);
  PlaneSequence sequence;
  sequence.coded_width = reader.size(kMaxCodedDimension);
  sequence.coded_height = reader.size(kMaxCodedDimension);
  const int frames = reader.size(1 << 24);
  for (int i = 0; i < frames; ++i) {
    SemanticFrame frame;
    const int flags = reader.number();
    frame.entry_point = (flags & 1) != 0;
    frame.cut = (flags & 2) != 0;
    frame.motion.width = reader.size(kMaxPlaneDimension);
    frame.motion.height = reader.size(kMaxPlaneDimension);
    for (auto* part : {&frame.motion.dx, &frame.motion.dy}) {
      for (int n = 0; n < frame.motion.width * frame.motion.height; ++n) {
        part->push_back(static_cast<std::int16_t>(reader.number()));
      }
    }
    const int planes = reader.size(2 + kMaxTextureChannels);
    for (int n = 0; n < planes; ++n) {
      Plane plane = reader.plane();
      if (n == 0) {
        frame.structure = std::move(plane);
      } else if (n == 1) {
        frame.labels = std::move(plane);
      } else {
        frame.texture.push_back(std::move(plane));
      }
    }
    frame.palette.resize(static_cast<std::size_t>(reader.size(256)));
    for (auto& colour : frame.palette) {
      for (auto& part : colour) part = static_cast<std::uint8_t>(reader.byte());
    }
    sequence.frames.push_back(std::move(frame));
  }
  return sequence;
}

PlaneSequence read_stream(const std::string& path) {
  StreamReader reader(path);
  PlaneSequence sequence;
  sequence.coded_width = reader.info().coded_width;
  sequence.coded_height = reader.info().coded_height;
  while (auto item = reader.next()) {
    SemanticFrame* frame = item->frame();
    if (frame == nullptr) continue;
    frame->pts = 0;
    frame->interpolated_pts.clear();
    frame->intra_picture.reset();
    sequence.frames.push_back(std::move(*frame));
  }
  require(reader.status() == StreamStatus::complete, ErrorKind::input, reader.problem());
  return sequence;
}

}  // namespace

void write_planes(const std::string& path, const PlaneSequence& sequence) {
  Writer writer;
  writer.number(sequence.coded_width);
  writer.number(sequence.coded_height);
  writer.number(static_cast<int>(sequence.frames.size()));
  for (const SemanticFrame& frame : sequence.frames) {
    writer.number((frame.entry_point ? 1 : 0) | (frame.cut ? 2 : 0));
    writer.number(frame.motion.width);
    writer.number(frame.motion.height);
    for (const int v : frame.motion.dx) writer.number(v);
    for (const int v : frame.motion.dy) writer.number(v);
    writer.number(2 + static_cast<int>(frame.texture.size()));
    writer.plane(frame.structure);
    writer.plane(frame.labels);
    for (const Plane& plane : frame.texture) writer.plane(plane);
    writer.number(static_cast<int>(frame.palette.size()));
    for (const auto& colour : frame.palette) {
      for (const int part : colour) writer.byte(part);
    }
  }
  std::ofstream file(path, std::ios::binary);
  file.write(writer.bytes_.data(), static_cast<std::streamsize>(writer.bytes_.size()));
  file.close();
  require(file.good(), ErrorKind::output, path + " could not be written.");
}

PlaneSequence read_planes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  require(file.good(), ErrorKind::input, path + " cannot be opened.");
  std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  PlaneSequence sequence = bytes.size() > sizeof kMagic &&
                                   std::equal(std::begin(kMagic), std::end(kMagic), bytes.begin())
                               ? read_dump(std::move(bytes), path)
                               : read_stream(path);
  sequence.name = std::filesystem::path(path).stem().string();
  return sequence;
}

}  // namespace semcodec::bench
