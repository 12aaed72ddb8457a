#include "semcodec/stream_reader.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "common/bitstream/audio_record.h"
#include "common/bitstream/byte_file.h"
#include "common/bitstream/format_version.h"
#include "common/bitstream/frame_group.h"
#include "common/bitstream/frame_record.h"
#include "common/bitstream/header_record.h"
#include "common/bitstream/record_scanner.h"
#include "common/bitstream/shown_times.h"
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
      : file(std::move(opened)),
        name(label),
        options(chosen),
        scanner(std::move(from)),
        budget(chosen.max_waiting) {
    read_start();
    times.emplace(info, options.fill_gaps ? (options.fill_at_once ? ShownTimes::Fill::at_once
                                                                  : ShownTimes::Fill::later)
                                          : ShownTimes::Fill::none);
    frames.emplace(info, packed);
    coder.emplace(info.coded_width, info.coded_height);
  }

  void read_start();
  void check_size() const;
  std::optional<StreamItem> next();
  std::optional<StreamItem> interpret(const RecordScanner::Record& raw);
  void open_frames(const RecordScanner::Record& raw);
  std::optional<StreamItem> next_frame();
  std::optional<StreamItem> read_frame(const FrameRecord& record, StreamItem&& item);
  std::optional<StreamItem> skip_frame(const FrameRecord& record, const StreamItem& item);
  std::optional<StreamItem> concealed(bool at_end);
  bool take_audio(StreamItem& item);
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
  bool packed = false;  // the headers of base pictures are coded
  std::uint64_t first_offset = 0;
  std::optional<FrameRecordReader> frames;
  std::optional<FrameDecoder> coder;
  /// The record of frames being read: those not handed out yet, and what belongs to the next one.
  std::span<const std::uint8_t> pending;
  std::uint64_t pending_offset = 0;
  std::uint32_t framing_bytes = 0;
  bool first_of_record = false;
  std::optional<unsigned> record_number;
  bool need_entry_point = true;
  bool started = false;  // a frame was there already
  bool ended = false;
  StreamStatus status = StreamStatus::reading;
  std::uint64_t lost_records = 0;
  std::uint64_t skipped_frames = 0;
  std::string problem;
  StreamStats stats;
  MemoryBudget budget;  // of audio handed out
  std::uint64_t audio_left_out = 0;
  double audio_units = 0;  // video time units in one of audio; 0 = no audio so far
  std::optional<ShownTimes> times;
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
  info = read_header(header, name);
  check_size();
  packed = header.version_minor() >= kPackedBaseMinor;
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

void StreamReader::Impl::check_size() const {
  const auto size = [](int width, int height) {
    return std::to_string(width) + "x" + std::to_string(height);
  };
  require(info.coded_width <= options.max_width && info.coded_height <= options.max_height,
          ErrorKind::unsupported,
          name + " is coded at " + size(info.coded_width, info.coded_height) +
              ", more than the limit of " + size(options.max_width, options.max_height) +
              "; allow it with --max-size if you trust where it comes from.");
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
    if (!pending.empty()) {
      if (auto item = next_frame()) return item;
      continue;
    }
    const auto raw = scanner.next();
    if (!raw) {
      end();
      return concealed(true);
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
      open_frames(raw);
      break;
    case RecordKind::audio_info: {
      AudioInfo track = read_audio_info(parsed<wire::AudioInfo>(raw));
      audio_units = track.time_base.value() * info.time_base_den / info.time_base_num;
      stats.audio_bytes += raw.total;
      item.content = std::move(track);
      return item;
    }
    case RecordKind::audio: {
      AudioBatch batch = read_audio_record(parsed<wire::Audio>(raw));
      stats.audio_bytes += raw.total;
      stats.audio_packets += batch.size();
      item.content = std::move(batch);
      if (take_audio(item)) return item;
      break;
    }
    case RecordKind::header:
      stats.header_bytes += raw.total;
      break;
    case RecordKind::index:
      stats.index_bytes += raw.total;
      if (need_entry_point) times->set_last(parsed<wire::Index>(raw).last_pts());
      break;
    case RecordKind::end:
      stats.index_bytes += raw.total;
      if (parsed<wire::End>(raw).has_last_pts()) times->set_last(parsed<wire::End>(raw).last_pts());
      status = StreamStatus::complete;
      end();
      return concealed(true);
    default:  // a kind that a later minor version added
      stats.other_bytes += raw.total;
      break;
  }
  return std::nullopt;
}

void StreamReader::Impl::open_frames(const RecordScanner::Record& raw) {
  const bool in_order = !record_number || raw.number == ((*record_number + 1) & 15);
  record_number = raw.number;
  if (!in_order && !need_entry_point) {
    note_damage(name + " lacks records before offset " + std::to_string(raw.offset) + ".");
  }
  pending = raw.payload;
  pending_offset = raw.offset;
  framing_bytes = raw.total - static_cast<std::uint32_t>(raw.payload.size());
  first_of_record = true;
  require(!pending.empty(), ErrorKind::corrupt, "The record holds no frame.");
}

