// Operating points: the ladder, and parts of it set by hand.

#include "encoder/core/settings.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/core/error.h"
#include "encoder/core/hybrid_point.h"

namespace semcodec {
namespace {

OperatingPoint at(const std::string& overrides) {
  OperatingPoint point = operating_point(Profile::semantic, 66, 512, 256);
  parse_overrides(overrides).apply(point);
  return point;
}

TEST(Overrides, SetWhatTheyName) {
  const OperatingPoint point =
      at("colour=16x12,edges=4x3,texture=2,key=-1,motion=32,hold=7,line=12,smooth=90,lambda=1.25,"
         "lines=0.25,interval=0.75");
  EXPECT_EQ(point.colour.cell, 16);
  EXPECT_EQ(point.colour.clusters, 12);
  EXPECT_EQ(point.structure.cell, 4);
  EXPECT_EQ(point.structure.levels, 3);
  EXPECT_EQ(point.texture_channels, 2);
  EXPECT_EQ(point.key_quality, -1);
  EXPECT_EQ(point.motion.cell, 32);
  EXPECT_EQ(point.colour.palette_hold, 7);
  EXPECT_EQ(point.structure.min_length, 12);
  EXPECT_FLOAT_EQ(point.colour.smoothing, 90);
  EXPECT_FLOAT_EQ(point.motion.lambda, 1.25);
  EXPECT_FLOAT_EQ(point.structure.lambda, 0.25);
  EXPECT_DOUBLE_EQ(point.interval, 0.75);
}

TEST(Overrides, LeaveTheRestAlone) {
  const OperatingPoint plain = operating_point(Profile::semantic, 66, 512, 256);
  const OperatingPoint point = at("hold=9");
  EXPECT_EQ(point.colour.palette_hold, 9);
  EXPECT_EQ(point.colour.smoothing, plain.colour.smoothing);
  EXPECT_EQ(point.structure.lambda, plain.structure.lambda);
  EXPECT_EQ(point.structure.min_length, plain.structure.min_length);
  EXPECT_EQ(point.motion.lambda, plain.motion.lambda);
  EXPECT_EQ(point.interval, plain.interval);
  EXPECT_EQ(at("").colour.palette_hold, plain.colour.palette_hold);
  // One number of two.
  EXPECT_EQ(at("colour=32").colour.clusters, plain.colour.clusters);
  EXPECT_EQ(at("edges=16").structure.levels, plain.structure.levels);
}

TEST(Overrides, TakeTheEndsOfTheirRanges) {
  for (const char* text :
       {"hold=0",       "hold=255",    "line=0",        "line=1000", "smooth=0",
        "smooth=10000", "lambda=0",    "lambda=1000",   "lines=0",   "lines=10",
        "interval=0",   "interval=10", "key=-1",        "key=100",   "motion=4",
        "motion=64",    "colour=1x2",  "colour=64x256", "edges=1x2", "edges=64x8"}) {
    EXPECT_NO_THROW(parse_overrides(text)) << text;
  }
}

TEST(Overrides, RefuseAndNameWhatTheyDoNotUnderstand) {
  for (const char* text :
       {"hold=256",    "hold=-1",     "hold=",       "hold",      "hold=3x",      "hold=2.5",
        "line=1001",   "line=-1",     "line=a",      "smooth=-1", "smooth=10001", "smooth=nan",
        "smooth=1e9",  "lambda=-0.5", "lambda=1001", "lambda=",   "lines=-1",     "lines=11",
        "interval=11", "colour=8x1",  "colour=65",   "edges=8x9", "motion=3",     "key=101",
        "speed=1",     "=5"}) {
    try {
      parse_overrides(std::string("motion=16,") + text);
      ADD_FAILURE() << text << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
    }
  }
}

TEST(Ladder, RisesWithTheQuality) {
  OperatingPoint before = operating_point(Profile::semantic, 0, 512, 256);
  for (int q = 1; q <= 100; ++q) {
    const OperatingPoint now = operating_point(Profile::semantic, q, 512, 256);
    EXPECT_LT(now.interval, before.interval) << q;
    EXPECT_LE(now.colour.cell, before.colour.cell) << q;
    EXPECT_LE(now.structure.cell, before.structure.cell) << q;
    EXPECT_LE(now.motion.cell, before.motion.cell) << q;
    EXPECT_LE(now.structure.lambda, before.structure.lambda) << q;
    EXPECT_LE(now.motion.lambda, before.motion.lambda) << q;
    EXPECT_GE(now.key_quality, before.key_quality) << q;
    before = now;
  }
}

TEST(HybridPoint, RisesWithTheQuality) {
  // Bits of a base picture fall with its pixels and, by an octave in about 6, with the quantiser.
  const auto octaves = [](const HybridPoint& p) {
    return std::log2(p.scale * p.scale / p.interval) - p.quantiser / 6;
  };
  HybridPoint before = hybrid_point(0);
  EXPECT_EQ(before.scale, 0.25);
  for (double q = 1; q <= 100; q += 1) {
    const HybridPoint now = hybrid_point(q);
    EXPECT_GE(now.scale, before.scale) << q;
    EXPECT_GT(octaves(now), octaves(before) - 0.25) << q;
    EXPECT_GT(now.interval, 1.0 / 13) << q;
    EXPECT_LT(now.interval, 0.41) << q;
    EXPECT_LE(now.quantiser, 63) << q;
    before = now;
  }
  EXPECT_EQ(hybrid_point(-5).quantiser, hybrid_point(0).quantiser);
  EXPECT_EQ(hybrid_point(500).scale, hybrid_point(100).scale);
}

TEST(HybridPoint, SidesOfBasePicturesAreEven) {
  EXPECT_EQ(base_side(512, 0.5), 256);
  EXPECT_EQ(base_side(272, 0.375), 102);
  EXPECT_EQ(base_side(288, 0.25), 72);
  EXPECT_EQ(base_side(64, 0.0625), 16);
  for (int side = 64; side <= 1024; side += 16) {
    for (const double scale : {0.25, 0.375, 0.5, 0.75, 1.0}) {
      EXPECT_EQ(base_side(side, scale) % 2, 0);
      EXPECT_LE(base_side(side, scale), side);
    }
  }
}

}  // namespace
}  // namespace semcodec
