#include "semcodec/stream_writer.h"

#include <algorithm>
#include <vector>

#include "common/bitstream/audio_record.h"
#include "common/bitstream/format_version.h"
#include "common/bitstream/frame_group.h"
#include "common/bitstream/frame_record.h"
#include "common/bitstream/record_scanner.h"
#include "common/core/error.h"
#include "common/core/file.h"
#include "common/entropy/frame_coder.h"
#include "semcodec.pb.h"

namespace semcodec {
namespace {

/// The bytes of a lower-case hexadecimal number, or nothing when the text is none.
std::string raw_of_hex(const std::string& text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string raw;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const auto high = kDigits.find(text[i]), low = kDigits.find(text[i + 1]);
    if (high == kDigits.npos || low == kDigits.npos) return {};
    raw += static_cast<char>(high << 4 | low);
  }
  return text.size() % 2 == 0 ? raw : std::string();
}

/// "semcodec 1.2" as "1.2", other names as they are.
std::string without_usual(const std::string& encoder) {
  const auto begin = kUsualEncoder.size();
  const bool ours = encoder.starts_with(kUsualEncoder) && encoder.size() > begin &&
                    encoder[begin] >= '0' && encoder[begin] <= '9';
  return ours ? encoder.substr(begin) : encoder;
}

wire::Header header_of(const StreamInfo& info) {
  const auto u = [](int value) { return static_cast<std::uint32_t>(value); };
  wire::Header header;
  header.set_magic(kMagic);
  header.set_version_major(kFormatMajor);
  header.set_version_minor(packs_base(info) ? kPackedBaseMinor : 0);
  header.set_width(u(info.width));
  header.set_height(u(info.height));
  header.set_coded_width(u(info.coded_width));
  header.set_coded_height(u(info.coded_height));
  header.set_time_base_num(u(info.time_base_num));
  header.set_time_base_den(u(info.time_base_den));
  header.set_frame_rate_num(u(info.frame_rate_num));
  header.set_frame_rate_den(u(info.frame_rate_den));
  if (info.sar_num != info.sar_den) {
    header.set_sar_num(u(info.sar_num));
    header.set_sar_den(u(info.sar_den));
  }
  if (info.profile != kUsualProfile) header.set_profile(info.profile);
  if (info.model_name != kUsualModel) header.set_model_name(info.model_name);
  if (auto raw = raw_of_hex(info.model_hash); !raw.empty()) {
    header.set_model_hash_raw(std::move(raw));
  } else {
    header.set_model_hash(info.model_hash);
  }
  header.set_encoder(without_usual(info.encoder));
  return header;
}

}  // namespace

struct StreamWriter::Impl {
  Impl(Sink to, const StreamInfo& info)
      : sink(std::move(to)), frames(info), coder(info.coded_width, info.coded_height) {}

  /// Writes a record behind all frames that wait; returns its size with framing.
  std::uint64_t put(RecordKind kind, const std::string& payload) {
    flush();
    const std::vector<std::uint8_t> bytes = frame_record(kind, payload);
    sink(bytes);
    stats.bytes += bytes.size();
    return bytes.size();
  }

  /// Adds a frame to the record at hand, or begins the next; `stats` counts it at once.
  void put_frame(std::string frame, bool entry_point) {
    if (entry_point || !waiting.has_room(frame, grouping)) flush();
    const std::size_t before = waiting.record_bytes();
    waiting.add(std::move(frame));
    last_bytes = waiting.record_bytes() - before;
    stats.bytes += last_bytes;
    if (grouping.frames <= 1) flush();
  }

  void flush() {
    if (waiting.empty()) return;
    sink(frame_record(RecordKind::frame, waiting.take(), record_number++));
  }

  void put_header() {
    stats.header_bytes += put(RecordKind::header, header);
    header_end = stats.bytes;
  }

  /// A receiver whose first header was damaged can start at a repeat. Costs 1 % at most.
  void repeat_header() {
    constexpr std::uint64_t kShare = 100;
    if (stats.bytes - header_end >= kShare * header.size()) put_header();
  }

  void require_open() const {
    require(!finished, ErrorKind::internal, "The stream was finished; nothing can be added.");
  }

  void count_frame(const SemanticFrame& frame, std::uint64_t chunk_size) {
    stats.frame_bytes += last_bytes;
    stats.chunk_bytes += chunk_size;
    stats.planes += last_cost;
    stats.coded_frames += 1;
    stats.frames += 1 + frame.interpolated_pts.size();
    if (frame.entry_point) stats.entry_points += 1;
    if (frame.intra_picture) {
      stats.intra_pictures += 1;
      stats.intra_picture_bytes += frame.intra_picture->bytes.size();
    }
    if (frame.base) {
      stats.base_pictures += 1;
      stats.base_bytes += frames.last_base_bytes();
    }
  }

  Sink sink;
  FrameRecordWriter frames;
  FrameEncoder coder;
  FrameGroup waiting;
  FrameGrouping grouping;
  unsigned record_number = 0;
  StreamStats stats;
  bool audio_told = false;
  bool finished = false;
  std::string header;            // repeated before later entry points ...
  std::uint64_t header_end = 0;  // ... when enough bytes went by since the last one
  std::uint64_t last_bytes = 0;
  EncodeStats last_cost;
  // For the index.
  std::vector<std::int64_t> entry_pts;
  std::vector<std::uint64_t> entry_offsets;
  std::int64_t first_pts = 0;
  std::int64_t last_pts = 0;
};

StreamWriter::StreamWriter(Sink sink, const StreamInfo& info) {
  validate(info);
  impl_ = std::make_unique<Impl>(std::move(sink), info);
  impl_->header = header_of(info).SerializeAsString();
  impl_->put_header();
}

