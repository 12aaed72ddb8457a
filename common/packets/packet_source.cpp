#include "common/packets/packet_source.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace semcodec {
namespace {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

PacketSource::PacketSource(std::unique_ptr<PacketInput> input, const ReceiverOptions& options,
                           std::function<bool()> cancelled)
    : input_(std::move(input)), receiver_(options), cancelled_(std::move(cancelled)) {}

std::size_t PacketSource::read(std::span<std::uint8_t> to) {
  constexpr std::chrono::milliseconds kTick(100);
  while (taken_ == ready_.size() && !ended_) {
    PacketBytes packet;
    const auto state = input_->receive(packet, kTick);
    if (state == PacketInput::State::packet) receiver_.push(packet, steady_seconds());
    if (state == PacketInput::State::nothing) receiver_.tick(steady_seconds());
    const bool over = state == PacketInput::State::end || (cancelled_ && cancelled_());
    if (over) receiver_.finish();
    ended_ = over || receiver_.ended();
    ready_ = receiver_.take();
    taken_ = 0;
  }
  const std::size_t count = std::min(to.size(), ready_.size() - taken_);
  std::copy_n(ready_.begin() + static_cast<std::ptrdiff_t>(taken_), count, to.begin());
  taken_ += count;
  return count;
}

std::string describe(const ReceiverStats& stats) {
  std::string text = std::to_string(stats.received) + " packets, " + std::to_string(stats.lost) +
                     " lost, " + std::to_string(stats.recovered) + " recovered";
  const std::pair<std::uint64_t, const char*> others[] = {
      {stats.damaged, "damaged"},
      {stats.duplicates, "twice or too late"},
      {stats.foreign, "of other streams"},
      {stats.restarts, "restarts of the sender"}};
  for (const auto& [count, name] : others) {
    if (count > 0) text += ", " + std::to_string(count) + " " + name;
  }
  return text;
}

}  // namespace semcodec
