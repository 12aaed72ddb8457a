// What an intra picture is worth: the arithmetic, and that the fitted constants make sense.

#include "encoder/rate/intra_gain.h"

#include <gtest/gtest.h>

#include <cmath>

#include "encoder/rate/intra_gain_table.h"

namespace semcodec {
namespace {

KeyScene scene() {
  KeyScene s;
  s.fade = 1.0;
  s.detail = 8;
  s.life = 5;
  s.quality = 60;
  s.plane_bits = 4000;
  s.interval = 0.4;
  return s;
}

KeyOption picture(double fidelity, double bits) {
  KeyOption option;
  option.quality = 20;
  option.fidelity = fidelity;
  option.bits = bits;
  return option;
}

KeyOption judged(const KeyScene& s, KeyOption option, const IntraGainTable& table) {
  estimate_gain(s, table, option);
  return option;
}

// Nothing fades, planes cost 4000 bits a coded frame for ever.
constexpr IntraGainTable kPlain{
    .usual_decay = 0,
    .forget = 0,
    .decay_share = 0,
    .soon = {1, 0},
    .late = {1, 0},
    .planes = {0, 0},
};

TEST(IntraGain, IsWhatTheTableSays) {
  EXPECT_NEAR(expected_plane_bits(scene(), kPlain), 4000 * (1 + 5 / 0.4), 1e-6);
  const KeyOption option = judged(scene(), picture(0.5, 54000), kPlain);
  EXPECT_NEAR(option.gain, 0.5 * 0.5 + 0.5, 1e-9);
  EXPECT_NEAR(option.worth, option.gain - 1, 1e-9);  // the file is twice as large
  IntraGainTable table = kPlain;
  table.late[0] = 0;
  table.forget = 0.2;
  EXPECT_NEAR(judged(scene(), picture(1, 0), table).gain, 1 - std::exp(-1.0), 1e-9);
  table.forget = 0;
  table.soon[1] = 2;
  EXPECT_NEAR(judged(scene(), picture(1, 0), table).gain, 1 + 2 * 0.8, 1e-9);
  table.soon[0] = table.soon[1] = 0;
  table.late[0] = 3;
  table.late[1] = -5;
  KeyScene finer = scene();
  finer.quality = 80;
  EXPECT_NEAR(judged(finer, picture(0.5, 0), table).gain, 1, 1e-9);
}

TEST(IntraGain, NoneGainsAndCostsNothing) {
  KeyOption none;
  none.bits = 99;
  estimate_gain(scene(), kIntraGain, none);
  EXPECT_EQ(none.gain, 0);
  EXPECT_EQ(none.worth, 0);
}

TEST(IntraGain, UnknownScenesAreUsualOnes) {
  KeyScene unknown = scene(), usual = scene();
  unknown.fade.reset();
  usual.fade = kIntraGain.usual_decay;
  EXPECT_EQ(judged(unknown, picture(0.5, 9000), kIntraGain).worth,
            judged(usual, picture(0.5, 9000), kIntraGain).worth);
}

TEST(IntraGain, FittedConstantsFollowTheScene) {
  const auto gain = [](const KeyScene& s) {
    return judged(s, picture(0.6, 9000), kIntraGain).gain;
  };
  KeyScene still = scene(), fast = scene(), longer = scene();
  still.fade = 0.05;
  fast.fade = 3;
  longer.life = 20;
  EXPECT_GT(gain(still), gain(scene()));
  EXPECT_LT(gain(fast), gain(scene()));
  EXPECT_LT(gain(longer), gain(scene()));  // a mean over the life
  EXPECT_GT(judged(scene(), picture(0.7, 9000), kIntraGain).gain, gain(scene()));
  EXPECT_GT(expected_plane_bits(fast, kIntraGain), expected_plane_bits(still, kIntraGain));
}

}  // namespace
}  // namespace semcodec
