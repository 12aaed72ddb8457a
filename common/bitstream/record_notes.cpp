#include "common/bitstream/record_notes.h"

#include "common/bitstream/format_version.h"
#include "common/bitstream/frame_group.h"
#include "common/bitstream/frame_record.h"
#include "common/bitstream/header_record.h"
#include "common/core/error.h"
#include "semcodec.pb.h"

namespace semcodec {

struct RecordNotes::State {
  std::optional<FrameRecordReader> frames;
  double unit = 0;  ///< seconds
};

RecordNotes::RecordNotes() : state_(std::make_unique<State>()) {}
RecordNotes::~RecordNotes() = default;

RecordNote RecordNotes::look(RecordKind kind, std::span<const std::uint8_t> payload) {
  RecordNote note;
  note.kind = kind;
  if (kind == RecordKind::header && !state_->frames) {
    wire::Header header;
    require(header.ParseFromArray(payload.data(), static_cast<int>(payload.size())),
            ErrorKind::corrupt, "The header record cannot be read.");
    const StreamInfo info = read_header(header, "The stream");
    state_->unit = static_cast<double>(info.time_base_num) / info.time_base_den;
    state_->frames.emplace(info, header.version_minor() >= kPackedBaseMinor);
  }
  if (kind == RecordKind::frame) {
    require(state_->frames.has_value(), ErrorKind::corrupt, "A frame record precedes the header.");
    while (!payload.empty()) {
      const FrameRecord record(take_frame(payload));
      note.entry_point = note.entry_point || record.is_entry_point();
      note.seconds = static_cast<double>(state_->frames->read(record).pts) * state_->unit;
    }
  }
  return note;
}

}  // namespace semcodec
