#include "common/packets/packet_receiver.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "common/bitstream/record_scanner.h"
#include "common/packets/block_code.h"

namespace semcodec {
namespace {

// Packets of the longest superblock that a sender may make, and so many are kept for repairs.
constexpr std::int64_t kLongestSpan = kMaxDepth * kMaxBlockSymbols;
constexpr std::size_t kMaxBlocks = 64;     // of which parity came, kept at a time
constexpr int kRejoinAfter = 32;           // packets that all come too late: numbers have jumped
constexpr std::uint64_t kSwitchAfter = 3;  // packets of another stream, none of this in between
constexpr std::uint8_t kGap = 0;           // no record begins with it
constexpr std::size_t kBookkeeping = 96;   // what a packet takes beside its bytes

/// A block of which parity came.
struct Block {
  std::int64_t first = 0, depth = 1;
  std::size_t count = 0;
  std::map<std::size_t, Symbol> parity;

  std::int64_t number(std::size_t index) const {
    return first + depth * static_cast<std::int64_t>(index);
  }
  /// The first packet and the one behind the last of the blocks that were made together.
  std::int64_t begin() const { return first - depth + 1; }
  std::int64_t end() const { return first + depth * static_cast<std::int64_t>(count) + depth; }
  bool covers(std::int64_t n) const {
    return n >= first && (n - first) % depth == 0 &&
           n < first + depth * static_cast<std::int64_t>(count);
  }
};

/// The packets of one sender, by numbers that do not wrap.
struct Stream {
  std::uint8_t id = 0;
  std::map<std::int64_t, Symbol> symbols;  ///< position and payload
  std::map<std::tuple<std::int64_t, std::int64_t, std::size_t>, Block> blocks;
  std::optional<std::int64_t> highest;  ///< of source packets and of those that blocks name
  std::optional<std::int64_t> next;     ///< nothing: not joined yet
  bool is_protected = false;            ///< its blocks have parity
  std::int64_t latest_block = 0;        ///< begin() of the latest
  bool from_start = false;              ///< `next` began at the sender's first packet
  int late = 0;                         ///< packets in a row that came too late
  std::uint64_t bytes = 0;
  std::uint64_t packets = 0;

  std::int64_t extend(std::uint16_t number) {
    if (!highest) return number + (std::int64_t{1} << 20);
    const auto low = static_cast<std::uint16_t>(*highest & 0xffff);
    return *highest + static_cast<std::int16_t>(static_cast<std::uint16_t>(number - low));
  }
  void add_symbol(std::int64_t number, Symbol symbol) {
    bytes += symbol.size() + kBookkeeping;
    symbols.emplace(number, std::move(symbol));
  }
};

bool begins_entry_point(const Symbol& symbol) {
  const auto head = read_unit_head(std::span(symbol).subspan(1));
  return symbol[0] == 0 && head && head->kind == static_cast<int>(RecordKind::header);
}

}  // namespace

struct PacketReceiver::State {
  explicit State(const ReceiverOptions& wanted) : options(wanted) {}

  void add(Stream& stream, const AnyPacket& packet);
  void repair(Stream& stream);
  void deliver(bool last);
  bool hopeless() const;
  void join();
  void give_up();
  void consume(const Symbol& symbol);
  void unit(int kind, std::span<const std::uint8_t> payload);
  void prune(Stream& stream);
  void gap();