/// One frame of the record at hand. When it is damaged, those behind it in the record are lost too.
std::optional<StreamItem> StreamReader::Impl::next_frame() {
  const auto left = static_cast<std::uint32_t>(pending.size()) + std::exchange(framing_bytes, 0);
  StreamItem item;
  item.offset = pending_offset;
  try {
    const FrameRecord record(take_frame(pending));
    item.bytes = left - static_cast<std::uint32_t>(pending.size());
    require(std::exchange(first_of_record, false) || !record.is_entry_point(), ErrorKind::corrupt,
            "An entry point is not the first frame of its record.");
    return read_frame(record, std::move(item));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt || options.strict) throw;
    stats.other_bytes += left;
    pending = {};
    note_damage(name + ", record at offset " + std::to_string(item.offset) + ": " + error.what());
  }
  return std::nullopt;
}

std::optional<StreamItem> StreamReader::Impl::read_frame(const FrameRecord& record,
                                                         StreamItem&& item) {
  if (need_entry_point) {
    if (!record.is_entry_point()) {
      require(started || lost_records > 0, ErrorKind::corrupt,
              "The stream's first frame is no entry point.");
      return skip_frame(record, item);
    }
  }
  SemanticFrame frame = frames->read(record);
  if (record.chunk.empty()) {
    require(!has_planes(frame), ErrorKind::corrupt, "A frame lacks its planes.");
    coder->pass(frame);
  } else {
    coder->decode(record.chunk, frame, &item.planes);
  }
  validate(frame);
  // What was lost before the first entry point, but not what a seek left out.
  const std::uint64_t before = !started && lost_records > 0 ? record.fields->frame_index() : 0;
  if (times->place(frame, need_entry_point, before)) {
    note_damage(name + ", record at offset " + std::to_string(item.offset) +
                ": Its time lies before that of the frame before it; it is shown later.");
  }
  need_entry_point = false;
  started = true;
  stats.frame_bytes += item.bytes;
  stats.chunk_bytes += record.chunk.size();
  stats.planes += item.planes;
  stats.coded_frames += 1;
  stats.frames += 1 + frame.interpolated_pts.size();
  if (frame.entry_point) stats.entry_points += 1;
  if (frame.intra_picture) {
    stats.intra_pictures += 1;
    stats.intra_picture_bytes += frame.intra_picture->bytes.size();
  }
  if (frame.base) {
    stats.base_pictures += 1;
    item.base_bytes = static_cast<std::uint32_t>(record.base.size());
    stats.base_bytes += item.base_bytes;
  }
  item.content = std::move(frame);
  return std::move(item);
}

// One that came whole but builds on what was lost.
std::optional<StreamItem> StreamReader::Impl::skip_frame(const FrameRecord& record,
                                                         const StreamItem& item) {
  ++skipped_frames;
  stats.other_bytes += item.bytes;
  const auto& steps = record.fields->time_steps();
  times->miss(record.between, {steps.data(), static_cast<std::size_t>(steps.size())});
  return concealed(false);
}

// Times that were lost, if there is something to show at them.
std::optional<StreamItem> StreamReader::Impl::concealed(bool at_end) {
  if (!need_entry_point) return std::nullopt;
  auto frame = times->conceal(at_end);
  if (!frame) return std::nullopt;
  validate(*frame);
  StreamItem item;
  item.offset = pending_offset;
  item.content = std::move(*frame);
  item.concealed = true;
  return item;
}

// Shifts a batch as the pictures are, and counts it against the budget; false: left out.
bool StreamReader::Impl::take_audio(StreamItem& item) {
  AudioBatch& batch = std::get<AudioBatch>(item.content);
  if (times->shift() != 0 && audio_units > 0) {
    const double limit = static_cast<double>(kMaxAudioTime / 2);
    const auto units = static_cast<std::int64_t>(
        std::clamp(std::round(static_cast<double>(times->shift()) / audio_units), -limit, limit));
    for (AudioPacket& packet : batch) {
      packet.pts = std::clamp(packet.pts + units, -kMaxAudioTime + 1, kMaxAudioTime - 1);
    }
  }
  auto share = budget.take(memory_of(batch));
  if (share) {
    item.waiting = std::move(*share);
    return true;
  }
  audio_left_out += batch.size();
  if (problem.empty()) {
    problem = name + ", record at offset " + std::to_string(item.offset) +
              ": More audio waits for its pictures than the " + std::to_string(budget.limit()) +
              " bytes allowed; it is left out.";
  }
  return false;
}

void StreamReader::Impl::go_to(std::uint64_t offset) {
  file->seek(offset);
  scanner.restart(offset);
  pending = {};
  record_number.reset();
  need_entry_point = true;
  times->restart();
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
    totals =
        StreamTotals{index.coded_frames(), index.frames(), index.first_pts(), index.last_pts()};
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
      auto payload = raw->payload;
      const FrameRecord record(take_frame(payload));
      if (!record.is_entry_point()) continue;
      FrameRecordReader reader(info, packed);
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
std::uint64_t StreamReader::concealed_frames() const { return impl_->times->concealed(); }
std::uint64_t StreamReader::audio_left_out() const { return impl_->audio_left_out; }
const std::string& StreamReader::problem() const { return impl_->problem; }
const StreamStats& StreamReader::stats() const { return impl_->stats; }

}  // namespace semcodec
