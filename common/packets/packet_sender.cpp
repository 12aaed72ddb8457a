#include "common/packets/packet_sender.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "common/bitstream/record_notes.h"
#include "common/core/error.h"
#include "common/packets/block_code.h"

namespace semcodec {
namespace {

std::size_t payload_size(const PacketOptions& options, bool is_protected) {
  return options.size - (is_protected ? kPacketOverhead : kSourceHeader + kPacketCheck);
}

std::size_t parities_of(std::size_t count, double fec) {
  return static_cast<std::size_t>(std::ceil(static_cast<double>(count) * fec - 1e-9));
}

/// Source packets of one block at most, so that its parity fits in beside them.
std::size_t longest_block(double fec) {
  std::size_t count = kMaxBlockSymbols - 1;
  while (count + parities_of(count, fec) > kMaxBlockSymbols) --count;
  return count;
}

}  // namespace

double wire_expansion(const PacketOptions& options, std::size_t transport) {
  const auto wire = static_cast<double>(options.size + transport);
  return wire * (1 + options.fec) / static_cast<double>(payload_size(options, options.fec > 0));
}

struct PacketSender::State {
  State(const PacketOptions& wanted, std::uint8_t id, Emit to)
      : options(wanted), stream(id), emit(std::move(to)) {
    set_share(wanted.fec);
  }

  void add_unit(RecordKind kind, std::span<const std::uint8_t> payload);
  void flush();
  void close_block();
  void set_share(double share) {
    fec = share;
    payload_limit = payload_size(options, share > 0);
  }

