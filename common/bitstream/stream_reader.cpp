#include "semcodec/stream_reader.h"

#include <algorithm>
#include <vector>

#include "common/bitstream/audio_record.h"
#include "common/bitstream/byte_file.h"
#include "common/bitstream/format_version.h"
#include "common/bitstream/frame_record.h"
#include "common/bitstream/record_scanner.h"
#include "common/core/error.h"
#include "common/entropy/frame_coder.h"
#include "semcodec.pb.h"

namespace semcodec {
namespace {

constexpr std::uint64_t kTailBytes = 64;  // more than an end record takes

template <typename Message>
bool parse(std::span<const std::uint8_t> payload, Message& message) {
  return message.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
}

template <typename Message>
Message parsed(const RecordScanner::Record& raw) {
  Message message;
  require(parse(raw.payload, message), ErrorKind::corrupt, "The record cannot be read.");
  return message;
}

std::string hex_of_raw(const std::string& raw) {
  std::string text;
  for (const char c : raw) {
    for (const int digit : {c >> 4 & 15, c & 15}) text += "0123456789abcdef"[digit];
  }
  return text;
}

int narrow(std::uint32_t value) {
  return static_cast<int>(std::min<std::uint32_t>(value, 0x7fffffff));
}

// A field that is absent says 1.
int or_one(std::uint32_t value) { return value == 0 ? 1 : narrow(value); }

StreamInfo read_header(const wire::Header& header, const std::string& name, int max_dimension) {
  require(header.magic() == kMagic, ErrorKind::input, name + " is not a semcodec stream.");
  require(header.version_major() <= kFormatMajor, ErrorKind::unsupported,
          name + " was written in format " + std::to_string(header.version_major()) +
              "; this program reads up to format " + std::to_string(kFormatMajor) +
              ". Use a newer semcodec.");
  require(header.version_major() >= kFormatMajor, ErrorKind::unsupported,
          name + " was written in format " + std::to_string(header.version_major()) +
              ", which this program does not read; decode it with the semcodec that wrote it.");
  StreamInfo info;
  info.width = narrow(header.width());
  info.height = narrow(header.height());
  info.work_width = narrow(header.work_width());
  info.work_height = narrow(header.work_height());
  info.time_base_num = narrow(header.time_base_num());
  info.time_base_den = narrow(header.time_base_den());
  info.frame_rate_num = narrow(header.frame_rate_num());
  info.frame_rate_den = or_one(header.frame_rate_den());
  info.sar_num = or_one(header.sar_num());
  info.sar_den = or_one(header.sar_den());
  info.profile = header.profile().empty() ? kUsualProfile : header.profile();
  info.model_name = header.model_name().empty() ? kUsualModel : header.model_name();
  info.model_hash =
      header.model_hash_raw().empty() ? header.model_hash() : hex_of_raw(header.model_hash_raw());
  info.encoder = header.encoder();
  if (!info.encoder.empty() && info.encoder[0] >= '0' && info.encoder[0] <= '9') {
    info.encoder.insert(0, kUsualEncoder);
  }
  validate(info);
  require(std::max({info.width, info.height, info.work_width, info.work_height}) <= max_dimension,
          ErrorKind::unsupported,
          name + " holds pictures of " + std::to_string(info.width) + "x" +
              std::to_string(info.height) + " (working size " + std::to_string(info.work_width) +
              "x" + std::to_string(info.work_height) + "), more than the limit of " +
              std::to_string(max_dimension) + " set for this program.");
  return info;
}

AudioInfo read_audio_info(const wire::AudioInfo& in) {
  AudioInfo info;
  info.codec = in.codec();
  info.sample_rate = narrow(in.sample_rate());
  info.channels = narrow(in.channels());
  info.time_base.num = narrow(in.time_base_num());
  info.time_base.den = narrow(in.time_base_den());
  info.channel_mask = in.channel_mask();
  info.bit_rate = static_cast<std::int64_t>(in.bit_rate() & 0x7fffffffffffffff);
  info.profile = std::clamp(in.profile(), -1'000'000, 1'000'000) - 99;
  info.frame_size = narrow(in.frame_size());
  info.initial_padding = narrow(in.initial_padding());
  info.seek_preroll = narrow(in.seek_preroll());
  info.block_align = narrow(in.block_align());
  info.bits_per_sample = narrow(in.bits_per_sample());
  info.extradata.assign(in.extradata().begin(), in.extradata().end());
  require(!info.codec.empty() && info.codec.size() <= 64 && info.sample_rate >= 1 &&
              info.channels >= 1 && info.time_base.num >= 1 && info.time_base.den >= 1,
          ErrorKind::corrupt, "The audio track's description is out of range.");
  return info;
}

}  // namespace

const char* to_string(StreamStatus status) {
  switch (status) {
    case StreamStatus::reading:
      return "reading";
    case StreamStatus::complete:
      return "complete";
    case StreamStatus::truncated:
      return "truncated";
    case StreamStatus::damaged:
      return "damaged";
  }
  return "unknown";
}

struct StreamReader::Impl {
  struct EntryPoint {
    std::int64_t pts = 0;
    std::uint64_t offset = 0;
  };

