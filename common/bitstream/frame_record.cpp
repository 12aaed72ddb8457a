#include "common/bitstream/frame_record.h"

#include <algorithm>

#include "common/core/error.h"
#include "semcodec.pb.h"

namespace semcodec {
namespace {

constexpr std::uint32_t kEntryPoint = 1;
constexpr std::uint32_t kCut = 2;
enum Part : std::uint32_t { kMotion = 1, kStructure = 2, kLabels = 4, kTexture = 8 };

using Format = PlaneFormats::Format;

Format format_of(const Plane& plane) {
  if (plane.empty()) return {};
  return {plane.width, plane.height, plane.levels};
}

Format format_of(const MotionField& motion) {
  if (motion.empty()) return {};
  return {motion.width, motion.height, 0};
}

void put(const Format& format, wire::PlaneFormat& out) {
  out.set_width(static_cast<std::uint32_t>(format.width));
  out.set_height(static_cast<std::uint32_t>(format.height));
  out.set_levels(static_cast<std::uint32_t>(format.levels));
}

// Values beyond the limits are kept beyond them without overflowing int.
int narrow(std::uint32_t value) { return static_cast<int>(std::min(value, 1u << 30)); }

Format get(const wire::PlaneFormat& in) {
  return {narrow(in.width()), narrow(in.height()), narrow(in.levels())};
}

// Sizes: inside the working size; all cells together inside the limit.
class SizeCheck {
 public:
  explicit SizeCheck(const StreamInfo& info) : info_(info), left_(max_plane_cells(info)) {}
  void operator()(int width, int height, const char* name) {
    if (width == 0 && height == 0) return;
    require(width >= 1 && height >= 1 && width <= info_.work_width && height <= info_.work_height,
            ErrorKind::corrupt,
            std::string("The ") + name + " plane is " + std::to_string(width) + "x" +
                std::to_string(height) + "; it must not exceed the working size " +
                std::to_string(info_.work_width) + "x" + std::to_string(info_.work_height) + ".");
    const auto cells = static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(height);
    require(cells <= left_, ErrorKind::corrupt,
            "A frame's planes together exceed " + std::to_string(max_plane_cells(info_)) +
                " cells, the limit at this working size.");
    left_ -= cells;
  }