StreamWriter::StreamWriter(OutputFile& file, const StreamInfo& info)
    : StreamWriter(
          [&file](std::span<const std::uint8_t> bytes) {
            file.write(bytes);
            if (file.is_stdout()) file.flush();
          },
          info) {}

StreamWriter::~StreamWriter() = default;

void StreamWriter::write(const SemanticFrame& frame) {
  Impl& my = *impl_;
  my.require_open();
  my.frames.check(frame);
  std::vector<std::uint8_t> chunk;
  my.last_cost = {};
  if (has_planes(frame)) {
    chunk = my.coder.encode(frame, &my.last_cost);
  } else {
    my.coder.pass(frame);
  }
  const std::uint64_t chunk_size = chunk.size();
  if (my.stats.coded_frames == 0) {
    my.first_pts = frame.interpolated_pts.empty() ? frame.pts : frame.interpolated_pts.front();
  }
  my.last_pts = frame.pts;
  if (frame.entry_point) {
    my.flush();
    my.repeat_header();
    my.entry_pts.push_back(frame.pts);
    my.entry_offsets.push_back(my.stats.bytes);
  }
  my.put_frame(my.frames.write(frame, chunk), frame.entry_point);
  my.count_frame(frame, chunk_size);
}

void StreamWriter::group(const FrameGrouping& grouping) {
  impl_->flush();
  impl_->grouping = grouping;
}

void StreamWriter::write_audio_info(const AudioInfo& info) {
  Impl& my = *impl_;
  my.require_open();
  require(!my.audio_told, ErrorKind::internal, "The audio track was described already.");
  require(!info.codec.empty() && info.codec.size() <= 64 && info.sample_rate >= 1 &&
              info.channels >= 1 && info.time_base.num >= 1 && info.time_base.den >= 1 &&
              info.extradata.size() < kMaxRecordBytes / 2,
          ErrorKind::corrupt, "The audio track's description is incomplete or out of range.");
  wire::AudioInfo out;
  out.set_codec(info.codec);
  out.set_sample_rate(static_cast<std::uint32_t>(info.sample_rate));
  out.set_channels(static_cast<std::uint32_t>(info.channels));
  out.set_time_base_num(static_cast<std::uint32_t>(info.time_base.num));
  out.set_time_base_den(static_cast<std::uint32_t>(info.time_base.den));
  out.set_extradata(info.extradata.data(), info.extradata.size());
  const auto number = [](int value) { return static_cast<std::uint32_t>(std::max(0, value)); };
  out.set_channel_mask(info.channel_mask);
  out.set_bit_rate(static_cast<std::uint64_t>(std::max<std::int64_t>(0, info.bit_rate)));
  out.set_profile(info.profile + 99);
  out.set_frame_size(number(info.frame_size));
  out.set_initial_padding(number(info.initial_padding));
  out.set_seek_preroll(number(info.seek_preroll));
  out.set_block_align(number(info.block_align));
  out.set_bits_per_sample(number(info.bits_per_sample));
  my.stats.audio_bytes += my.put(RecordKind::audio_info, out.SerializeAsString());
  my.audio_told = true;
}

void StreamWriter::write_audio(const AudioBatch& batch) {
  Impl& my = *impl_;
  my.require_open();
  require(my.audio_told, ErrorKind::internal, "Audio packets need write_audio_info() first.");
  if (batch.empty()) return;
  wire::Audio audio;
  if (!write_audio_record(batch, audio)) {
    const auto middle = batch.begin() + static_cast<std::ptrdiff_t>(batch.size() / 2);
    write_audio({batch.begin(), middle});
    write_audio({middle, batch.end()});
    return;
  }
  my.stats.audio_bytes += my.put(RecordKind::audio, audio.SerializeAsString());
  my.stats.audio_packets += batch.size();
}

void StreamWriter::finish(bool with_index) {
  Impl& my = *impl_;
  my.require_open();
  const std::uint64_t start = my.stats.bytes;
  // An index is a convenience: a stream with more entry points than one record holds does without.
  constexpr std::size_t kMaxEntries = kMaxRecordBytes / 32;
  const bool indexed = with_index && my.entry_pts.size() <= kMaxEntries;
  if (indexed) {
    wire::Index index;
    // Where there is one entry point, it is the first frame record.
    for (std::size_t i = 0; my.entry_pts.size() > 1 && i < my.entry_pts.size(); ++i) {
      index.add_pts(my.entry_pts[i] - (i > 0 ? my.entry_pts[i - 1] : 0));
      index.add_offset(my.entry_offsets[i] - (i > 0 ? my.entry_offsets[i - 1] : 0));
    }
    index.set_coded_frames(my.stats.coded_frames);
    index.set_frames(my.stats.frames);
    index.set_first_pts(my.first_pts);
    index.set_last_pts(my.last_pts);
    my.put(RecordKind::index, index.SerializeAsString());
  }
  wire::End end;
  end.set_index_distance(indexed ? my.stats.bytes - start : 0);
  // Receivers of packets, which leave the index out, know from it what was lost at the end.
  if (!indexed && my.stats.coded_frames > 0) end.set_last_pts(my.last_pts);
  my.put(RecordKind::end, end.SerializeAsString());
  my.stats.index_bytes = my.stats.bytes - start;
  my.finished = true;
}

const FrameEncoder& StreamWriter::encoder() const { return impl_->coder; }
const StreamStats& StreamWriter::stats() const { return impl_->stats; }
std::uint64_t StreamWriter::last_frame_bytes() const { return impl_->last_bytes; }
std::uint64_t StreamWriter::last_base_bytes() const { return impl_->frames.last_base_bytes(); }
const EncodeStats& StreamWriter::last_frame_cost() const { return impl_->last_cost; }

}  // namespace semcodec
