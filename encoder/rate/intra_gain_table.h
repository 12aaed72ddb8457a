#pragma once
// Written by scripts/marginal_gain.py; not by hand:
//   scripts/marginal_gain.py CLIPS...
// 236 windows of 12 cuts; 92 % of the gain explained, 91 % on clips left out of the fit.
// An octave of the ladder's rate gives 0.125 of ln LPIPS or 0.95 dB.

#include "encoder/rate/intra_gain.h"

namespace semcodec {

// clang-format off
inline constexpr IntraGainTable kIntraGain{
    .usual_decay = 0.9382,
    .forget = 4,
    .decay_share = 0.75,
    .soon = {1.77, 2.559},
    .late = {3.533, -3.917},
    .planes = {-0.7873, 0.3815},
};
// clang-format on

}  // namespace semcodec
