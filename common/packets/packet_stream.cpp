#include "common/packets/packet_stream.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "common/bitstream/record_scanner.h"
#include "common/core/error.h"
#include "common/packets/pacer.h"

namespace semcodec {
namespace {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Another one each time a sender starts, so that receivers notice.
std::uint8_t new_stream_id() { return static_cast<std::uint8_t>(std::random_device()() & 255); }

}  // namespace

struct PacketStream::State {
  State(const PacketStreamOptions& wanted, Sink sink)
      : options(wanted),
        live(wanted.link.scheme != "file"),
        extra(transport_bytes(wanted.link)),
        output(live ? open_packet_output(wanted.link) : packets_into(std::move(sink))),
        sender(wanted.packets, new_stream_id(),
               [this](std::span<const std::uint8_t> packet, double seconds) {
                 send(packet, seconds);
               }) {
    if (live && options.max_rate) pacer = make_pacer(*options.max_rate);
  }

  std::unique_ptr<Pacer> make_pacer(double rate) {
    return std::make_unique<Pacer>(rate, options.window, options.packets.size + extra,
                                   steady_seconds, [this](double seconds) { sleep(seconds); });
  }

  bool cancelled() const { return options.cancelled && options.cancelled(); }

  void sleep(double seconds) const {
    const double until = steady_seconds() + seconds;
    while (!cancelled()) {
      const double left = until - steady_seconds();
      if (left <= 0) return;
      std::this_thread::sleep_for(std::chrono::duration<double>(std::min(left, 0.1)));
    }
  }

  void send(std::span<const std::uint8_t> packet, double seconds) {
    if (live) {
      if (!start) start = steady_seconds() - seconds;
      sleep(*start + seconds - steady_seconds());
      {
        const std::lock_guard<std::mutex> lock(mutex);
        if (next_pacer) pacer = std::move(next_pacer);
      }
      if (pacer) pacer->wait(packet.size() + extra);
    }
    wire_bytes += packet.size() + extra;
    output->send(packet);
  }

  PacketStreamOptions options;
  bool live;
  std::size_t extra;  ///< bytes that the link adds to each packet
  std::unique_ptr<PacketOutput> output;
  PacketSender sender;
  std::unique_ptr<Pacer> pacer;
  std::mutex mutex;
  std::unique_ptr<Pacer> next_pacer;  ///< see set_max_rate()
  std::optional<double> start;        ///< clock at the video's time 0
  std::uint64_t wire_bytes = 0;
  std::vector<std::uint8_t> partial;  ///< of a record
};

PacketStream::PacketStream(const PacketStreamOptions& options, Sink sink)
    : state_(std::make_unique<State>(options, std::move(sink))) {}
PacketStream::~PacketStream() = default;

void PacketStream::write(std::span<const std::uint8_t> bytes) {
  auto& partial = state_->partial;
  partial.insert(partial.end(), bytes.begin(), bytes.end());
  std::size_t at = 0;
  while (at < partial.size()) {
    const auto rest = std::span<const std::uint8_t>(partial).subspan(at);
    const RecordExtent extent = record_extent(rest);
    require(extent.state != RecordExtent::State::invalid, ErrorKind::internal,
            "What should become packets is no stream.");
    if (extent.state != RecordExtent::State::whole) break;
    state_->sender.write(rest.first(extent.total));
    at += extent.total;
  }
  partial.erase(partial.begin(), partial.begin() + static_cast<std::ptrdiff_t>(at));
}

void PacketStream::finish() { state_->sender.finish(); }

void PacketStream::set_max_rate(double bits_per_second) {
  auto pacer = state_->make_pacer(bits_per_second);
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->next_pacer = std::move(pacer);
}

const PacketStats& PacketStream::stats() const { return state_->sender.stats(); }

std::string PacketStream::summary() const {
  const PacketStats& stats = state_->sender.stats();
  const double more = stats.record_bytes > 0
                          ? 100.0 * (static_cast<double>(state_->wire_bytes) /
                                         static_cast<double>(stats.record_bytes) -
                                     1)
                          : 0.0;
  char text[160];
  std::snprintf(
      text, sizeof text,
      "%llu packets, %llu of them parity; %llu bytes on the wire, %.1f %% more than the stream.",
      static_cast<unsigned long long>(stats.packets),
      static_cast<unsigned long long>(stats.parities),
      static_cast<unsigned long long>(state_->wire_bytes), more);
  std::string out = text;
  if (stats.parities > 0) {
    std::snprintf(text, sizeof text,
                  " Forward error correction adds up to %.1f s to the latency of what is lost.",
                  stats.longest_block);
    out += text;
  }
  if (state_->pacer && state_->pacer->longest_wait() > 0) {
    std::snprintf(text, sizeof text, " A packet waited up to %.2f s for the link.",
                  state_->pacer->longest_wait());
    out += text;
  }
  return out;
}

}  // namespace semcodec
