#pragma once
// What a key picture is worth: a model fitted to measurements (scripts/marginal_gain.py).
//
// A bit is worth what the ladder of qualities gives for it: one octave of rate lowers ln LPIPS by
// a certain amount, its exchange rate at that quality. A key picture lowers ln LPIPS by an amount
// that depends on how well it shows the detail that planes leave out, and that fades as the picture
// moves away from it; and it costs its bits over the time until the next entry point. Its worth is
// the octaves of rate that the ladder would ask for the same gain, less those that it costs. All of
// this is plain arithmetic on what an encoder knows before it sends the entry point.

#include <optional>

namespace semcodec {

/// What is known of an entry point.
struct KeyScene {
  std::optional<double> fade;  ///< 1/s, see Fading::rate(); nothing where no frame is known ahead
  double detail = 0;           ///< grey levels, see Fading::detail()
  double life = 10;            ///< seconds until the next entry point or the end
  double quality = 80;         ///< of the planes, 0..100
  double plane_bits = 0;       ///< of the entry point's planes
  double interval = 0.3;       ///< seconds between anchors
};

/// A key picture that could be sent; as it stands, none.
struct KeyOption {
  int quality = -1;     ///< -1 = none
  double bits = 0;      ///< its size
  double fidelity = 0;  ///< see Fading::fidelity()
  double gain = 0;      ///< by how much it lowers ln LPIPS, mean over the life
  double worth = 0;     ///< octaves of rate that it saves
};

/// The model's constants; key_gain_table.h has them as fitted.
struct KeyGainTable {
  double usual_fade;        ///< 1/s, where it is not known
  double fade, least_fade;  ///< the gain fades as e^(-t · (fade · the scene's + least_fade))
  double gain[4];           ///< at t = 0: of 1, fidelity, its square, (quality - 60) / 100
  double exchange[2];       ///< ln LPIPS that an octave of rate gives: at 60, and by quality / 100
  double later[3];  ///< ln of a later anchor's planes over the entry point's: of 1, ln fade,
                    ///< (quality - 60) / 100
};

/// Bits that the planes of the whole life take, about.
double expected_plane_bits(const KeyScene& scene, const KeyGainTable& table);

/// Fills in gain and worth. `scene.life` and `scene.interval` are above 0.
void judge(const KeyScene& scene, const KeyGainTable& table, KeyOption& option);

}  // namespace semcodec
