#pragma once
// Written by scripts/marginal_gain.py; not by hand:
//   scripts/marginal_gain.py CLIPS...
// 236 windows of 12 cuts; 93 % of the gain explained, 87 % on clips left out of the fit.
// An octave of the ladder's rate gives 0.125 of ln LPIPS or 0.95 dB.

#include "encoder/rate/key_gain.h"

namespace semcodec {

// clang-format off
inline constexpr KeyGainTable kKeyGain{
    .usual_fade = 0.9382,
    .forget = 1,
    .fade_share = 1,
    .soon = {-2.321, 5.778, 4.084},
    .late = {5.846, -7.587, -1.671},
    .planes = {-0.7873, 0.3815},
};
// clang-format on

}  // namespace semcodec
