// What the map coder spends on planes and how fast it is, beside other lossless coders.
//
//   entropy_bench [--repeats N] FILE...        .sem streams or plane dumps
//   (benchmarks/plane_file.h) entropy_bench --dump FOLDER FILE...        writes the planes of
//   streams into a folder

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "benchmarks/our_coder.h"
#include "benchmarks/plane_file.h"
#include "common/app/run_main.h"

namespace {

using namespace semcodec;

void print_ours(const bench::PlaneSequence& sequence, const bench::OurResult& r) {
  const auto bits = [](std::uint64_t cost) {
    return static_cast<unsigned long long>(cost / kStatsUnitsPerBit);
  };
  const double symbols = static_cast<double>(r.symbols);
  std::printf(
      "%-28s %5zu anchors %8llu bits: motion %7llu palette %6llu structure %7llu labels "
      "%7llu texture %7llu; %.2f / %.2f M symbols/s\n",
      sequence.name.c_str(), sequence.frames.size(), bits(r.cost.total()), bits(r.cost.motion),
      bits(r.cost.palette), bits(r.cost.structure), bits(r.cost.labels), bits(r.cost.texture),
      symbols / r.encode_seconds / 1e6, symbols / r.decode_seconds / 1e6);
}

/// Folders stand for the files in them.
std::vector<std::string> all_files(const std::vector<std::string>& inputs) {
  std::vector<std::string> files;
  for (const std::string& input : inputs) {
    if (!std::filesystem::is_directory(input)) {
      files.push_back(input);
      continue;
    }
    std::vector<std::string> inside;
    for (const auto& entry : std::filesystem::directory_iterator(input)) {
      if (entry.is_regular_file()) inside.push_back(entry.path().string());
    }
    std::sort(inside.begin(), inside.end());
    files.insert(files.end(), inside.begin(), inside.end());
  }
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Compares the map coder with other lossless coders on real planes."};
  std::vector<std::string> inputs;
  std::string dump;
  int repeats = 3;
  app.add_option("inputs", inputs, ".sem streams, plane dumps, or folders of them")->required();
  app.add_option("--dump", dump, "Write the planes into this folder and stop");
  app.add_option("--repeats", repeats, "Runs of our coder; the fastest counts")
      ->check(CLI::Range(1, 1000));
  return run_main(app, argc, argv, [&] {
    for (const std::string& file : all_files(inputs)) {
      const bench::PlaneSequence sequence = bench::read_planes(file);
      if (!dump.empty()) {
        const auto to = std::filesystem::path(dump) / (sequence.name + ".planes");
        bench::write_planes(to.string(), sequence);
        continue;
      }
      print_ours(sequence, bench::run_our_coder(sequence, repeats));
    }
  });
}