  ReceiverOptions options;
  std::optional<Stream> stream, other;
  double now = 0;
  std::optional<double> missed_since;  ///< when the next packet was first missed
  bool in_step = false;                ///< `partial` ends where the next packet goes on
  bool missed_start = false;           ///< packets from before the first header were lost
  PacketBytes partial;                 ///< of a unit
  PacketBytes ready;
  PacketBytes header;  ///< of the first stream
  PacketBytes audio_info;
  unsigned frames = 0;  ///< records of frames that were handed out
  bool ended = false;
  std::string problem;
  ReceiverStats stats;
};

void PacketReceiver::State::add(Stream& to, const AnyPacket& packet) {
  to.packets += 1;
  if (packet.source) {
    const std::int64_t number = to.extend(packet.source->number);
    const bool late = to.next && number < *to.next;
    to.late = late ? to.late + 1 : 0;
    if (to.late >= kRejoinAfter) {
      const std::uint8_t id = to.id;
      to = Stream();
      to.id = id;
      gap();
      return;
    }
    if (late || to.symbols.contains(number)) {
      stats.duplicates += 1;
      return;
    }
    to.is_protected = packet.source->is_protected;
    // A sender counts from 0: where it just began, its first packet may still come or be recovered.
    const auto span = to.is_protected ? kLongestSpan : std::int64_t{options.reorder};
    if (!to.highest && packet.source->number <= span) {
      to.next = number - packet.source->number;
      // Who receives a protected stream only later has joined rather than lost its beginning.
      to.from_start = packet.source->number <= options.reorder;
    }
    to.highest = std::max(to.highest.value_or(number), number);
    Symbol symbol{packet.source->position};
    symbol.insert(symbol.end(), packet.source->payload.begin(), packet.source->payload.end());
    to.add_symbol(number, std::move(symbol));
  } else {
    const ParityPacket& parity = *packet.parity;
    const std::int64_t first = to.extend(parity.first);
    Block& block = to.blocks[{first, parity.depth, parity.count}];
    block.first = first;
    block.depth = parity.depth;
    block.count = parity.count;
    if (!to.highest) to.highest = first;
    Symbol symbol(parity.symbol.begin(), parity.symbol.end());
    const auto [at, added] = block.parity.emplace(parity.index, std::move(symbol));
    if (!added) {
      stats.duplicates += 1;
      return;
    }
    to.bytes += at->second.size() + kBookkeeping;
    to.is_protected = true;
    to.latest_block = std::max(to.latest_block, block.begin());
  }
  prune(to);
}

/// Recovers what can be recovered of the blocks.
void PacketReceiver::State::repair(Stream& from) {
  for (auto at = from.blocks.begin(); at != from.blocks.end();) {
    const Block& block = at->second;
    std::map<std::size_t, Symbol> there;
    for (std::size_t i = 0; i < block.count; ++i) {
      const auto found = from.symbols.find(block.number(i));
      if (found != from.symbols.end()) there.emplace(i, found->second);
    }
    const std::size_t missing = block.count - there.size();
    if (missing > block.parity.size()) {
      ++at;
      continue;
    }
    if (missing > 0) {
      auto found = recover(block.count, there, block.parity);
      for (auto& [index, symbol] : found.value_or(std::map<std::size_t, Symbol>())) {
        const std::int64_t number = block.number(index);
        if (symbol.empty() || (from.next && number < *from.next)) continue;
        from.highest = std::max(from.highest.value_or(number), number);
        from.add_symbol(number, std::move(symbol));
        stats.recovered += 1;
      }
    }
    for (const auto& [index, symbol] : block.parity) from.bytes -= symbol.size() + kBookkeeping;
    at = from.blocks.erase(at);
  }
}

/// Forgets what nothing can need, and the oldest where too much is kept.
void PacketReceiver::State::prune(Stream& of) {
  const std::int64_t oldest = of.next.value_or(*of.highest - kLongestSpan) - kLongestSpan;
  const auto drop_symbol = [&] {
    of.bytes -= of.symbols.begin()->second.size() + kBookkeeping;
    of.symbols.erase(of.symbols.begin());
  };
  const auto drop_block = [&] {
    for (const auto& [index, symbol] : of.blocks.begin()->second.parity) {
      of.bytes -= symbol.size() + kBookkeeping;
    }
    of.blocks.erase(of.blocks.begin());
  };
  while (!of.symbols.empty() && of.symbols.begin()->first < oldest) drop_symbol();
  while (!of.blocks.empty() && of.blocks.begin()->second.first < oldest) drop_block();
  while (of.blocks.size() > kMaxBlocks) drop_block();
  while (of.bytes > options.max_waiting && !(of.symbols.empty() && of.blocks.empty())) {
    of.blocks.empty() ? drop_symbol() : drop_block();
  }
}

void PacketReceiver::State::join() {
  for (const auto& [number, symbol] : stream->symbols) {
    if (!begins_entry_point(symbol)) continue;
    stream->next = number;
    stream->from_start = false;
    in_step = false;
    return;
  }
}

bool PacketReceiver::State::hopeless() const {
  const std::int64_t number = *stream->next, highest = *stream->highest;
  if (!stream->is_protected) {
    const bool late =
        options.patience > 0 && missed_since && now - *missed_since > options.patience;
    return late || highest - number >= options.reorder;
  }
  for (const auto& [key, block] : stream->blocks) {
    if (block.covers(number)) return highest >= block.end() + options.reorder;
  }
  return stream->latest_block > number || highest - number >= kLongestSpan + options.reorder;
}

void PacketReceiver::State::gap() {
  partial.clear();
  in_step = false;
  if (!header.empty()) {
    ready.push_back(kGap);
  } else if (stream && stream->from_start) {
    missed_start = true;
  }
}

/// The next packet will not come.
void PacketReceiver::State::give_up() {
  const auto after = stream->symbols.lower_bound(*stream->next);
  const std::int64_t to = after == stream->symbols.end() ? *stream->highest + 1 : after->first;
  stats.lost += static_cast<std::uint64_t>(std::max<std::int64_t>(to - *stream->next, 1));
  stream->next = std::max(to, *stream->next + 1);
  gap();
}

void PacketReceiver::State::deliver(bool last) {
  if (!stream || ended) return;
  repair(*stream);
  if (!stream->next) join();
  while (stream->next && !ended) {
    const auto found = stream->symbols.find(*stream->next);
    if (found != stream->symbols.end()) {
      missed_since.reset();
      consume(found->second);
      ++*stream->next;
      continue;
    }
    if (*stream->next > *stream->highest) return;  // all that came is taken
    if (!missed_since) missed_since = now;
    if (!last && !hopeless()) return;
    missed_since.reset();
    give_up();
  }
}

/// A packet in its turn.
void PacketReceiver::State::consume(const Symbol& symbol) {
  auto payload = std::span<const std::uint8_t>(symbol).subspan(1);
  const std::uint8_t position = symbol[0];
  if (!in_step) {
    if (position == kNoPosition || position > payload.size()) return;
    payload = payload.subspan(position);
    in_step = true;
  }
  partial.insert(partial.end(), payload.begin(), payload.end());
  std::size_t at = 0;
  while (at < partial.size() && !ended) {
    const auto rest = std::span<const std::uint8_t>(partial).subspan(at);
    const auto head = read_unit_head(rest);
    if (!head) break;
    if (head->kind == 0 && head->length > 0) {  // no unit begins like this
      gap();
      return;
    }
    if (rest.size() - head->size < head->length) break;
    if (head->kind != 0) unit(head->kind, rest.subspan(head->size, head->length));
    at += head->size + head->length;
  }
  partial.erase(partial.begin(), partial.begin() + static_cast<std::ptrdiff_t>(at));
}

void PacketReceiver::State::unit(int kind, std::span<const std::uint8_t> payload) {
  const auto which = kind == kFramesUnit ? RecordKind::frame : static_cast<RecordKind>(kind);
  const auto repeats = [&](PacketBytes& known) {
    if (std::equal(known.begin(), known.end(), payload.begin(), payload.end())) return true;
    known.assign(payload.begin(), payload.end());
    return false;
  };
  if (which == RecordKind::header) {
    if (!header.empty() &&
        !std::equal(header.begin(), header.end(), payload.begin(), payload.end())) {
      problem =
          "The sender began another stream, of other pictures; decode it to a file of its own.";
      ended = true;
      return;
    }
    if (repeats(header)) return;
  }
  if (header.empty()) return;  // what a receiver that joins cannot use
  if (which == RecordKind::audio_info && repeats(audio_info)) return;
  // Records of frames are numbered anew: what is missing is said by gap().
  const auto record = frame_record(which, std::string(payload.begin(), payload.end()), frames);
  if (which == RecordKind::frame) ++frames;
  ready.insert(ready.end(), record.begin(), record.end());
  if (std::exchange(missed_start, false)) ready.push_back(kGap);
  ended = which == RecordKind::end;
}

PacketReceiver::PacketReceiver(const ReceiverOptions& options)
    : state_(std::make_unique<State>(options)) {}
PacketReceiver::~PacketReceiver() = default;

void PacketReceiver::push(std::span<const std::uint8_t> bytes, double now) {
  State& my = *state_;
  my.now = now;
  const AnyPacket packet = read_packet(bytes);
  if (!packet.source && !packet.parity) {
    my.stats.damaged += 1;
    return;
  }
  const std::uint8_t id = packet.source ? packet.source->stream : packet.parity->stream;
  if (!my.stream) {
    my.stream.emplace();
    my.stream->id = id;
  }
  if (id == my.stream->id) {
    my.stats.received += 1;
    my.stats.parities += packet.parity ? 1 : 0;
    my.other.reset();
    my.add(*my.stream, packet);
  } else {
    my.stats.foreign += 1;
    if (!my.other || my.other->id != id) {
      my.other.emplace();
      my.other->id = id;
    }
    my.add(*my.other, packet);
    // Nothing of this stream came in the meantime: its sender was started again.
    if (my.other->packets >= kSwitchAfter && !my.ended) {
      my.deliver(true);
      my.gap();
      my.stats.restarts += 1;
      my.stats.foreign -= my.other->packets;
      my.stats.received += my.other->packets;
      my.stream = std::move(my.other);
      my.other.reset();
      my.missed_since.reset();
    }
  }
  my.deliver(false);
}

void PacketReceiver::tick(double now) {
  state_->now = now;
  state_->deliver(false);
}

void PacketReceiver::finish() { state_->deliver(true); }

std::vector<std::uint8_t> PacketReceiver::take() { return std::exchange(state_->ready, {}); }
bool PacketReceiver::ended() const { return state_->ended; }
const std::string& PacketReceiver::problem() const { return state_->problem; }
const ReceiverStats& PacketReceiver::stats() const { return state_->stats; }

}  // namespace semcodec
