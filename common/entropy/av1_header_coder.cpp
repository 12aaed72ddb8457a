#include "common/entropy/av1_header_coder.h"

#include <algorithm>
#include <cstdlib>

#include "common/entropy/pack.h"

namespace semcodec::entropy {
namespace {

// Fields, in the order of the specification; behind those that come several times is room. They are
// part of the stream format, since contexts are made from them (docs/format.md, section 8).
enum Field : int {
  kStored,
  kKind,
  kDigits,  // of a length
  kLength,
  kSequence,
  kShowExisting,
  kExistingSlot,
  kType,
  kShow,
  kShowable,
  kResilient,
  kNoCdfUpdate,
  kScreenContent,
  kIntegerMotion,
  kSizeOverride,
  kHint,
  kPrimary,
  kRefresh,
  kRenderSize,
  kBlockCopy,
  kShortReferences,
  kReference,  // 7
  kTie = kReference + 7,
  kPrecise,
  kSwitchable,
  kInterpolation,
  kMotionModes,
  kReferenceMotion,
  kNoFrameEnd,
  kTileSpacing,
  kTileColumns,
  kTileRows,
  kQuantiser,
  kHasDc,
  kDc,
  kSeparate,
  kHasUvDc,
  kUvDc,
  kHasUvAc,
  kUvAc,
  kMatrices,
  kMatrix,  // 3
  kSegments = kMatrix + 3,
  kDeltaQuantiser,
  kDeltaStep,
  kDeltaFilter,
  kDeltaFilterStep,
  kDeltaFilterMulti,
  kLevel,  // 4
  kSharpness = kLevel + 4,
  kFilterDeltas,
  kFilterUpdate,
  kHasFilterDelta,
  kFilterDelta,
  kDamping,
  kCdefBits,
  kCdef,                      // 3 times 4
  kRestoration = kCdef + 12,  // 3
  kUnit = kRestoration + 3,
  kUnitLarger,
  kUnitChroma,
  kTransformSelect,
  kReferenceSelect,
  kSkipMode,
  kWarped,
  kReducedTransforms,
  kGlobalMotion,
  kPadding,
  kTrailing,
  kEnd,
};

constexpr int kHintBits = 7, kHints = 1 << kHintBits;
constexpr int kIntra = 0, kInter = 1;  // frame types that are covered
constexpr int kFarthest = 8;           // distances beyond are alike
constexpr int kPlaces = 2 * (kFarthest + 1) * (kFarthest + 1) + 1;
constexpr int kMaxSide = 4096, kMaxTileArea = 4096 * 2304;

MixerShape shape() {
  MixerShape s;
  s.contexts = 7;
  s.table_bits = 14;
  s.selectors = {kEnd, 8};
  s.apm_size = 1;
  return s;
}

void require_supported(bool condition) {
  if (!condition) throw UnsupportedHeader();
}

/// How far a hint lies behind (negative) or ahead of another.
int distance(int hint, int from) {
  const int apart = (hint - from) & (kHints - 1);
  return apart < kHints / 2 ? apart : apart - kHints;
}

int blocks_of(int side, bool large) { return (side + (large ? 127 : 63)) / (large ? 128 : 64); }

}  // namespace

int BitTape::take(int bits) {
  require_supported(position_ + static_cast<std::size_t>(bits) <= 8 * bytes_.size());
  int value = 0;
  for (int i = 0; i < bits; ++i, ++position_) {
    value = 2 * value + (bytes_[position_ / 8] >> (7 - position_ % 8) & 1);
  }
  return value;
}

void BitTape::put(int value, int bits) {
  for (int i = bits - 1; i >= 0; --i, ++position_) {
    if (position_ % 8 == 0) bytes_.push_back(0);
    bytes_.back() =
        static_cast<std::uint8_t>(bytes_.back() | (value >> i & 1) << (7 - position_ % 8));
  }
}

/// What the parts of a header tell each other.
struct Av1HeaderCoder::Frame {
  int type = kInter;
  bool show = false, screen_content = false, integer_motion = false, no_cdf_update = false;
  int hint = 0;
  std::array<int, kSlots> apart{};  ///< distance of each slot's frame; kUnknown: empty
  std::vector<int> distances;       ///< the different ones, rising
  int behind = 0;                   ///< how many of them are negative
  int refresh = 0;
  std::array<int, kReferences> references{};  ///< slots
  int quantiser = 0;

