#pragma once
// What an intra picture is worth: a model fitted to measurements (scripts/marginal_gain.py).
//
// Everything is told in octaves of rate. An intra picture gains as much as the ladder of qualities
// would ask so many octaves for, three quarters of it judged by ln LPIPS and a quarter by PSNR. The
// gain has two parts: sharp detail, which the receiver's memory forgets within a second whatever
// the scene does, and the rest, which stays until the picture has moved away. It costs its bits
// over the time until the next entry point. Its worth is what it gains less what it costs. All of
// this is plain arithmetic on what an encoder knows before it sends the entry point.

#include <optional>

namespace semcodec {

/// What is known of an entry point.
struct KeyScene {
  std::optional<double>
      fade;             ///< 1/s, see Reference decay::rate(); nothing where no frame is known ahead
  double detail = 0;    ///< grey levels, see Reference decay::detail()
  double life = 10;     ///< seconds until the next entry point or the end
  double quality = 80;  ///< of the planes, 0..100
  double plane_bits = 0;  ///< of the entry point's planes
  double interval = 0.3;  ///< seconds between coded frames
};

/// An intra picture that could be sent; as it stands, none.
struct KeyOption {
  int quality = -1;     ///< -1 = none
  double bits = 0;      ///< its size
  double fidelity = 0;  ///< see Reference decay::fidelity()
  double gain = 0;      ///< octaves, mean over the life
  double worth = 0;     ///< octaves of rate that it saves
};

/// The model's constants; intra_gain_table.h has them as fitted. With f the fidelity:
///   gain at t seconds = f² · soon · (1, detail / 10) · e^(-forget t)
///                     + f · late · (1, (quality - 60) / 100) · e^(-decay_share fade t)
///   ln(planes of a later coded frame / of the entry point) = planes · (1, ln fade)
struct IntraGainTable {
  double usual_decay;          ///< 1/s, where it is not known
  double forget, decay_share;  ///< 1/s, and a factor
  double soon[2], late[2];     ///< octaves
  double planes[2];
};

/// Bits that the planes of the whole life take, about.
double expected_plane_bits(const KeyScene& scene, const IntraGainTable& table);

/// Fills in gain and worth. `scene.life` and `scene.interval` are above 0.
void estimate_gain(const KeyScene& scene, const IntraGainTable& table, KeyOption& option);

}  // namespace semcodec
