// Makes common/entropy/pretrained.bin out of real planes, and says what it is worth.
//
//   make_pretrained [--out FILE] [--eval FILE...] CLIP[:START:COUNT]...
//
// A clip is a .sem stream or a plane dump; COUNT coded frames from START on (default 4:3) are
// taken, as if the stream began there. With --eval, the costs of other clips' first coded frames
// are printed without and with the pretraining; those should not be clips that it was made from.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "benchmarks/plane_file.h"
#include "common/app/run_main.h"
#include "common/core/error.h"
#include "common/entropy/pretrained.h"

namespace {

using namespace semcodec;

entropy::PretrainingSequence take(std::string clip) {
  int start = 4;
  int count = 3;
  if (const auto colon = clip.find(':'); colon != std::string::npos) {
    require(std::sscanf(clip.c_str() + colon, ":%d:%d", &start, &count) == 2 && start >= 0,
            ErrorKind::usage, clip + " should be CLIP:START:COUNT.");
    clip.resize(colon);
  }
  const bench::PlaneSequence planes = bench::read_planes(clip);
  entropy::PretrainingSequence out{planes.coded_width, planes.coded_height, {}};
  for (int i = start; i < start + count; ++i) {
    require(i < static_cast<int>(planes.frames.size()), ErrorKind::input,
            clip + " has only " + std::to_string(planes.frames.size()) + " coded frames.");
    out.frames.push_back(planes.frames[static_cast<std::size_t>(i)]);
    SemanticFrame& frame = out.frames.back();
    frame.entry_point = i == start;
    if (frame.entry_point) frame.motion = {};
  }
  return out;
}

EncodeStats cost_of(const bench::PlaneSequence& planes, const entropy::Coders& start,
                    int coded_frames) {
  entropy::Model model(planes.coded_width, planes.coded_height, &start);
  EncodeStats sum;
  for (std::size_t i = 0; i < planes.frames.size() && static_cast<int>(i) < coded_frames; ++i) {
    entropy::BinaryCoder coder(entropy::BinaryCoder::Mode::measure);
    SemanticFrame frame = planes.frames[i];
    sum += model.code(coder, frame);
  }
  return sum;
}

void evaluate(const std::vector<std::string>& clips, const entropy::Coders& primed) {
  const entropy::Coders cold;
  for (const int coded_frames : {1, 4, 12, 30}) {
    EncodeStats without, with;
    for (const std::string& clip : clips) {
      const bench::PlaneSequence planes = bench::read_planes(clip);
      without += cost_of(planes, cold, coded_frames);
      with += cost_of(planes, primed, coded_frames);
    }
    const auto saved = [](std::uint64_t before, std::uint64_t after) {
      return before == 0 ? 0.0
                         : 100.0 - 100.0 * static_cast<double>(after) / static_cast<double>(before);
    };
    std::printf(
        "first %2d coded frames: %8llu bits before; saves %.1f %% (motion %.1f, palette %.1f, "
        "structure %.1f, labels %.1f, texture %.1f)\n",
        coded_frames, static_cast<unsigned long long>(without.total() / kStatsUnitsPerBit),
        saved(without.total(), with.total()), saved(without.motion, with.motion),
        saved(without.palette, with.palette), saved(without.structure, with.structure),
        saved(without.labels, with.labels), saved(without.texture, with.texture));
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Makes the planes that the map coder is primed with."};
  std::vector<std::string> clips, evals;
  std::string out;
  app.add_option("clips", clips, "CLIP[:START:COUNT]...")->required();
  app.add_option("--out", out, "Write the pretraining data here");
  app.add_option("--eval", evals, "Print what it saves on these clips");
  return run_main(app, argc, argv, [&] {
    std::vector<entropy::PretrainingSequence> sequences;
    for (const std::string& clip : clips) sequences.push_back(take(clip));
    const std::vector<std::uint8_t> bytes = entropy::write_pretraining(sequences);
    std::printf("%zu sequences, %zu bytes\n", sequences.size(), bytes.size());
    if (!evals.empty()) evaluate(evals, entropy::read_pretraining(bytes).coders);
    if (out.empty()) return;
    std::ofstream file(out, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    file.close();
    require(file.good(), ErrorKind::output, out + " could not be written.");
  });
}
