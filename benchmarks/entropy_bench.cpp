// What the map coder spends on planes and how fast it is, beside other lossless coders.
//
//   entropy_bench [--repeats N] [--stills N] FILE...   .sem streams or plane dumps (plane_file.h)
//   entropy_bench --only-ours FILE...                  without the other coders
//   entropy_bench --dump FOLDER FILE...                writes the planes of streams into a folder
//
// The others get bare planes of 8 bits a value; texture channels and dx, dy are stacked. The size
// of their files counts as it is, but video codecs count without a container.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "benchmarks/our_coder.h"
#include "benchmarks/plane_file.h"
#include "benchmarks/rival_codecs.h"
#include "benchmarks/scratch_folder.h"
#include "common/app/run_main.h"
#include "common/core/error.h"

namespace {

using namespace semcodec;

void print_ours(const bench::PlaneSequence& sequence, const bench::OurResult& r) {
  const auto bits = [](std::uint64_t cost) {
    return static_cast<unsigned long long>(cost / kStatsUnitsPerBit);
  };
  const double symbols = static_cast<double>(r.symbols);
  std::printf(
      "%-28s %5zu coded frames %8llu bits: motion %7llu palette %6llu structure %7llu labels "
      "%7llu texture %7llu; %.2f / %.2f M symbols/s\n",
      sequence.name.c_str(), sequence.frames.size(), bits(r.cost.total()), bits(r.cost.motion),
      bits(r.cost.palette), bits(r.cost.structure), bits(r.cost.labels), bits(r.cost.texture),
      symbols / r.encode_seconds / 1e6, symbols / r.decode_seconds / 1e6);
}

/// The planes of one kind, or a series without planes when there are none or they change their
/// size.
bench::PlaneSeries series_of(const bench::PlaneSequence& sequence, const std::string& kind) {
  bench::PlaneSeries series;
  series.kind = kind;
  const auto add = [&](int width, int height, const std::vector<std::uint8_t>& values) {
    if (values.empty() || height < 0) return;
    if (series.height == 0) {
      series.width = width;
      series.height = height;
    }
    if (series.width != width || series.height != height) height = series.height = -1;
    series.planes.push_back(values);
  };
  const auto beyond_a_byte = [](int v) { return v < -128 || v > 127; };
  bool wide = false;
  for (const SemanticFrame& frame : sequence.frames) {
    for (const auto* part : {&frame.motion.dx, &frame.motion.dy}) {
      wide = wide || std::any_of(part->begin(), part->end(), beyond_a_byte);
    }
  }
  for (const SemanticFrame& frame : sequence.frames) {
    std::vector<std::uint8_t> values;
    if (kind == "structure") {
      add(frame.structure.width, frame.structure.height, frame.structure.values);
    } else if (kind == "labels") {
      add(frame.labels.width, frame.labels.height, frame.labels.values);
    } else if (kind == "texture" && !frame.texture.empty()) {
      for (const Plane& plane : frame.texture) {
        values.insert(values.end(), plane.values.begin(), plane.values.end());
      }
      const Plane& first = frame.texture.front();
      add(first.width, first.height * static_cast<int>(frame.texture.size()), values);
    } else if (kind == "motion") {
      for (const auto* part : {&frame.motion.dx, &frame.motion.dy}) {
        for (const int v : *part) values.push_back(static_cast<std::uint8_t>(v + 128));
      }
      if (wide) {  // the high bytes, in planes of their own
        for (const auto* part : {&frame.motion.dx, &frame.motion.dy}) {
          for (const int v : *part) values.push_back(static_cast<std::uint8_t>((v + 1152) >> 8));
        }
      }
      add(frame.motion.width, frame.motion.height * (wide ? 4 : 2), values);
    }
  }
  if (series.height < 0) series.planes.clear();
  return series;
}

struct Figure {
  double bits = 0.0;      ///< a plane
  double best_still = 0;  ///< of the others, 0 = none
  double best = 0;
};

/// One row a coder; "-" where it failed or has nothing to do.
void print_rivals(const bench::PlaneSequence& sequence, const bench::OurResult& ours, int stills,
                  const std::string& folder) {
  const std::vector<std::string> kinds = {"structure", "labels", "texture", "motion"};
  const std::map<std::string, std::uint64_t> costs = {{"structure", ours.cost.structure},
                                                      {"labels", ours.cost.labels},
                                                      {"texture", ours.cost.texture},
                                                      {"motion", ours.cost.motion}};
  std::map<std::string, Figure> figures;
  std::vector<bench::PlaneSeries> all;
  for (const std::string& kind : kinds) {
    all.push_back(series_of(sequence, kind));
    const auto count = static_cast<double>(all.back().planes.size());
    if (count > 0) {
      figures[kind].bits = static_cast<double>(costs.at(kind)) / kStatsUnitsPerBit / count;
    }
  }
  std::printf("  %-22s", "bits a plane");
  for (const std::string& kind : kinds) std::printf("%12s", kind.c_str());
  std::printf("\n  %-22s", "semcodec");
  for (const std::string& kind : kinds) std::printf("%12.0f", figures[kind].bits);
  std::printf("\n");
  for (const bench::Rival& rival : bench::rivals()) {
    if (!rival.unfit.empty() || !bench::installed(rival.program)) {
      std::printf("  %-22s %s\n", rival.name.c_str(),
                  rival.unfit.empty() ? (rival.program + " is not installed").c_str()
                                      : rival.unfit.c_str());
      continue;
    }
    std::printf("  %-22s", rival.name.c_str());
    for (const bench::PlaneSeries& series : all) {
      const auto bits = series.planes.empty() ? std::optional<double>()
                                              : bench::bits_a_plane(rival, series, stills, folder);
      if (!bits) {
        std::printf("%12s", "-");
        continue;
      }
      std::printf("%12.0f", *bits);
      Figure& figure = figures[series.kind];
      const auto lower = [&](double& best) { best = best == 0 ? *bits : std::min(best, *bits); };
      lower(figure.best);
      if (rival.type == bench::RivalClass::still) lower(figure.best_still);
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  for (const bool still : {true, false}) {
    std::printf("  %-22s", still ? "ours / best still" : "ours / best");
    for (const std::string& kind : kinds) {
      const double best = still ? figures[kind].best_still : figures[kind].best;
      if (best > 0) {
        std::printf("%12.2f", figures[kind].bits / best);
      } else {
        std::printf("%12s", "-");
      }
    }
    std::printf("\n");
  }
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
  int stills = 6;
  bool only_ours = false;
  app.add_option("inputs", inputs, ".sem streams, plane dumps, or folders of them")->required();
  app.add_option("--dump", dump, "Write the planes into this folder and stop");
  app.add_option("--repeats", repeats, "Runs of our coder; the fastest counts")
      ->check(CLI::Range(1, 1000));
  app.add_option("--stills", stills, "Planes of a kind that still codecs are tried on")
      ->check(CLI::Range(1, 1000));
  app.add_flag("--only-ours", only_ours, "Leave the other coders out");
  return run_main(app, argc, argv, [&] {
    const ScratchFolder scratch;
    for (const std::string& file : all_files(inputs)) {
      const bench::PlaneSequence sequence = bench::read_planes(file);
      if (!dump.empty()) {
        const auto to = std::filesystem::path(dump) / (sequence.name + ".planes");
        bench::write_planes(to.string(), sequence);
        continue;
      }
      const bench::OurResult ours = bench::run_our_coder(sequence, repeats);
      print_ours(sequence, ours);
      if (!only_ours) print_rivals(sequence, ours, stills, scratch.path());
    }
  });
}