  Impl(Source from, std::unique_ptr<ByteFile> opened, const std::string& label,
       const Options& chosen)
      : file(std::move(opened)), name(label), options(chosen), scanner(std::move(from)) {
    read_start();
    frames.emplace(info);
    coder.emplace(info.work_width, info.work_height);
  }

  void read_start();
  std::optional<StreamItem> next();
  std::optional<StreamItem> interpret(const RecordScanner::Record& raw);
  std::optional<StreamItem> read_frame(const FrameRecord& record, StreamItem&& item);
  void note_damage(const std::string& sentence);
  void end();
  void go_to(std::uint64_t offset);
  void load_index();
  std::optional<std::vector<EntryPoint>> stored_index();
  std::vector<EntryPoint> scan_entry_points();

  std::unique_ptr<ByteFile> file;  // null for sources that cannot seek
  std::string name;
  Options options;
  RecordScanner scanner;
  StreamInfo info;
  std::string version;
  std::uint64_t first_offset = 0;
  std::optional<FrameRecordReader> frames;
  std::optional<FrameDecoder> coder;
  bool need_entry_point = true;
  bool started = false;  // a frame was there already
  bool ended = false;
  StreamStatus status = StreamStatus::reading;
  std::uint64_t lost_records = 0;
  std::uint64_t skipped_frames = 0;
  std::string problem;
  StreamStats stats;
  bool index_loaded = false;
  std::vector<EntryPoint> entry_points;
  std::optional<StreamTotals> totals;
};

void StreamReader::Impl::read_start() {
  const auto first = scanner.peek(2);
  require(!first.empty(), ErrorKind::input, name + " is empty.");
  const RecordExtent start = record_extent(first);
  require(start.state != RecordExtent::State::invalid, ErrorKind::input,
          name + " is not a semcodec stream.");
  require(first.size() < 2 || start.kind != RecordKind::old, ErrorKind::unsupported,
          name +
              " was written in format 1, which this program does not read any more; encode the "
              "video again, or use semcodec 0.1.");
  // Where the first header is damaged, a repeat of it will do; what lies before that is lost.
  wire::Header header;
  auto raw = scanner.next();
  const bool cut = !raw && scanner.damaged_bytes_at_end() == 0;
  require(!cut, ErrorKind::corrupt, name + " ends before its header does.");
  std::uint64_t lost = 0;
  while (raw && !(raw->kind == RecordKind::header && parse(raw->payload, header))) {
    require(raw->gap > 0 || lost > 0, ErrorKind::corrupt,
            name + " does not begin with a header record.");
    lost += raw->gap + raw->total;
    if (raw->kind == RecordKind::frame) ++skipped_frames;
    raw = scanner.next();
  }
  require(raw.has_value(), ErrorKind::corrupt,
          name + " has a damaged header, and no repeat of it.");
  lost += raw->gap;
  info = read_header(header, name, options.max_dimension);
  version = std::to_string(header.version_major()) + "." + std::to_string(header.version_minor());
  first_offset = raw->offset + raw->total;
  stats.header_bytes = raw->total;
  stats.other_bytes = lost;
  stats.bytes = raw->total + lost;
  if (lost > 0) {
    note_damage(name + " has a damaged header; it can be read from offset " +
                std::to_string(raw->offset) + " on, where the header is repeated.");
  }
}

void StreamReader::Impl::note_damage(const std::string& sentence) {
  if (options.strict) throw Error(ErrorKind::corrupt, sentence);
  ++lost_records;
  need_entry_point = true;
  if (problem.empty()) problem = sentence;
}

void StreamReader::Impl::end() {
  ended = true;
  stats.bytes += scanner.cut_bytes() + scanner.damaged_bytes_at_end();
  stats.other_bytes += scanner.cut_bytes() + scanner.damaged_bytes_at_end();
  if (scanner.damaged_bytes_at_end() > 0) {
    note_damage(name + " is damaged at its end.");
  } else if (problem.empty() && status != StreamStatus::complete) {
    problem = name + " ends before its end record: it was cut, or is still being written.";
  }
  if (lost_records > 0) {
    status = StreamStatus::damaged;
  } else if (status == StreamStatus::reading) {
    status = StreamStatus::truncated;
  }
}

std::optional<StreamItem> StreamReader::Impl::next() {
  while (!ended) {
    const auto raw = scanner.next();
    if (!raw) {
      end();
      break;
    }
    if (raw->gap > 0) {
      stats.bytes += raw->gap;
      stats.other_bytes += raw->gap;
      note_damage(name + " is damaged: " + std::to_string(raw->gap) + " bytes before offset " +
                  std::to_string(raw->offset) + " are no record.");
    }
    stats.bytes += raw->total;
    try {
      if (auto item = interpret(*raw)) return item;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corrupt || options.strict) throw;
      stats.other_bytes += raw->total;
      note_damage(name + ", record at offset " + std::to_string(raw->offset) + ": " + error.what());
    }
  }
  return std::nullopt;
}

