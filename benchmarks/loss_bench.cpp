// How many frames of a file of packets come through bad links: loss patterns by many seeds, packets
// put together, streams read; no picture is generated, so hundreds of links take seconds.
//
//   loss_bench FILE.pkt [RUNS]
//
// Losses are Gilbert-Elliott's: in the bad state every packet is lost, with bursts of the mean
// length given; 1 = independent.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "common/core/error.h"
#include "common/packets/packet_source.h"
#include "semcodec/stream_reader.h"

namespace {

using namespace semcodec;

struct Outcome {
  std::uint64_t frames = 0;     ///< shown
  std::uint64_t concealed = 0;  ///< of these
  double longest_gap = 0;       ///< seconds between two frames
  std::uint64_t lost = 0;       ///< packets, for good
};

Outcome receive(const std::vector<PacketBytes>& packets) {
  PacketReceiver receiver;
  std::vector<std::uint8_t> stream;
  for (const PacketBytes& packet : packets) receiver.push(packet);
  receiver.finish();
  stream = receiver.take();
  Outcome out;
  out.lost = receiver.stats().lost;
  try {
    std::size_t at = 0;
    StreamReader::Options options;
    options.fill_gaps = true;  // as the decoder has it
    StreamReader reader(
        [&](std::span<std::uint8_t> to) {
          const std::size_t count = std::min(to.size(), stream.size() - at);
          std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(at), count, to.begin());
          at += count;
          return count;
        },
        "packets", options);
    const double unit =
        static_cast<double>(reader.info().time_base_num) / reader.info().time_base_den;
    double before = 0;
    const auto show = [&](std::int64_t pts) {
      const double seconds = static_cast<double>(pts) * unit;
      out.longest_gap = std::max(out.longest_gap, seconds - before);
      before = seconds;
      ++out.frames;
    };
    while (const auto item = reader.next()) {
      if (item->frame() == nullptr) continue;
      for (const std::int64_t pts : item->frame()->interpolated_pts) show(pts);
      show(item->frame()->pts);
    }
    out.concealed = reader.concealed_frames();
  } catch (const Error&) {  // not even a header came through
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: %s FILE.pkt [RUNS]\n", argv[0]);
    return 2;
  }
  try {
    const auto input = open_packet_input(argv[1]);
    const int runs = argc > 2 ? std::max(1, std::atoi(argv[2])) : 60;
    std::vector<PacketBytes> all;
    for (PacketBytes packet;
         input->receive(packet, std::chrono::milliseconds(1000)) == PacketInput::State::packet;) {
      all.push_back(packet);
    }
    const Outcome whole = receive(all);
    std::printf("%zu packets, %llu frames, %d runs\n", all.size(),
                static_cast<unsigned long long>(whole.frames), runs);
    std::printf(
        "  loss  bursts  runs whole  as sent   frames  concealed   longest gap: mean, worst\n");
    for (const double burst : {1.0, 5.0}) {
      for (const double loss : {0.01, 0.03, 0.05, 0.1, 0.2}) {
        int complete = 0, as_sent = 0;
        double frames = 0, concealed = 0, gap = 0, worst = 0;
        for (int run = 1; run <= runs; ++run) {
          std::mt19937 engine(static_cast<unsigned>(run));
          std::uniform_real_distribution<double> draw;
          const double leave = burst > 1 ? 1 / burst : 1 - loss;
          const double enter = leave * loss / (1 - loss);
          bool bad = false;
          std::vector<PacketBytes> kept;
          for (const PacketBytes& packet : all) {
            bad = bad ? draw(engine) >= leave : draw(engine) < enter;
            if (!bad) kept.push_back(packet);
          }
          const Outcome outcome = receive(kept);
          const bool all_shown = outcome.frames >= whole.frames;
          complete += all_shown ? 1 : 0;
          as_sent += all_shown && outcome.concealed == 0 ? 1 : 0;
          concealed += static_cast<double>(outcome.concealed) / static_cast<double>(whole.frames);
          frames += static_cast<double>(outcome.frames) / static_cast<double>(whole.frames);
          gap += outcome.longest_gap;
          worst = std::max(worst, outcome.longest_gap);
        }
        std::printf("  %3.0f %%  %6.0f  %10d  %7d  %5.1f %%  %7.1f %%  %8.2f s, %.2f s\n",
                    100 * loss, burst, complete, as_sent, 100 * frames / runs,
                    100 * concealed / runs, gap / runs, worst);
      }
    }
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.exit_code();
  }
  return 0;
}