 private:
  const StreamInfo& info_;
  std::uint64_t left_;
};

}  // namespace

std::uint64_t max_plane_cells(const StreamInfo& info) {
  return 4 * static_cast<std::uint64_t>(info.work_width) *
             static_cast<std::uint64_t>(info.work_height) +
         4096;
}

FrameRecordWriter::FrameRecordWriter(const StreamInfo& info) : info_(info), times_(info) {}

void FrameRecordWriter::check(const SemanticFrame& frame) const {
  validate(frame);
  require(last_pts_.has_value() || frame.entry_point, ErrorKind::corrupt,
          "The first frame of a stream must be an entry point.");
  const std::int64_t first = frame.between_pts.empty() ? frame.pts : frame.between_pts.front();
  require(!last_pts_ || first > *last_pts_, ErrorKind::corrupt,
          "A frame's pts " + std::to_string(first) + " does not lie after the anchor before it, " +
              std::to_string(last_pts_.value_or(0)) + ".");
  SizeCheck size(info_);
  if (!frame.motion.empty()) size(frame.motion.width, frame.motion.height, "motion");
  if (!frame.structure.empty()) size(frame.structure.width, frame.structure.height, "structure");
  if (!frame.labels.empty()) size(frame.labels.width, frame.labels.height, "label");
  for (const Plane& plane : frame.texture) size(plane.width, plane.height, "texture");
  // Leaves room for the planes, which never reach this size.
  require(!frame.appearance || frame.appearance->bytes.size() < kMaxRecordBytes / 2,
          ErrorKind::corrupt, "A key picture must stay below 8 MiB.");
}

void FrameRecordWriter::write(const SemanticFrame& frame, std::vector<std::uint8_t>&& chunk,
                              wire::Frame& record) {
  record.set_flags((frame.entry_point ? kEntryPoint : 0u) | (frame.cut ? kCut : 0u));
  write_formats(frame, record);
  write_times(frame, record);
  record.set_chunk(chunk.data(), chunk.size());
  if (frame.appearance) {
    record.mutable_appearance()->set_codec(frame.appearance->codec);
    record.mutable_appearance()->set_data(frame.appearance->bytes.data(),
                                          frame.appearance->bytes.size());
  }
}

void FrameRecordWriter::write_formats(const SemanticFrame& frame, wire::Frame& record) {
  std::uint32_t absent = 0;
  // One kind: told when it is new, or again at entry points; absent when it is not there.
  const auto tell = [&](const Format& now, Format& known, Part part, auto&& mutable_format) {
    const bool changed = now.width != 0 && now != known;
    if (now.width != 0) known = now;
    if (known.width != 0 && (changed || frame.entry_point)) put(known, mutable_format());
    const bool implied = part == kMotion && (frame.entry_point || frame.cut);
    if (known.width != 0 && now.width == 0 && !implied) absent |= part;
  };
  tell(format_of(frame.motion), formats_.motion, kMotion,
       [&]() -> wire::PlaneFormat& { return *record.mutable_formats()->mutable_motion(); });
  tell(format_of(frame.structure), formats_.structure, kStructure,
       [&]() -> wire::PlaneFormat& { return *record.mutable_formats()->mutable_structure(); });
  tell(format_of(frame.labels), formats_.labels, kLabels,
       [&]() -> wire::PlaneFormat& { return *record.mutable_formats()->mutable_labels(); });

  std::vector<Format> texture;
  for (const Plane& plane : frame.texture) texture.push_back(format_of(plane));
  const bool changed = !texture.empty() && texture != formats_.texture;
  if (!texture.empty()) formats_.texture = texture;
  if (texture.empty() && !formats_.texture.empty()) absent |= kTexture;
  if (changed || (frame.entry_point && !formats_.texture.empty())) {
    for (std::size_t i = 0; i < formats_.texture.size();) {
      std::size_t end = i + 1;
      while (end < formats_.texture.size() && formats_.texture[end] == formats_.texture[i]) ++end;
      wire::PlaneFormat& group = *record.mutable_formats()->add_texture();
      put(formats_.texture[i], group);
      if (end - i > 1) group.set_channels(static_cast<std::uint32_t>(end - i));
      i = end;
    }
  }
  record.set_absent(absent);
}

void FrameRecordWriter::write_times(const SemanticFrame& frame, wire::Frame& record) {
  if (frame.entry_point) {
    if (!last_pts_) {
      const std::int64_t first = frame.between_pts.empty() ? frame.pts : frame.between_pts.front();
      times_.restart(0, times_.origin_for(first));
    }
    record.set_frame_index(times_.index());
    record.set_origin(times_.origin());
  }
  if (frame.entry_point || frame.between_pts.size() != between_) {
    record.set_between(static_cast<std::uint32_t>(frame.between_pts.size()));
  }
  between_ = frame.between_pts.size();
  std::vector<std::int64_t> steps;
  for (const std::int64_t time : frame.between_pts) steps.push_back(times_.measure(time));
  steps.push_back(times_.measure(frame.pts));
  while (!steps.empty() && steps.back() == 0) steps.pop_back();
  for (const std::int64_t step : steps) record.add_time_steps(step);
  last_pts_ = frame.pts;
}

FrameRecordReader::FrameRecordReader(const StreamInfo& info) : info_(info), times_(info) {}

bool FrameRecordReader::is_entry_point(const wire::Frame& record) {
  return (record.flags() & kEntryPoint) != 0;
}

SemanticFrame FrameRecordReader::read(const wire::Frame& record) {
  SemanticFrame frame;
  frame.entry_point = is_entry_point(record);
  frame.cut = (record.flags() & kCut) != 0;
  if (frame.entry_point) formats_ = {};
  read_formats(record, frame);
  read_times(record, frame);
  if (record.has_appearance()) {
    const std::string& data = record.appearance().data();
    frame.appearance = Appearance{record.appearance().codec(), {data.begin(), data.end()}};
  }
  return frame;
}

void FrameRecordReader::read_formats(const wire::Frame& record, SemanticFrame& frame) {
  const wire::Formats& told = record.formats();
  if (told.has_motion()) formats_.motion = get(told.motion());
  if (told.has_structure()) formats_.structure = get(told.structure());
  if (told.has_labels()) formats_.labels = get(told.labels());
  if (told.texture_size() > 0) {
    formats_.texture.clear();
    for (const wire::PlaneFormat& group : told.texture()) {
      const std::size_t channels = std::max(1u, group.channels());
      require(formats_.texture.size() + channels <= std::size_t{kMaxTextureChannels},
              ErrorKind::corrupt, "A frame record has too many texture channels.");
      formats_.texture.insert(formats_.texture.end(), channels, get(group));
    }
  }
  const std::uint32_t absent = record.absent();
  const auto size = [](const Format& format, Plane& plane) {
    plane.width = format.width;
    plane.height = format.height;
    plane.levels = format.levels;
  };
  if ((absent & kMotion) == 0 && !frame.entry_point && !frame.cut) {
    frame.motion.width = formats_.motion.width;
    frame.motion.height = formats_.motion.height;
  }
  if ((absent & kStructure) == 0) size(formats_.structure, frame.structure);
  if ((absent & kLabels) == 0) size(formats_.labels, frame.labels);
  if ((absent & kTexture) == 0) {
    frame.texture.resize(formats_.texture.size());
    for (std::size_t i = 0; i < frame.texture.size(); ++i) {
      size(formats_.texture[i], frame.texture[i]);
    }
  }
  check_planes(frame);
}

void FrameRecordReader::check_planes(const SemanticFrame& frame) const {
  SizeCheck size(info_);
  size(frame.motion.width, frame.motion.height, "motion");
  size(frame.structure.width, frame.structure.height, "structure");
  size(frame.labels.width, frame.labels.height, "label");
  for (const Plane& plane : frame.texture) size(plane.width, plane.height, "texture");
}

void FrameRecordReader::read_times(const wire::Frame& record, SemanticFrame& frame) {
  if (frame.entry_point) times_.restart(record.frame_index(), record.origin());
  require(!frame.entry_point || record.has_between(), ErrorKind::corrupt,
          "An entry point does not say how many frames lie before it.");
  if (record.has_between()) between_ = record.between();
  const auto steps = static_cast<std::size_t>(record.time_steps_size());
  require(between_ <= std::size_t{kMaxBetweenFrames} && steps <= between_ + 1, ErrorKind::corrupt,
          "A frame record's times are out of range.");
  const auto step = [&](std::size_t i) {
    return i < steps ? record.time_steps(static_cast<int>(i)) : std::int64_t{0};
  };
  for (std::size_t i = 0; i < between_; ++i) frame.between_pts.push_back(times_.advance(step(i)));
  frame.pts = times_.advance(step(between_));
  const std::int64_t first = frame.between_pts.empty() ? frame.pts : frame.between_pts.front();
  require(!last_pts_ || first > *last_pts_, ErrorKind::corrupt,
          "A frame record's times do not increase.");
  last_pts_ = frame.pts;
}

}  // namespace semcodec
