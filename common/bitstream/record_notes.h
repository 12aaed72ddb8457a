#pragma once
// What passing records say about themselves, for whoever carries them without decoding planes.

#include <memory>
#include <optional>
#include <span>

#include "common/bitstream/record_scanner.h"

namespace semcodec {

struct RecordNote {
  RecordKind kind = RecordKind::header;
  bool entry_point = false;
  std::optional<double> seconds;  ///< frames: time of the last coded frame
};

/// Sees all records of a stream, in order.
class RecordNotes {
 public:
  RecordNotes();
  ~RecordNotes();

  /// Throws Error(corrupt) when the record is no sound one.
  RecordNote look(RecordKind kind, std::span<const std::uint8_t> payload);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace semcodec
