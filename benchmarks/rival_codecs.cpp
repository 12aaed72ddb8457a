#include "benchmarks/rival_codecs.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace semcodec::bench {
namespace {

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

void write_bytes(std::ofstream& file, const std::vector<std::uint8_t>& bytes) {
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

/// The size in bits of what the command makes of the input, or nothing.
std::optional<double> run(const Rival& rival, const PlaneSeries& series, const std::string& in,
                          const std::string& out) {
  std::filesystem::remove(out);
  std::string command = replaced(rival.command, "{in}", "'" + in + "'");
  command = replaced(command, "{out}", "'" + out + "'");
  command = replaced(command, "{w}", std::to_string(series.width));
  command = replaced(command, "{h}", std::to_string(series.height));
  const bool good = std::system(("( " + command + " ) >/dev/null 2>&1 </dev/null").c_str()) == 0;
  std::error_code error;
  const auto size = std::filesystem::file_size(out, error);
  if (!good || error || size == 0) return std::nullopt;
  return 8.0 * static_cast<double>(size);
}

// Raw grey video in, bare packets out.
std::string ffmpeg(const std::string& options) {
  return "ffmpeg -nostdin -y -v error -f rawvideo -pix_fmt gray -s {w}x{h} -r 5 -i {in} " +
         options + " -f data -map 0:v {out}";
}

}  // namespace

const std::vector<Rival>& rivals() {
  const std::string to_png = "ffmpeg -nostdin -y -v error -i {in} -pix_fmt gray {in}.png";
  static const std::vector<Rival> list = {
      {"PNG (zopflipng)", RivalClass::still, "zopflipng",
       to_png + " && zopflipng -y {in}.png {out}", ""},
      {"WebP lossless", RivalClass::still, "cwebp",
       to_png + " && cwebp -quiet -lossless -z 9 -m 6 {in}.png -o {out}", ""},
      {"JPEG XL modular e9", RivalClass::still, "cjxl",
       to_png + " && cjxl {in}.png {out} -d 0 -e 9 -m 1 --quiet", ""},
      {"FFV1", RivalClass::video, "ffmpeg",
       ffmpeg("-c:v ffv1 -level 3 -coder 2 -context 1 -g 99999 -slices 4 -slicecrc 0"), ""},
      {"x264 lossless", RivalClass::video, "ffmpeg",
       ffmpeg("-c:v libx264 -pix_fmt gray -qp 0 -preset placebo -g 99999 -keyint_min 99999"), ""},
      {"x265 lossless", RivalClass::video, "ffmpeg",
       ffmpeg("-c:v libx265 -pix_fmt gray -preset placebo -x265-params "
              "lossless=1:keyint=-1:log-level=0"),
       ""},
      {"libaom AV1 lossless", RivalClass::video, "ffmpeg",
       ffmpeg("-c:v libaom-av1 -crf 0 -b:v 0 -cpu-used 1 -g 99999 -aom-params lossless=1"), ""},
      {"SVT-AV1", RivalClass::video, "", "", "has no lossless mode in the packaged version"},
      {"zstd -19", RivalClass::archive, "zstd", "zstd -19 -q -f {in} -o {out}", ""},
      {"xz -9", RivalClass::archive, "xz", "xz -9 -e -c {in} > {out}", ""},
  };
  return list;
}

bool installed(const std::string& program) {
  return std::system(("command -v " + program + " >/dev/null 2>&1").c_str()) == 0;
}

std::optional<double> bits_a_plane(const Rival& rival, const PlaneSeries& series, int stills,
                                   const std::string& folder) {
  const std::string out = folder + "/out";
  const auto count = series.planes.size();
  if (rival.type != RivalClass::still) {
    const std::string in = folder + "/in.raw";
    std::ofstream file(in, std::ios::binary);
    for (const auto& plane : series.planes) write_bytes(file, plane);
    file.close();
    const auto bits = run(rival, series, in, out);
    if (!bits) return std::nullopt;
    return *bits / static_cast<double>(count);
  }
  const std::string in = folder + "/in.pgm";
  const std::size_t used = std::min(count, static_cast<std::size_t>(stills));
  double sum = 0.0;
  for (std::size_t i = 0; i < used; ++i) {
    std::ofstream file(in, std::ios::binary);
    file << "P5\n" << series.width << " " << series.height << "\n255\n";
    write_bytes(file, series.planes[i * count / used]);
    file.close();
    const auto bits = run(rival, series, in, out + ".png");
    if (!bits) return std::nullopt;
    sum += *bits;
  }
  return sum / static_cast<double>(used);
}

}  // namespace semcodec::bench
