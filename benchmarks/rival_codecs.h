#pragma once
// Other lossless coders, called as programs, on the same planes.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace semcodec::bench {

/// Planes of one size in time order, 8 bits a value.
struct PlaneSeries {
  std::string kind;  ///< "structure", "labels", "motion", "texture"
  int width = 0;
  int height = 0;
  std::vector<std::vector<std::uint8_t>> planes;
};

enum class RivalClass {
  still,   ///< a file for each plane
  video,   ///< a video of the planes
  archive  ///< one file of all bytes
};

struct Rival {
  std::string name;
  RivalClass type = RivalClass::still;
  std::string program;  ///< that must be there
  std::string command;  ///< a shell command with {in}, {out}, {w}, {h}
  std::string unfit;    ///< why it cannot take part, if it cannot
};

const std::vector<Rival>& rivals();
bool installed(const std::string& program);

/// Bits a plane, or nothing when the program failed. Still codecs see at most `stills` planes,
/// evenly spread. `folder` is for temporary files.
std::optional<double> bits_a_plane(const Rival& rival, const PlaneSeries& series, int stills,
                                   const std::string& folder);

}  // namespace semcodec::bench
