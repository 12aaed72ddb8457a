#include "common/bitstream/frame_record.h"

#include <algorithm>

#include "common/bitstream/format_version.h"
#include "common/bitstream/frame_group.h"
#include "common/core/error.h"
#include "semcodec.pb.h"

namespace semcodec {
namespace {

// In the head of a frame, whose upper bits count the interpolated frames before it.
constexpr std::size_t kHasFields = 1, kHasBase = 2, kHasChunk = 4, kBetweenUnit = 8;
constexpr const char* kNotDivided = "A frame does not say how it is divided.";
constexpr std::uint32_t kEntryPoint = 1;
constexpr std::uint32_t kCut = 2;
enum Part : std::uint32_t { kMotion = 1, kStructure = 2, kLabels = 4, kTexture = 8 };

// Cells that a record may have whatever its size, beside a quarter of the coded size, and cells
// for each byte of its chunk. The cheapest planes take some 2000 cells a byte.
constexpr std::uint64_t kFreeCells = 65536, kCellsPerByte = 1024;

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

// Sizes: inside the coded size; all cells together inside the limit.
class SizeCheck {
 public:
  SizeCheck(const StreamInfo& info, std::uint64_t most) : info_(info), most_(most), left_(most) {}
  void operator()(int width, int height, const char* name) {
    if (width == 0 && height == 0) return;
    require(width >= 1 && height >= 1 && width <= info_.coded_width && height <= info_.coded_height,
            ErrorKind::corrupt,
            std::string("The ") + name + " plane is " + std::to_string(width) + "x" +
                std::to_string(height) + "; it must not exceed the coded size " +
                std::to_string(info_.coded_width) + "x" + std::to_string(info_.coded_height) + ".");
    const auto cells = static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(height);
    require(cells <= left_, ErrorKind::corrupt,
            "A frame's planes together exceed " + std::to_string(most_) +
                " cells, the limit at this coded size and number of bytes.");
    left_ -= cells;
  }

