// Makes common/entropy/base_pretrained.bin out of the base pictures of real streams, and says what
// coding their headers is worth.
//
//   make_base_pretrained [--out FILE] [--count N] [--eval STREAM.sem]... STREAM.sem...
//
// The headers of each stream's first N base pictures are taken. With --eval the sizes of other
// streams' base pictures are printed, as AV1 has them and as the built-in data would pack them;
// those should not be streams that it was made from.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "common/app/run_main.h"
#include "common/core/error.h"
#include "common/entropy/base_unit_coder.h"
#include "semcodec/stream_reader.h"

namespace {

using namespace semcodec;

/// The base pictures of a stream to its second entry point, at most `most` of them.
entropy::BaseUnits units_of(const std::string& stream, std::size_t most) {
  StreamReader reader(stream);
  entropy::BaseUnits units;
  while (auto item = reader.next()) {
    const SemanticFrame* frame = item->frame();
    if (frame == nullptr || !frame->base) continue;
    if ((frame->entry_point && !units.empty()) || units.size() >= most) break;
    units.push_back(frame->base->bytes);
  }
  require(!units.empty(), ErrorKind::input, stream + " has no base pictures.");
  return units;
}

void evaluate(const std::string& stream) {
  entropy::BaseUnitCoder coder;
  std::size_t plain = 0, packed = 0;
  const auto units = units_of(stream, 10000);
  for (const auto& unit : units) {
    plain += unit.size();
    packed += coder.pack(unit).size();
  }
  std::printf("%s: %zu base pictures, %zu bytes, packed %zu (%.1f %%)\n", stream.c_str(),
              units.size(), plain, packed,
              100.0 * static_cast<double>(packed) / static_cast<double>(plain) - 100);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Makes the headers that the coder of base pictures is primed with."};
  std::string out;
  std::size_t count = 40;
  std::vector<std::string> streams, others;
  app.add_option("streams", streams, "Streams of training clips");
  app.add_option("--out", out, "Write the data here");
  app.add_option("--count", count, "Base pictures of a stream");
  app.add_option("--eval", others, "Print what the built-in data saves on these streams");
  return run_main(app, argc, argv, [&] {
    std::vector<entropy::BaseUnits> videos;
    for (const std::string& stream : streams) videos.push_back(units_of(stream, count));
    if (!out.empty()) {
      const auto bytes = entropy::make_base_priming(videos);
      std::printf("%zu streams, %zu bytes\n", videos.size(), bytes.size());
      std::ofstream file(out, std::ios::binary);
      file.write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
      file.close();
      require(file.good(), ErrorKind::output, out + " could not be written.");
    }
    for (const std::string& stream : others) evaluate(stream);
  });
}
