#include "common/entropy/base_unit_coder.h"

#include <optional>
#include <string>
#include <utility>

#include "common/core/error.h"

namespace semcodec::entropy {

namespace {

constexpr std::size_t kMostObus = 16;  // of a unit
// What was learnt from other videos yields to the one at hand.
constexpr AdaptationLimit kLimit{4, 60, 200};
// OBU types, and what stands around them in an OBU header that has a size and nothing else.
constexpr int kSequenceType = 1, kHeaderType = 3, kFrameType = 6, kSized = 2;

int type_of(ObuKind kind) {
  switch (kind) {
    case ObuKind::sequence:
      return kSequenceType;
    case ObuKind::frame:
      return kFrameType;
    case ObuKind::shown_again:
      return kHeaderType;
  }
  return 0;
}

struct Obu {
  ObuKind kind = ObuKind::frame;
  BitTape tape;          ///< when writing, the whole payload; when reading, what was coded of it
  std::size_t tail = 0;  ///< bytes of the payload behind what is coded

  std::size_t coded() const { return tape.position() / 8; }
};

/// The size in 7 bits a byte, low ones first.
void append_size(std::vector<std::uint8_t>& out, std::size_t size) {
  for (; size >= 128; size >>= 7) out.push_back(static_cast<std::uint8_t>(size | 128));
  out.push_back(static_cast<std::uint8_t>(size));
}

/// Nothing when the unit is not divided as libaom divides it.
std::optional<std::vector<Obu>> divide(std::span<const std::uint8_t> unit) {
  std::vector<Obu> obus;
  while (!unit.empty()) {
    Obu obu;
    const int type = unit[0] >> 3;
    if (type == kSequenceType) {
      obu.kind = ObuKind::sequence;
    } else if (type == kHeaderType) {
      obu.kind = ObuKind::shown_again;
    } else if (type != kFrameType) {
      return std::nullopt;
    }
    std::size_t size = 0, at = 1;
    for (int shift = 0;; shift += 7) {
      if (at >= unit.size() || shift > 21) return std::nullopt;
      size |= static_cast<std::size_t>(unit[at] & 127) << shift;
      if ((unit[at++] & 128) == 0) break;
    }
    std::vector<std::uint8_t> usual{static_cast<std::uint8_t>(type << 3 | kSized)};
    append_size(usual, size);
    const bool alike = usual.size() == at && usual[0] == unit[0] && usual[at - 1] == unit[at - 1];
    if (!alike || size > unit.size() - at || obus.size() == kMostObus) return std::nullopt;
    const auto payload = unit.subspan(at, size);
    obu.tape = BitTape({payload.begin(), payload.end()});
    obus.push_back(std::move(obu));
    unit = unit.subspan(at + size);
  }
  return obus;
}

/// Codes all OBUs; when reading, fills `obus`. Throws UnsupportedHeader.
void code_obus(Av1HeaderCoder& headers, BinaryCoder& coder, std::vector<Obu>& obus) {
  const bool reading = coder.reading();
  bool shown = false;
  for (std::size_t i = 0; !shown; ++i) {
    if (i >= (reading ? kMostObus : obus.size())) throw UnsupportedHeader();
    if (reading) obus.emplace_back();
    Obu& obu = obus[i];
    obu.kind = headers.code_kind(coder, obu.kind);
    shown = headers.code(coder, obu.kind, obu.tape);
    if (!reading) obu.tail = obu.tape.bytes().size() - obu.coded();
    if (obu.kind == ObuKind::frame) {
      if (!shown) obu.tail = headers.code_length(coder, obu.tail);
    } else if (obu.tail != 0) {
      throw UnsupportedHeader();
    }
    if (!reading && shown != (i + 1 == obus.size())) throw UnsupportedHeader();
  }
}

/// Units of other videos, of which the headers alone are there.
Av1HeaderCoder primed() {
  Av1HeaderCoder headers;
  const auto priming = built_in_base_priming();
  const int units = priming[0] | priming[1] << 8;
  BinaryCoder coder(priming.subspan(2));
  for (int i = 0; i < units; ++i) {
    if (coder.code(0, 32768) != 0) headers.begin_sequence();
    std::vector<Obu> obus;
    code_obus(headers, coder, obus);
  }
  headers.begin_sequence();
  headers.limit_adaptation(kLimit);
  return headers;
}

const Av1HeaderCoder& start() {
  static const Av1HeaderCoder headers = primed();
  return headers;
}

}  // namespace

BaseUnitCoder::BaseUnitCoder() : headers_(start()) {}

void BaseUnitCoder::restart() { headers_ = start(); }

std::vector<std::uint8_t> BaseUnitCoder::pack(std::span<const std::uint8_t> unit) {
  if (auto obus = divide(unit)) {
    const Av1HeaderCoder before = headers_;
    try {
      BinaryCoder coder(BinaryCoder::Mode::write);
      headers_.code_stored(coder, false);
      code_obus(headers_, coder, *obus);
      auto packed = coder.finish_delimited();
      for (const Obu& obu : *obus) {
        const auto& payload = obu.tape.bytes();
        packed.insert(packed.end(), payload.end() - static_cast<std::ptrdiff_t>(obu.tail),
                      payload.end());
      }
      return packed;
    } catch (const UnsupportedHeader&) {
      headers_ = before;
    }
  }
  BinaryCoder coder(BinaryCoder::Mode::write);
  headers_.code_stored(coder, true);
  auto packed = coder.finish_delimited();
  packed.insert(packed.end(), unit.begin(), unit.end());
  return packed;
}

std::vector<std::uint8_t> BaseUnitCoder::unpack(std::span<const std::uint8_t> packed) {
  const auto damaged = [](bool sound) {
    require(sound, ErrorKind::corrupt, "A base picture's headers are damaged.");
  };
  BinaryCoder coder(packed);
  std::vector<Obu> obus;
  const bool stored = headers_.code_stored(coder, false);
  if (!stored) {
    try {
      code_obus(headers_, coder, obus);
    } catch (const UnsupportedHeader&) {
      damaged(false);
    }
  }
  damaged(coder.delimited_size() <= packed.size());
  auto rest = packed.subspan(coder.delimited_size());
  if (stored) return {rest.begin(), rest.end()};
  std::vector<std::uint8_t> unit;
  for (std::size_t i = 0; i < obus.size(); ++i) {
    Obu& obu = obus[i];
    const bool last = i + 1 == obus.size();
    if (last && obu.kind == ObuKind::frame) obu.tail = rest.size();
    damaged(obu.tail <= rest.size());
    unit.push_back(static_cast<std::uint8_t>(type_of(obu.kind) << 3 | kSized));
    append_size(unit, obu.tape.bytes().size() + obu.tail);
    unit.insert(unit.end(), obu.tape.bytes().begin(), obu.tape.bytes().end());
    unit.insert(unit.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(obu.tail));
    rest = rest.subspan(obu.tail);
  }
  damaged(rest.empty());
  return unit;
}

std::vector<std::uint8_t> make_base_priming(const std::vector<BaseUnits>& videos) {
  Av1HeaderCoder headers;
  BinaryCoder coder(BinaryCoder::Mode::write);
  std::size_t count = 0;
  for (const BaseUnits& units : videos) {
    for (std::size_t i = 0; i < units.size(); ++i, ++count) {
      auto obus = divide(units[i]);
      require(obus.has_value(), ErrorKind::input, "A unit is not divided as libaom divides it.");
      coder.code(i == 0 ? 1 : 0, 32768);
      if (i == 0) headers.begin_sequence();
      try {
        code_obus(headers, coder, *obus);
      } catch (const UnsupportedHeader& error) {
        throw Error(ErrorKind::input, "Unit " + std::to_string(i) + " has " + error.what() + ".");
      }
    }
  }
  std::vector<std::uint8_t> bytes{static_cast<std::uint8_t>(count),
                                  static_cast<std::uint8_t>(count >> 8)};
  const auto coded = coder.finish_delimited();
  bytes.insert(bytes.end(), coded.begin(), coded.end());
  return bytes;
}

}  // namespace semcodec::entropy