std::optional<StreamItem> StreamReader::Impl::interpret(const RecordScanner::Record& raw) {
  StreamItem item;
  item.offset = raw.offset;
  item.bytes = raw.total;
  switch (raw.kind) {
    case RecordKind::frame:
      return read_frame(FrameRecord(raw.payload), std::move(item));
    case RecordKind::audio_info:
      item.content = read_audio_info(parsed<wire::AudioInfo>(raw));
      stats.audio_bytes += raw.total;
      return item;
    case RecordKind::audio: {
      AudioBatch batch = read_audio_record(parsed<wire::Audio>(raw));
      stats.audio_bytes += raw.total;
      stats.audio_packets += batch.size();
      item.content = std::move(batch);
      return item;
    }
    case RecordKind::header:
      stats.header_bytes += raw.total;
      break;
    case RecordKind::index:
      stats.index_bytes += raw.total;
      break;
    case RecordKind::end:
      stats.index_bytes += raw.total;
      status = StreamStatus::complete;
      end();
      break;
    default:  // a kind that a later minor version added
      stats.other_bytes += raw.total;
      break;
  }
  return std::nullopt;
}

std::optional<StreamItem> StreamReader::Impl::read_frame(const FrameRecord& record,
                                                         StreamItem&& item) {
  if (need_entry_point) {
    if (!record.is_entry_point()) {
      require(started || lost_records > 0, ErrorKind::corrupt,
              "The stream's first frame is no entry point.");
      ++skipped_frames;
      stats.other_bytes += item.bytes;
      return std::nullopt;
    }
    frames->reset();
  }
  SemanticFrame frame = frames->read(record);
  coder->decode(record.chunk, frame, &item.planes);
  validate(frame);
  need_entry_point = false;
  started = true;
  stats.frame_bytes += item.bytes;
  stats.chunk_bytes += record.chunk.size();
  stats.planes += item.planes;
  stats.anchors += 1;
  stats.frames += 1 + frame.between_pts.size();
  if (frame.entry_point) stats.entry_points += 1;
  if (frame.appearance) {
    stats.appearances += 1;
    stats.appearance_bytes += frame.appearance->bytes.size();
  }
  if (frame.base) {
    stats.base_pictures += 1;
    stats.base_bytes += frame.base->bytes.size();
  }
  item.content = std::move(frame);
  return std::move(item);
}

void StreamReader::Impl::go_to(std::uint64_t offset) {
  file->seek(offset);
  scanner.restart(offset);
  need_entry_point = true;
  ended = false;
  status = StreamStatus::reading;
}

