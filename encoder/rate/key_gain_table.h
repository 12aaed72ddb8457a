#pragma once
// Written by scripts/marginal_gain.py; not by hand.

#include "encoder/rate/key_gain.h"

namespace semcodec {

inline constexpr KeyGainTable kKeyGain{
    0.5, 1.0, 0.0, {0.0, 0.3, 0.0, 0.0}, {0.15, 0.0}, {-1.5, 0.3, 0.0},
};

}  // namespace semcodec
