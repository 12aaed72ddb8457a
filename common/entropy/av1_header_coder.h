#pragma once
// Codes the headers of AV1 frames: what a base picture says beside its arithmetic-coded blocks.
//
// At a few kbit/s a frame header (some 18 bytes) is a fifth of a base picture, and nearly all of it
// follows from the headers before it: order hints and references repeat with the pyramid of hidden
// frames, quantisers and filters move little. So every field is parsed (AV1 specification, sections
// 5.5 and 5.9) and coded by a ContextMixer under that field's own contexts. What is coded is the
// field's bits as they stand, so that a decoder of AV1 gets back the very bytes.
//
// Covered is what libaom writes for base pictures: 8-bit 4:2:0, one tile, key frames that are
// shown, inter frames that are not error-resilient, no super-resolution, segmentation or film
// grain. The rest is Unsupported, and its unit is stored as it is (base_unit_coder.h).

#include <array>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <optional>
#include <vector>

#include "common/entropy/context_mixer.h"

namespace semcodec::entropy {

/// A header that has more than is covered here; when reading: bytes that are damaged.
struct UnsupportedHeader : std::exception {
  const char* what() const noexcept override { return "an AV1 header that is not covered"; }
};

/// The bits of one header: given when writing, gathered when reading.
class BitTape {
 public:
  BitTape() = default;
  explicit BitTape(std::vector<std::uint8_t> bytes) : bytes_(std::move(bytes)), given_(true) {}

  bool given() const { return given_; }
  /// The next bits, the first one highest. Throws UnsupportedHeader behind the end.
  int take(int bits);
  void put(int value, int bits);
  std::size_t position() const { return position_; }
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t position_ = 0;  // in bits
  bool given_ = false;
};

/// What of an OBU is coded here.
enum class ObuKind { sequence = 0, frame = 1, shown_again = 2 };

class Av1HeaderCoder {
 public:
  Av1HeaderCoder();

  void limit_adaptation(const AdaptationLimit& limit) { mixer_.limit_adaptation(limit); }
  /// Forgets the sequence, not what was learnt about fields.
  void begin_sequence();

  /// Codes a header with `coder`: reads it from `tape`, or fills `tape` when the coder reads. Of a
  /// frame the header alone, to the end of its last byte; of the others all bytes. Returns whether
  /// a picture is shown, which ends a temporal unit. Throws UnsupportedHeader: the state is then of
  /// no use, so keep a copy.
  bool code(BinaryCoder& coder, ObuKind kind, BitTape& tape);
  /// The kind of the next OBU.
  ObuKind code_kind(BinaryCoder& coder, ObuKind kind);
  /// Whether a unit is stored as it is.
  bool code_stored(BinaryCoder& coder, bool stored);
  /// A number of bytes, 0 to 2^24 - 1.
  std::size_t code_length(BinaryCoder& coder, std::size_t length);

 private:
  static constexpr int kFields = 128, kSlots = 8, kReferences = 7;
  static constexpr int kUnknown = -1000;
  using Values = std::array<std::int16_t, kFields>;
  using Contexts = std::initializer_list<std::uint32_t>;
  /// What is known of a reference slot.
  struct Slot {
    int hint = 0;
    bool key = false;
    Values values{};
  };
  struct Sequence {
    int width = 0, height = 0;
    bool large_blocks = false, warped = false, reference_motion = false, cdef = false,
         restoration = false, separate_uv = false;
    int screen_content = 2, integer_motion = 2;  ///< 2: said by each frame
  };
  struct Frame;

  void code_sequence(BitTape& tape);
  void parse_sequence(BitTape tape);
  bool code_frame(BitTape& tape);
  bool code_shown_again(BitTape& tape);
  void code_order(Frame& frame, BitTape& tape);
  void code_refresh(Frame& frame, BitTape& tape);
  void code_references(Frame& frame, BitTape& tape);
  void code_quantisers(Frame& frame, BitTape& tape);
  void code_loop_filter(Frame& frame, BitTape& tape);
  void code_cdef(Frame& frame, BitTape& tape);
  void code_restoration(Frame& frame, BitTape& tape);
  void code_transforms(Frame& frame, BitTape& tape);

  /// Codes `value` of so many bits, the highest first, under these contexts.
  int tree(int field, int value, int bits, Contexts contexts);
  /// The next bits of the tape as they are.
  int plain(BitTape& tape, int field, int bits, Contexts contexts = {});
  /// The same with the field's usual contexts: its values in earlier frames; up to two more.
  int usual(BitTape& tape, int field, int bits, int more = 0, int most = 0);
  /// A bit that has to be 0 here.
  void zero(BitTape& tape, int field);

  BinaryCoder* coder_ = nullptr;
  ContextMixer mixer_;
  std::optional<Sequence> sequence_;
  std::array<std::optional<Slot>, kSlots> slots_;
  int due_ = 0;                   ///< order hint of the picture to be shown next
  Values last_{};                 ///< of the frame before
  std::vector<Values> by_place_;  ///< of the last frame at each place in the pyramid
  // Of the frame at hand:
  Values now_{};
  int place_ = 0;
  const Slot* reference_ = nullptr;
  int nearness_ = 0;
};

}  // namespace semcodec::entropy