  int rank(int distance) const {
    const auto at = std::lower_bound(distances.begin(), distances.end(), distance);
    return static_cast<int>(at - distances.begin()) - behind;
  }
};

Av1HeaderCoder::Av1HeaderCoder() : mixer_(shape()) {
  static_assert(kEnd <= kFields);
  begin_sequence();
}

void Av1HeaderCoder::begin_sequence() {
  sequence_.reset();
  slots_ = {};
  due_ = 0;
  place_ = 0;
  last_.fill(kUnknown);
  by_place_.assign(kPlaces, last_);
}

int Av1HeaderCoder::tree(int field, int value, int bits, Contexts contexts) {
  int index = 0;
  const auto context = [&](std::uint32_t v) {
    mixer_.set_context(index++, pack(1, field, static_cast<int>(v)));
  };
  context(0);
  context(static_cast<std::uint32_t>(place_ + 1));
  for (const std::uint32_t v : contexts) context(v);
  while (index < shape().contexts) context(0x10000u + static_cast<std::uint32_t>(index));
  mixer_.set_selector(0, field);
  int node = 1;
  for (int i = bits - 1; i >= 0; --i) {
    mixer_.set_selector(1, i);
    node = 2 * node + mixer_.code(*coder_, value >> i & 1, static_cast<std::uint32_t>(node));
  }
  return node - (1 << bits);
}

int Av1HeaderCoder::plain(BitTape& tape, int field, int bits, Contexts contexts) {
  const int given = tape.given() ? tape.take(bits) : 0;
  const int value = tree(field, given, bits, contexts);
  if (!tape.given()) tape.put(value, bits);
  return value;
}

int Av1HeaderCoder::usual(BitTape& tape, int field, int bits, int more, int most) {
  const auto f = static_cast<std::size_t>(field);
  const int before = last_[f], here = by_place_[static_cast<std::size_t>(place_)][f],
            there = reference_ != nullptr ? reference_->values[f] : kUnknown;
  const int value = plain(tape, field, bits,
                          {pack(2, before), pack(3, here), pack(4, here, before),
                           pack(5, there, nearness_, more), pack(6, more, most)});
  now_[f] = static_cast<std::int16_t>(value);
  return value;
}

void Av1HeaderCoder::zero(BitTape& tape, int field) {
  require_supported(plain(tape, field, 1) == 0);
}

bool Av1HeaderCoder::code_stored(BinaryCoder& coder, bool stored) {
  coder_ = &coder;
  return tree(kStored, stored ? 1 : 0, 1, {}) != 0;
}

ObuKind Av1HeaderCoder::code_kind(BinaryCoder& coder, ObuKind kind) {
  coder_ = &coder;
  bool due = false;
  for (const auto& slot : slots_) due = due || (slot && slot->hint == due_);
  const int value = tree(kKind, static_cast<int>(kind), 2,
                         {pack(1, sequence_.has_value()), pack(2, sequence_.has_value(), due)});
  require_supported(value <= static_cast<int>(ObuKind::shown_again));
  return static_cast<ObuKind>(value);
}

std::size_t Av1HeaderCoder::code_length(BinaryCoder& coder, std::size_t length) {
  coder_ = &coder;
  int digits = 0;
  while (digits < 24 && length >> digits != 0) ++digits;
  const int before = last_[kDigits];
  digits = tree(kDigits, digits, 5, {pack(1, before)});
  require_supported(digits <= 24);
  last_[kDigits] = static_cast<std::int16_t>(digits);
  if (digits <= 1) return static_cast<std::size_t>(digits);
  int value = 1;
  for (int i = digits - 2; i >= 0; --i) {
    const int bit = static_cast<int>(length >> i & 1);
    // The two digits behind the first one tell something, those behind them nothing.
    value = 2 * value + (digits - 2 - i < 2 ? tree(kLength, bit, 1,
                                                   {pack(1, digits, value >> (digits - 2 - i), i)})
                                            : coder.code(bit, 32768));
  }
  return static_cast<std::size_t>(value);
}

bool Av1HeaderCoder::code(BinaryCoder& coder, ObuKind kind, BitTape& tape) {
  coder_ = &coder;
  place_ = 0;
  reference_ = nullptr;
  nearness_ = 0;
  switch (kind) {
    case ObuKind::sequence:
      code_sequence(tape);
      return false;
    case ObuKind::frame:
      return code_frame(tape);
    case ObuKind::shown_again:
      return code_shown_again(tape);
  }
  throw UnsupportedHeader();
}

void Av1HeaderCoder::code_sequence(BitTape& tape) {
  constexpr int kMost = 31;
  const int size = tree(kSequence, static_cast<int>(tape.bytes().size()), 5, {pack(1, 0)});
  require_supported(!tape.given() || tape.bytes().size() <= kMost);
  int before = 0;
  for (int i = 0; i < size; ++i) {
    before = plain(tape, kSequence, 8, {pack(2, i), pack(3, i, before)});
  }
  begin_sequence();
  parse_sequence(BitTape(tape.bytes()));
}

void Av1HeaderCoder::parse_sequence(BitTape tape) {
  Sequence s;
  require_supported(tape.take(3) == 0);                        // profile
  require_supported(tape.take(2) == 0);                        // still pictures
  require_supported(tape.take(1) == 0 && tape.take(1) == 0);   // timing, display delay
  require_supported(tape.take(5) == 0 && tape.take(12) == 0);  // one operating point
  if (tape.take(5) > 7) tape.take(1);                          // level, tier
  const int width_bits = tape.take(4) + 1, height_bits = tape.take(4) + 1;
  s.width = tape.take(width_bits) + 1;
  s.height = tape.take(height_bits) + 1;
  require_supported(s.width <= kMaxSide && s.height <= kMaxSide &&
                    s.width * s.height <= kMaxTileArea);
  require_supported(tape.take(1) == 0);  // frame ids
  s.large_blocks = tape.take(1) != 0;
  tape.take(4);  // filter-intra, intra edges, inter-intra, masks
  s.warped = tape.take(1) != 0;
  tape.take(1);                          // dual filter
  require_supported(tape.take(1) == 1);  // order hints
  tape.take(1);                          // distances weigh
  s.reference_motion = tape.take(1) != 0;
  s.screen_content = tape.take(1) != 0 ? 2 : tape.take(1);
  if (s.screen_content > 0) s.integer_motion = tape.take(1) != 0 ? 2 : tape.take(1);
  require_supported(tape.take(3) == kHintBits - 1);
  require_supported(tape.take(1) == 0);  // super-resolution
  s.cdef = tape.take(1) != 0;
  s.restoration = tape.take(1) != 0;
  require_supported(tape.take(2) == 0);  // 8 bits, colour
  if (tape.take(1) != 0) {
    const int primaries = tape.take(8), transfer = tape.take(8), matrix = tape.take(8);
    require_supported(!(primaries == 1 && transfer == 13 && matrix == 0));  // 4:4:4
  }
  tape.take(3);  // range, place of the chroma samples
  s.separate_uv = tape.take(1) != 0;
  require_supported(tape.take(1) == 0);  // film grain
  sequence_ = s;
}

bool Av1HeaderCoder::code_shown_again(BitTape& tape) {
  require_supported(sequence_.has_value());
  require_supported(plain(tape, kShowExisting, 1, {pack(1, 1)}) == 1);
  int first = kSlots;
  for (int i = kSlots - 1; i >= 0; --i) {
    const auto& slot = slots_[static_cast<std::size_t>(i)];
    if (slot && slot->hint == due_) first = i;
  }
  const int shown = plain(tape, kExistingSlot, 3, {pack(1, first)});
  const auto& slot = slots_[static_cast<std::size_t>(shown)];
  // A key frame would become all references.
  require_supported(slot.has_value() && !slot->key);
  due_ = (slot->hint + 1) & (kHints - 1);
  for (int i = 4; i < 8; ++i) plain(tape, kTrailing, 1, {pack(1, i)});
  return true;
}

bool Av1HeaderCoder::code_frame(BitTape& tape) {
  require_supported(sequence_.has_value());
  const Sequence& s = *sequence_;
  Frame frame;
  now_ = last_;
  code_order(frame, tape);
  code_refresh(frame, tape);
  if (frame.type == kIntra) {
    zero(tape, kRenderSize);
    if (frame.screen_content) zero(tape, kBlockCopy);
  } else {
    code_references(frame, tape);
  }
  if (!frame.no_cdf_update) usual(tape, kNoFrameEnd, 1);
  // One tile: no column or row is divided.
  plain(tape, kTileSpacing, 1);
  if (blocks_of(s.width, s.large_blocks) > 1) zero(tape, kTileColumns);
  if (blocks_of(s.height, s.large_blocks) > 1) zero(tape, kTileRows);
  code_quantisers(frame, tape);
  code_loop_filter(frame, tape);
  if (s.cdef) code_cdef(frame, tape);
  if (s.restoration) code_restoration(frame, tape);
  code_transforms(frame, tape);
  if (frame.type == kInter) {
    // Parameters of global motion, which are rare, and all behind them go as they are.
    bool global = false;
    for (int i = 0; i < kReferences && !global; ++i) {
      global = plain(tape, kGlobalMotion, 1, {pack(1, i), pack(2, last_[kGlobalMotion])}) != 0;
    }
    now_[kGlobalMotion] = global ? 1 : 0;
  }
  while (tape.position() % 8 != 0) plain(tape, kPadding, 1, {pack(1, now_[kGlobalMotion])});

  last_ = now_;
  by_place_[static_cast<std::size_t>(place_)] = now_;
  for (int i = 0; i < kSlots; ++i) {
    if ((frame.refresh >> i & 1) != 0) {
      slots_[static_cast<std::size_t>(i)] = Slot{frame.hint, frame.type == kIntra, now_};
    }
  }
  if (frame.show) due_ = (frame.hint + 1) & (kHints - 1);
  return frame.show;
}

void Av1HeaderCoder::code_order(Frame& frame, BitTape& tape) {
  const Sequence& s = *sequence_;
  const bool first = !slots_[0].has_value();
  // The nearest frame ahead that is hidden so far, and how many there are.
  std::vector<int> ahead;
  for (const auto& slot : slots_) {
    if (slot && distance(slot->hint, due_) >= 0) ahead.push_back(distance(slot->hint, due_));
  }
  std::sort(ahead.begin(), ahead.end());
  ahead.erase(std::unique(ahead.begin(), ahead.end()), ahead.end());
  const int nearest = ahead.empty() ? -1 : ahead.front(), hidden = static_cast<int>(ahead.size());

  require_supported(plain(tape, kShowExisting, 1, {pack(1, 0)}) == 0);
  frame.type = plain(tape, kType, 2, {pack(1, first)});
  require_supported(frame.type == kIntra || frame.type == kInter);
  frame.show = usual(tape, kShow, 1, nearest, 16 * first + hidden) != 0;
  if (!frame.show) plain(tape, kShowable, 1);
  require_supported(frame.type == kInter || frame.show);
  if (frame.type == kInter) zero(tape, kResilient);
  frame.no_cdf_update = plain(tape, kNoCdfUpdate, 1) != 0;
  frame.screen_content =
      (s.screen_content == 2 ? usual(tape, kScreenContent, 1) : s.screen_content) != 0;
  if (frame.screen_content) {
    frame.integer_motion =
        (s.integer_motion == 2 ? plain(tape, kIntegerMotion, 1) : s.integer_motion) != 0;
  }
  zero(tape, kSizeOverride);

  const int given = tape.given() ? tape.take(kHintBits) : 0;
  const int ahead_of_due =
      tree(kHint, (given - due_) & (kHints - 1), kHintBits,
           {pack(1, frame.show), pack(2, frame.show, nearest), pack(3, frame.show, nearest, hidden),
            pack(4, frame.show, last_[kHint])});
  frame.hint = (due_ + ahead_of_due) & (kHints - 1);
  if (!tape.given()) tape.put(frame.hint, kHintBits);
  if (!frame.show) now_[kHint] = static_cast<std::int16_t>(ahead_of_due);

  int past = kHints, future = kHints;
  for (std::size_t i = 0; i < kSlots; ++i) {
    frame.apart[i] = slots_[i] ? distance(slots_[i]->hint, frame.hint) : kUnknown;
    if (!slots_[i]) continue;
    if (frame.apart[i] < 0) past = std::min(past, -frame.apart[i]);
    if (frame.apart[i] > 0) future = std::min(future, frame.apart[i]);
    frame.distances.push_back(frame.apart[i]);
  }
  auto& d = frame.distances;
  std::sort(d.begin(), d.end());
  d.erase(std::unique(d.begin(), d.end()), d.end());
  frame.behind = static_cast<int>(std::lower_bound(d.begin(), d.end(), 0) - d.begin());
  const auto limited = [](int far) { return far == kHints ? 0 : std::min(far, kFarthest); };
  place_ = frame.type == kIntra
               ? 0
               : 1 + (frame.show ? 1 : 0) + 2 * (limited(past) + (kFarthest + 1) * limited(future));
  if (place_ >= kPlaces) place_ = kPlaces - 1;
  if (frame.type == kInter) usual(tape, kPrimary, 3);
}

void Av1HeaderCoder::code_refresh(Frame& frame, BitTape& tape) {
  if (frame.type == kIntra) {
    frame.refresh = (1 << kSlots) - 1;
    return;
  }
  const int given = tape.given() ? tape.take(kSlots) : 0;
  int chosen = 0;
  for (int i = 0; i < kSlots; ++i) {
    const int apart = frame.apart[static_cast<std::size_t>(i)];
    const auto begin = frame.apart.begin();
    const bool again = std::find(begin, begin + i, apart) != begin + i;
    const auto alike = std::count(begin, frame.apart.end(), apart);
    const bool oldest = !frame.distances.empty() && apart == frame.distances.front();
    const int rank = apart == kUnknown ? kUnknown : frame.rank(apart);
    const int bit = tree(kRefresh, given >> i & 1, 1,
                         {pack(1, rank, chosen), pack(2, 2 * again + oldest, alike, chosen),
                          pack(3, rank, again, chosen, place_), pack(4, i, last_[kRefresh], chosen),
                          pack(5, rank, frame.behind, again, chosen)});
    frame.refresh |= bit << i;
    chosen += bit;
  }
  if (!tape.given()) tape.put(frame.refresh, kSlots);
  now_[kRefresh] = static_cast<std::int16_t>(frame.refresh);
}

void Av1HeaderCoder::code_references(Frame& frame, BitTape& tape) {
  zero(tape, kShortReferences);
  const int kinds = static_cast<int>(frame.distances.size());
  require_supported(kinds > 0);
  const int lowest = -frame.behind;
  int before = 0;
  for (std::size_t i = 0; i < kReferences; ++i) {
    const int field = kReference + static_cast<int>(i);
    const int slot = tape.given() ? tape.take(3) : 0;
    const int apart = frame.apart[static_cast<std::size_t>(slot)];
    require_supported(!tape.given() || apart != kUnknown);
    const int given = tape.given() ? frame.rank(apart) - lowest : 0;
    const int here = by_place_[static_cast<std::size_t>(place_)][static_cast<std::size_t>(field)];
    const int last = last_[static_cast<std::size_t>(field)];
    const int rank =
        lowest + tree(field, given, 3,
                      {pack(1, frame.behind, kinds), pack(2, before, frame.behind, kinds),
                       pack(3, here, frame.behind), pack(4, here, last, frame.behind),
                       pack(5, before, here)});
    require_supported(rank - lowest < kinds);
    before = rank;
    now_[static_cast<std::size_t>(field)] = static_cast<std::int16_t>(rank);
    // Several slots may hold that frame.
    const int wanted = frame.distances[static_cast<std::size_t>(rank - lowest)];
    std::vector<int> holders;
    for (int j = 0; j < kSlots; ++j) {
      if (frame.apart[static_cast<std::size_t>(j)] == wanted) holders.push_back(j);
    }
    std::size_t which = 0;
    if (holders.size() > 1) {
      const auto mine = std::find(holders.begin(), holders.end(), slot) - holders.begin();
      which = static_cast<std::size_t>(tree(kTie, tape.given() ? static_cast<int>(mine) : 0, 3,
                                            {pack(1, static_cast<int>(holders.size()), field)}));
      require_supported(which < holders.size());
    }
    frame.references[i] = holders[which];
    if (!tape.given()) tape.put(frame.references[i], 3);
  }
  zero(tape, kRenderSize);
  if (!frame.integer_motion) usual(tape, kPrecise, 1);
  if (usual(tape, kSwitchable, 1) == 0) usual(tape, kInterpolation, 2);
  usual(tape, kMotionModes, 1);
  if (sequence_->reference_motion) usual(tape, kReferenceMotion, 1);
  const auto nearest = static_cast<std::size_t>(frame.references[0]);
  reference_ = &*slots_[nearest];
  nearness_ = frame.apart[nearest];
}

void Av1HeaderCoder::code_quantisers(Frame& frame, BitTape& tape) {
  frame.quantiser = usual(tape, kQuantiser, 8);
  require_supported(frame.quantiser > 0);  // lossless frames leave fields out
  const auto delta = [&](int has, int field) {
    if (plain(tape, has, 1) != 0) usual(tape, field, 7);
  };
  delta(kHasDc, kDc);
  if (sequence_->separate_uv) zero(tape, kSeparate);
  delta(kHasUvDc, kUvDc);
  delta(kHasUvAc, kUvAc);
  if (plain(tape, kMatrices, 1) != 0) {
    for (int i = 0; i < (sequence_->separate_uv ? 3 : 2); ++i) usual(tape, kMatrix + i, 4);
  }
  zero(tape, kSegments);
  if (usual(tape, kDeltaQuantiser, 1) != 0) {
    usual(tape, kDeltaStep, 2);
    if (usual(tape, kDeltaFilter, 1) != 0) {
      usual(tape, kDeltaFilterStep, 2);
      usual(tape, kDeltaFilterMulti, 1);
    }
  }
}

void Av1HeaderCoder::code_loop_filter(Frame& frame, BitTape& tape) {
  const int q = frame.quantiser >> 3;
  const int first = usual(tape, kLevel, 6, q);
  const int second = usual(tape, kLevel + 1, 6, first, q);
  if (first != 0 || second != 0) {
    const int third = usual(tape, kLevel + 2, 6, first, second);
    usual(tape, kLevel + 3, 6, third, q);
  }
  usual(tape, kSharpness, 3);
  if (usual(tape, kFilterDeltas, 1) == 0 || usual(tape, kFilterUpdate, 1) == 0) return;
  for (int i = 0; i < 10; ++i) {
    if (plain(tape, kHasFilterDelta, 1, {pack(1, i)}) != 0) {
      plain(tape, kFilterDelta, 7, {pack(1, i)});
    }
  }
}

void Av1HeaderCoder::code_cdef(Frame& frame, BitTape& tape) {
  usual(tape, kDamping, 2);
  const int bits = usual(tape, kCdefBits, 2);
  for (int i = 0; i < 1 << bits; ++i) {
    int before = frame.quantiser >> 4;
    // Luma and chroma, each a primary and a secondary strength.
    for (int part = 0; part < 4; ++part) {
      before = usual(tape, kCdef + 4 * std::min(i, 2) + part, part % 2 == 0 ? 4 : 2, before, bits);
    }
  }
}

void Av1HeaderCoder::code_restoration(Frame& /*frame*/, BitTape& tape) {
  std::array<int, 3> types{};
  for (int i = 0; i < 3; ++i) {
    types[static_cast<std::size_t>(i)] = usual(tape, kRestoration + i, 2, i > 0 ? types[0] : 0);
  }
  if (types[0] == 0 && types[1] == 0 && types[2] == 0) return;
  if (usual(tape, kUnit, 1) != 0 && !sequence_->large_blocks) usual(tape, kUnitLarger, 1);
  if (types[1] != 0 || types[2] != 0) usual(tape, kUnitChroma, 1);
}

void Av1HeaderCoder::code_transforms(Frame& frame, BitTape& tape) {
  usual(tape, kTransformSelect, 1);
  if (frame.type == kInter && usual(tape, kReferenceSelect, 1) != 0) {
    // Skip mode needs a frame on either side, or two behind.
    int behind = kUnknown, ahead = 0;
    bool second = false;
    for (const int slot : frame.references) {
      const int apart = frame.apart[static_cast<std::size_t>(slot)];
      if (apart < 0) behind = std::max(behind, apart);
      if (apart > 0) ahead = 1;
    }
    for (const int slot : frame.references) {
      second = second || frame.apart[static_cast<std::size_t>(slot)] < behind;
    }
    if (behind != kUnknown && (ahead != 0 || second)) usual(tape, kSkipMode, 1);
  }
  if (frame.type == kInter && sequence_->warped) usual(tape, kWarped, 1);
  usual(tape, kReducedTransforms, 1);
}

}  // namespace semcodec::entropy