 private:
  const StreamInfo& info_;
  std::uint64_t most_, left_;
};

void check_base_size(const StreamInfo& info, int width, int height) {
  require(width >= kMinBaseDimension && height >= kMinBaseDimension && width <= info.coded_width &&
              height <= info.coded_height && width % 2 == 0 && height % 2 == 0,
          ErrorKind::corrupt,
          "The base picture is " + std::to_string(width) + "x" + std::to_string(height) +
              "; its sides must be even, from 16 to the coded size " +
              std::to_string(info.coded_width) + "x" + std::to_string(info.coded_height) + ".");
}

std::uint64_t cells_of(const SemanticFrame& frame) {
  std::uint64_t cells =
      frame.motion.dx.size() + frame.structure.values.size() + frame.labels.values.size();
  for (const Plane& plane : frame.texture) cells += plane.values.size();
  return cells;
}

}  // namespace

std::uint64_t max_plane_cells(const StreamInfo& info) {
  return 4 * static_cast<std::uint64_t>(info.coded_width) *
             static_cast<std::uint64_t>(info.coded_height) +
         4096;
}

std::uint64_t max_plane_cells(const StreamInfo& info, std::size_t chunk_bytes) {
  const std::uint64_t free = static_cast<std::uint64_t>(info.coded_width) *
                                 static_cast<std::uint64_t>(info.coded_height) / 4 +
                             kFreeCells;
  return std::min(max_plane_cells(info), free + kCellsPerByte * chunk_bytes);
}

bool packs_base(const StreamInfo& info) { return info.profile == kUsualProfile; }

FrameRecordWriter::FrameRecordWriter(const StreamInfo& info) : info_(info), times_(info) {}

void FrameRecordWriter::check(const SemanticFrame& frame) const {
  validate(frame);
  require(last_pts_.has_value() || frame.entry_point, ErrorKind::corrupt,
          "The first frame of a stream must be an entry point.");
  const std::int64_t first =
      frame.interpolated_pts.empty() ? frame.pts : frame.interpolated_pts.front();
  require(!last_pts_ || first > *last_pts_, ErrorKind::corrupt,
          "A frame's pts " + std::to_string(first) +
              " does not lie after the coded frame before it, " +
              std::to_string(last_pts_.value_or(0)) + ".");
  SizeCheck size(info_, max_plane_cells(info_));
  if (!frame.motion.empty()) size(frame.motion.width, frame.motion.height, "motion");
  if (!frame.structure.empty()) size(frame.structure.width, frame.structure.height, "structure");
  if (!frame.labels.empty()) size(frame.labels.width, frame.labels.height, "label");
  for (const Plane& plane : frame.texture) size(plane.width, plane.height, "texture");
  if (frame.base) check_base_size(info_, frame.base->width, frame.base->height);
  // Leaves room for the planes, which never reach this size.
  const std::size_t pictures = (frame.intra_picture ? frame.intra_picture->bytes.size() : 0) +
                               (frame.base ? frame.base->bytes.size() : 0);
  require(pictures < kMaxRecordBytes / 2, ErrorKind::corrupt,
          "A frame's intra picture and base picture together must stay below 8 MiB.");
}

std::string FrameRecordWriter::write(const SemanticFrame& frame,
                                     std::span<const std::uint8_t> chunk) {
  wire::Frame record;
  record.set_flags((frame.entry_point ? kEntryPoint : 0u) | (frame.cut ? kCut : 0u));
  write_formats(frame, record);
  write_times(frame, record);
  if (frame.intra_picture) {
    record.mutable_intra_picture()->set_codec(frame.intra_picture->codec);
    record.mutable_intra_picture()->set_data(frame.intra_picture->bytes.data(),
                                             frame.intra_picture->bytes.size());
  }
  const std::string fields = record.SerializeAsString();
  std::string payload;
  append_varint(payload, kBetweenUnit * frame.interpolated_pts.size() +
                             (chunk.empty() ? 0 : kHasChunk) + (frame.base ? kHasBase : 0) +
                             (fields.empty() ? 0 : kHasFields));
  if (!fields.empty()) {
    append_varint(payload, fields.size());
    payload += fields;
  }
  const auto base = base_bytes(frame);
  last_base_bytes_ = base.size();
  if (frame.base && !chunk.empty()) append_varint(payload, base.size());
  payload.append(base.begin(), base.end());
  payload.append(chunk.begin(), chunk.end());
  // Zeros behind the end are what a decoder assumes there anyway.
  std::size_t length = chunk.size();
  const std::uint64_t cells = cells_of(frame);
  for (; cells > max_plane_cells(info_, length); ++length) payload += '\0';
  return payload;
}

std::vector<std::uint8_t> FrameRecordWriter::base_bytes(const SemanticFrame& frame) {
  if (!frame.base) return {};
  if (!packs_base(info_)) return frame.base->bytes;
  if (!units_) {
    units_.emplace();
  } else if (frame.entry_point) {
    units_->restart();
  }
  return units_->pack(frame.base->bytes);
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

  const Format base =
      frame.base ? Format{frame.base->width, frame.base->height, frame.base->quantiser} : Format{};
  const bool new_base = base.width != 0 && base != formats_.base;
  if (base.width != 0) formats_.base = base;
  if (formats_.base.width != 0 && (new_base || frame.entry_point)) {
    wire::BaseFormat& out = *record.mutable_formats()->mutable_base();
    out.set_width(static_cast<std::uint32_t>(formats_.base.width));
    out.set_height(static_cast<std::uint32_t>(formats_.base.height));
    out.set_quantiser(static_cast<std::uint32_t>(formats_.base.levels));
  }
}

void FrameRecordWriter::write_times(const SemanticFrame& frame, wire::Frame& record) {
  if (frame.entry_point) {
    if (!last_pts_) {
      const std::int64_t first =
          frame.interpolated_pts.empty() ? frame.pts : frame.interpolated_pts.front();
      times_.restart(0, times_.origin_for(first));
    }
    record.set_frame_index(times_.index());
    record.set_origin(times_.origin());
  }
  std::vector<std::int64_t> steps;
  for (const std::int64_t time : frame.interpolated_pts) steps.push_back(times_.measure(time));
  steps.push_back(times_.measure(frame.pts));
  while (!steps.empty() && steps.back() == 0) steps.pop_back();
  for (const std::int64_t step : steps) record.add_time_steps(step);
  last_pts_ = frame.pts;
}

FrameRecordReader::FrameRecordReader(const StreamInfo& info, bool packed)
    : info_(info), packed_(packed), times_(info) {}

FrameRecord::FrameRecord(std::span<const std::uint8_t> payload)
    : fields(std::make_unique<wire::Frame>()) {
  const std::size_t head = take_varint(payload, kNotDivided);
  between = head / kBetweenUnit;
  if ((head & kHasFields) != 0) {
    const std::size_t size = take_varint(payload, kNotDivided);
    require(
        size <= payload.size() && fields->ParseFromArray(payload.data(), static_cast<int>(size)),
        ErrorKind::corrupt, "A frame record's fields cannot be read.");
    payload = payload.subspan(size);
  }
  if ((head & kHasBase) != 0) {
    const std::size_t size =
        (head & kHasChunk) != 0 ? take_varint(payload, kNotDivided) : payload.size();
    require(size >= 1 && size <= payload.size(), ErrorKind::corrupt,
            "A frame record's base picture cannot be read.");
    base = payload.first(size);
    payload = payload.subspan(size);
  }
  require(payload.empty() == ((head & kHasChunk) == 0), ErrorKind::corrupt, kNotDivided);
  chunk = payload;
}

FrameRecord::~FrameRecord() = default;

bool FrameRecord::is_entry_point() const { return (fields->flags() & kEntryPoint) != 0; }

SemanticFrame FrameRecordReader::read(const FrameRecord& whole) {
  const wire::Frame& record = *whole.fields;
  SemanticFrame frame;
  frame.entry_point = whole.is_entry_point();
  frame.cut = (record.flags() & kCut) != 0;
  if (frame.entry_point) formats_ = {};
  read_formats(record, frame, whole.chunk.size());
  read_times(whole, frame);
  if (!whole.base.empty()) read_base(whole, frame);
  if (record.has_intra_picture()) {
    const std::string& data = record.intra_picture().data();
    frame.intra_picture = IntraPicture{record.intra_picture().codec(), {data.begin(), data.end()}};
  }
  return frame;
}

void FrameRecordReader::read_base(const FrameRecord& whole, SemanticFrame& frame) {
  const auto& format = formats_.base;
  check_base_size(info_, format.width, format.height);
  frame.base = BasePicture{format.width, format.height, format.levels, {}};
  if (!packed_) {
    frame.base->bytes.assign(whole.base.begin(), whole.base.end());
    return;
  }
  if (!units_) {
    units_.emplace();
  } else if (frame.entry_point) {
    units_->restart();
  }
  frame.base->bytes = units_->unpack(whole.base);
}

void FrameRecordReader::read_formats(const wire::Frame& record, SemanticFrame& frame,
                                     std::size_t chunk_bytes) {
  const wire::Formats& told = record.formats();
  if (told.has_motion()) formats_.motion = get(told.motion());
  if (told.has_structure()) formats_.structure = get(told.structure());
  if (told.has_labels()) formats_.labels = get(told.labels());
  if (told.has_base()) {
    const wire::BaseFormat& base = told.base();
    require(base.quantiser() <= std::uint32_t{kMaxQuantiser}, ErrorKind::corrupt,
            "A frame record's quantiser is out of range.");
    formats_.base = {narrow(base.width()), narrow(base.height()),
                     static_cast<int>(base.quantiser())};
  }
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
  check_planes(frame, chunk_bytes);
}

void FrameRecordReader::check_planes(const SemanticFrame& frame, std::size_t chunk_bytes) const {
  SizeCheck size(info_, max_plane_cells(info_, chunk_bytes));
  size(frame.motion.width, frame.motion.height, "motion");
  size(frame.structure.width, frame.structure.height, "structure");
  size(frame.labels.width, frame.labels.height, "label");
  for (const Plane& plane : frame.texture) size(plane.width, plane.height, "texture");
}

void FrameRecordReader::read_times(const FrameRecord& whole, SemanticFrame& frame) {
  const wire::Frame& record = *whole.fields;
  if (frame.entry_point) times_.restart(record.frame_index(), record.origin());
  const auto steps = static_cast<std::size_t>(record.time_steps_size());
  const std::size_t between = whole.between;
  require(between <= std::size_t{kMaxInterpolatedFrames} && steps <= between + 1,
          ErrorKind::corrupt, "A frame record's times are out of range.");
  const auto step = [&](std::size_t i) {
    return i < steps ? record.time_steps(static_cast<int>(i)) : std::int64_t{0};
  };
  for (std::size_t i = 0; i < between; ++i)
    frame.interpolated_pts.push_back(times_.advance(step(i)));
  frame.pts = times_.advance(step(between));
  const std::int64_t first =
      frame.interpolated_pts.empty() ? frame.pts : frame.interpolated_pts.front();
  require(frame.entry_point || !last_pts_ || first > *last_pts_, ErrorKind::corrupt,
          "A frame record's times do not increase.");
  last_pts_ = frame.pts;
}

}  // namespace semcodec