  PacketOptions options;
  std::uint8_t stream;
  Emit emit;
  double fec = 0;  ///< of the block being filled
  std::size_t payload_limit = 0;
  RecordNotes notes;
  PacketBytes header, audio_info;  // payloads, repeated at entry points
  PacketBytes payload;             // of the packet being filled
  std::uint8_t position = kNoPosition;
  bool entry_point = false;
  std::uint16_t number = 0;
  double now = 0;             // the video's time of the latest frame
  double waiting_since = 0;   // of the oldest byte in `payload`
  std::vector<Symbol> block;  // position and payload of the packets sent since the last parity
  std::uint16_t block_first = 0;
  double block_since = 0;
  PacketStats stats;
};

void PacketSender::State::add_unit(RecordKind kind, std::span<const std::uint8_t> record) {
  PacketBytes unit;
  append_unit_head(unit, record.size(),
                   kind == RecordKind::frame ? kFramesUnit : static_cast<int>(kind));
  unit.insert(unit.end(), record.begin(), record.end());
  if (payload.empty()) waiting_since = now;
  if (position == kNoPosition && payload.size() < kNoPosition) {
    position = static_cast<std::uint8_t>(payload.size());
  }
  std::size_t at = 0;
  while (at < unit.size()) {
    const std::size_t take = std::min(unit.size() - at, payload_limit - payload.size());
    const auto from = unit.begin() + static_cast<std::ptrdiff_t>(at);
    payload.insert(payload.end(), from, from + static_cast<std::ptrdiff_t>(take));
    at += take;
    if (payload.size() == payload_limit) flush();
  }
}

void PacketSender::State::flush() {
  if (payload.empty()) return;
  const PacketBytes packet =
      write_packet(SourcePacket{stream, number, entry_point, fec > 0, position, payload});
  stats.packets += 1;
  stats.bytes += packet.size();
  emit(packet, now);
  if (fec > 0) {
    if (block.empty()) {
      block_first = number;
      block_since = waiting_since;
    }
    Symbol symbol{position};
    symbol.insert(symbol.end(), payload.begin(), payload.end());
    block.push_back(std::move(symbol));
  }
  ++number;
  payload.clear();
  position = kNoPosition;
  entry_point = false;
  waiting_since = now;
  const bool long_enough = now - block_since >= options.block_seconds;
  if (!block.empty() && (long_enough || block.size() == kMaxDepth * longest_block(fec))) {
    close_block();
  }
}

// Divides what was collected into as few blocks as GF(256) allows, each of every depth-th packet,
// so that a burst of losses falls on all of them alike.
void PacketSender::State::close_block() {
  const std::size_t most = longest_block(fec);
  const std::size_t depth = (block.size() + most - 1) / most;
  std::vector<std::vector<Symbol>> parity;
  std::vector<std::size_t> counts;
  std::size_t rows = 0;
  for (std::size_t part = 0; part < depth; ++part) {
    std::vector<Symbol> symbols;
    for (std::size_t i = part; i < block.size(); i += depth) symbols.push_back(std::move(block[i]));
    counts.push_back(symbols.size());
    parity.push_back(make_parity(symbols, parities_of(symbols.size(), fec)));
    rows = std::max(rows, parity.back().size());
  }
  for (std::size_t index = 0; index < rows; ++index) {
    for (std::size_t part = 0; part < depth; ++part) {
      if (index >= parity[part].size()) continue;
      const PacketBytes packet = write_packet(
          ParityPacket{stream, static_cast<std::uint16_t>(block_first + part),
                       static_cast<std::uint8_t>(counts[part]), static_cast<std::uint8_t>(index),
                       static_cast<std::uint8_t>(depth), parity[part][index]});
      stats.packets += 1;
      stats.parities += 1;
      stats.bytes += packet.size();
      emit(packet, now);
    }
  }
  stats.longest_block = std::max(stats.longest_block, now - block_since);
  block.clear();
}

PacketSender::PacketSender(const PacketOptions& options, std::uint8_t stream, Emit emit) {
  require(options.size >= kMinPacket && options.size <= kMaxPacket, ErrorKind::usage,
          "A packet has " + std::to_string(kMinPacket) + " to " + std::to_string(kMaxPacket) +
              " bytes, not " + std::to_string(options.size) + ".");
  require(options.fec >= 0 && options.fec <= 1, ErrorKind::usage,
          "--fec should be 0 to 100 %: parity packets for each packet.");
  require(options.entry_fec >= 0 && options.entry_fec <= 1, ErrorKind::usage,
          "--entry-fec should be 0 to 100 %: parity packets for each packet of an entry point.");
  require(options.block_seconds >= 0 && options.fill_seconds >= 0, ErrorKind::usage,
          "Packets cannot leave before their time.");
  state_ = std::make_unique<State>(options, stream, std::move(emit));
}

PacketSender::~PacketSender() = default;

void PacketSender::write(std::span<const std::uint8_t> record) {
  State& my = *state_;
  const RecordExtent extent = record_extent(record);
  require(extent.state == RecordExtent::State::whole && extent.total == record.size(),
          ErrorKind::internal, "What should become packets is no record.");
  my.stats.record_bytes += record.size();
  const auto payload = record.subspan(extent.payload_begin, extent.payload_size);
  const RecordNote note = my.notes.look(extent.kind, payload);
  if (extent.kind == RecordKind::header) {
    my.header.assign(payload.begin(), payload.end());
    return;
  }
  if (extent.kind == RecordKind::index) return;
  if (extent.kind == RecordKind::audio_info) {
    my.audio_info.assign(payload.begin(), payload.end());
    if (my.stats.packets == 0 && my.payload.empty()) return;  // the first entry point says it
  }
  if (note.seconds) my.now = std::max(my.now, *note.seconds);
  const bool alone = note.entry_point && my.options.fec <= 0 && my.options.entry_fec > 0;
  if (note.entry_point) {
    my.flush();
    if (alone) my.set_share(my.options.entry_fec);
    my.entry_point = true;
    my.add_unit(RecordKind::header, my.header);
    if (!my.audio_info.empty()) my.add_unit(RecordKind::audio_info, my.audio_info);
  } else if (!my.payload.empty() && my.now - my.waiting_since > my.options.fill_seconds) {
    my.flush();
  }
  my.add_unit(extent.kind, payload);
  if (my.options.fill_seconds <= 0 || alone) my.flush();
  if (!alone) return;
  if (!my.block.empty()) my.close_block();
  my.set_share(0);
}

void PacketSender::finish() {
  State& my = *state_;
  my.flush();
  if (!my.block.empty()) my.close_block();
}

const PacketStats& PacketSender::stats() const { return state_->stats; }

}  // namespace semcodec