// Through the end record at the very end; nothing when any part of it does not hold.
std::optional<std::vector<StreamReader::Impl::EntryPoint>> StreamReader::Impl::stored_index() {
  const std::uint64_t size = file->size();
  const std::uint64_t tail_size = std::min(size, kTailBytes);
  const std::vector<std::uint8_t> tail = file->read_at(size - tail_size, tail_size);
  for (std::size_t at = 0; at < tail.size(); ++at) {
    const auto bytes = std::span<const std::uint8_t>(tail).subspan(at);
    const RecordExtent extent = record_extent(bytes);
    if (extent.state != RecordExtent::State::whole || extent.total != bytes.size() ||
        extent.kind != RecordKind::end || !crc_holds(bytes, extent)) {
      continue;
    }
    const std::uint64_t end_offset = size - tail_size + at;
    wire::End end_record;
    if (!parse(bytes.subspan(extent.payload_begin, extent.payload_size), end_record)) break;
    const std::uint64_t distance = end_record.index_distance();
    if (distance == 0 || distance > end_offset || distance > kMaxRecordBytes + 64) break;
    const std::vector<std::uint8_t> stored = file->read_at(end_offset - distance, distance);
    const RecordExtent whole = record_extent(stored);
    if (whole.state != RecordExtent::State::whole || whole.kind != RecordKind::index ||
        !crc_holds(stored, whole)) {
      break;
    }
    const std::span<const std::uint8_t> payload(stored.data() + whole.payload_begin,
                                                whole.payload_size);
    wire::Index index;
    if (!parse(payload, index)) break;
    if (index.pts_size() != index.offset_size()) break;
    std::vector<EntryPoint> entries;
    std::uint64_t pts = 0;
    std::uint64_t offset = 0;
    for (int i = 0; i < index.pts_size(); ++i) {
      pts += static_cast<std::uint64_t>(index.pts(i));
      offset += index.offset(i);
      if (offset >= size) return std::nullopt;
      entries.push_back({static_cast<std::int64_t>(pts), offset});
    }
    totals = StreamTotals{index.anchors(), index.frames(), index.first_pts(), index.last_pts()};
    return entries;
  }
  return std::nullopt;
}

// From the records themselves, planes left alone.
std::vector<StreamReader::Impl::EntryPoint> StreamReader::Impl::scan_entry_points() {
  std::vector<EntryPoint> entries;
  file->seek(first_offset);
  RecordScanner scan([this](std::span<std::uint8_t> bytes) { return file->read(bytes); });
  scan.restart(first_offset);
  while (const auto raw = scan.next()) {
    if (raw->kind != RecordKind::frame) continue;
    try {
      const FrameRecord record(raw->payload);
      if (!record.is_entry_point()) continue;
      FrameRecordReader reader(info);
      entries.push_back({reader.read(record).pts, raw->offset});
    } catch (const Error&) {
      continue;  // next() will report it
    }
  }
  return entries;
}

void StreamReader::Impl::load_index() {
  if (index_loaded) return;
  index_loaded = true;
  if (auto stored = stored_index()) entry_points = std::move(*stored);
}

StreamReader::StreamReader(const std::string& path) : StreamReader(path, Options{}) {}
StreamReader::StreamReader(Source source, const std::string& name)
    : StreamReader(std::move(source), name, Options{}) {}

StreamReader::StreamReader(const std::string& path, const Options& options) {
  auto file = std::make_unique<ByteFile>(path);
  ByteFile& bytes = *file;
  Source source = [&bytes](std::span<std::uint8_t> to) { return bytes.read(to); };
  impl_ = std::make_unique<Impl>(std::move(source), std::move(file),
                                 path == "-" ? "The stream on stdin" : path, options);
}

StreamReader::StreamReader(Source source, const std::string& name, const Options& options)
    : impl_(std::make_unique<Impl>(std::move(source), nullptr, name, options)) {}

StreamReader::~StreamReader() = default;

const StreamInfo& StreamReader::info() const { return impl_->info; }
const std::string& StreamReader::format_version() const { return impl_->version; }
std::optional<StreamItem> StreamReader::next() { return impl_->next(); }
bool StreamReader::seekable() const { return impl_->file && impl_->file->seekable(); }

void StreamReader::seek(std::int64_t pts) {
  Impl& my = *impl_;
  require(seekable(), ErrorKind::input,
          my.name + " cannot be searched for a time, because it is a pipe; save it to a file.");
  my.load_index();
  if (my.entry_points.empty()) my.entry_points = my.scan_entry_points();
  require(!my.entry_points.empty(), ErrorKind::input,
          my.name + " has no point where decoding could start.");
  std::uint64_t offset = my.entry_points.front().offset;
  for (const Impl::EntryPoint& entry : my.entry_points) {
    if (entry.pts <= pts) offset = entry.offset;
  }
  my.go_to(offset);
}

std::optional<StreamTotals> StreamReader::totals() {
  if (!seekable()) return std::nullopt;
  impl_->load_index();
  return impl_->totals;
}

StreamStatus StreamReader::status() const { return impl_->status; }
std::uint64_t StreamReader::lost_records() const { return impl_->lost_records; }
std::uint64_t StreamReader::skipped_frames() const { return impl_->skipped_frames; }
const std::string& StreamReader::problem() const { return impl_->problem; }
const StreamStats& StreamReader::stats() const { return impl_->stats; }

}  // namespace semcodec
