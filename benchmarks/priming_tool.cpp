// EXPERIMENT
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include "benchmarks/plane_file.h"
#include "common/app/run_main.h"
#include "common/entropy/priming.h"
using namespace semcodec;
int main(int argc, char** argv) {
  CLI::App app{"x"};
  std::vector<std::string> prime, eval;
  entropy::Softness soft;
  app.add_option("--prime", prime);
  app.add_option("--eval", eval);
  app.add_option("--slots", soft.slots);
  app.add_option("--hist", soft.histories);
  app.add_option("--ages", soft.ages);
  int limit = 100000;
  app.add_option("--limit", limit);
  return run_main(app, argc, argv, [&] {
    std::vector<entropy::PrimingSequence> seqs;
    for (auto spec : prime) {
      int start = 0, count = 8;
      auto c = spec.find(':');
      if (c != std::string::npos) {
        sscanf(spec.c_str() + c, ":%d:%d", &start, &count);
        spec.resize(c);
      }
      auto s = bench::read_planes(spec);
      entropy::PrimingSequence q{s.work_width, s.work_height, {}};
      for (int i = start; i < std::min<int>(start + count, static_cast<int>(s.frames.size()));
           ++i) {
        q.frames.push_back(s.frames[static_cast<std::size_t>(i)]);
        if (i == start) {
          q.frames.back().entry_point = true;
          q.frames.back().motion = {};
        }
      }
      seqs.push_back(q);
    }
    {
      entropy::Coders c;
      EncodeStats all;
      for (auto& q : seqs) {
        entropy::Model m(q.work_width, q.work_height, nullptr);
        m.coders() = c;
        entropy::BinaryCoder k(entropy::BinaryCoder::Mode::measure);
        for (auto f : q.frames) all += m.code(k, f);
        c = m.coders();
      }
      std::printf("priming: %.0f bytes\n", static_cast<double>(all.total()) / 2048);
    }
    const entropy::Coders coders = entropy::learn(seqs, soft);
    EncodeStats sum;
    for (auto& e : eval) {
      auto s = bench::read_planes(e);
      entropy::Model m(s.work_width, s.work_height, &coders);
      EncodeStats all;
      std::uint64_t n = 0;
      for (auto f : s.frames) {
        if (static_cast<int>(n) >= limit) break;
        entropy::BinaryCoder k(entropy::BinaryCoder::Mode::measure);
        all += m.code(k, f);
        ++n;
      }
      auto b = [](std::uint64_t v) { return static_cast<unsigned long long>(v / 256); };
      std::printf(
          "%-30s %5llu anchors %8llu: motion %7llu palette %6llu structure %7llu labels %7llu "
          "texture %7llu\n",
          s.name.c_str(), static_cast<unsigned long long>(n), b(all.total()), b(all.motion),
          b(all.palette), b(all.structure), b(all.labels), b(all.texture));
      sum += all;
    }
    auto b = [](std::uint64_t v) { return static_cast<unsigned long long>(v / 256); };
    std::printf(
        "%-30s %5s anchors %8llu: motion %7llu palette %6llu structure %7llu labels %7llu texture "
        "%7llu\n",
        "SUM", "", b(sum.total()), b(sum.motion), b(sum.palette), b(sum.structure), b(sum.labels),
        b(sum.texture));
  });
}
