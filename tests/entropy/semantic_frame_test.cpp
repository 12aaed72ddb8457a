#include "semcodec/planes.h"

#include <gtest/gtest.h>

#include <functional>

#include "common/core/error.h"
#include "tests/entropy/sample_frames.h"

namespace semcodec {
namespace {

using test::SampleShape;

std::string complaint(const std::function<void(SemanticFrame&)>& spoil) {
  SemanticFrame frame = test::scene_frame(3, SampleShape{}, false);
  frame.pts = 100;
  frame.interpolated_pts = {40, 60, 80};
  validate(frame);
  spoil(frame);
  try {
    validate(frame);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::corrupt);
    return error.what();
  }
  return "";
}

void expect_complaint(const std::string& field, const std::function<void(SemanticFrame&)>& spoil) {
  EXPECT_NE(complaint(spoil).find("frame's " + field), std::string::npos)
      << field << ": " << complaint(spoil);
}

TEST(Validate, NamesTheFieldOfEachBrokenRule) {
  expect_complaint("interpolated_pts", [](SemanticFrame& f) { f.interpolated_pts[1] = 40; });
  expect_complaint("interpolated_pts", [](SemanticFrame& f) { f.interpolated_pts[2] = 100; });
  expect_complaint("interpolated_pts", [](SemanticFrame& f) {
    f.interpolated_pts.clear();
    for (int i = 0; i <= kMaxInterpolatedFrames; ++i) f.interpolated_pts.push_back(i - 10000);
  });
  expect_complaint("pts", [](SemanticFrame& f) { f.pts = INT64_MAX; });
  expect_complaint("motion", [](SemanticFrame& f) { f.entry_point = true; });
  expect_complaint("motion", [](SemanticFrame& f) { f.cut = true; });
  expect_complaint("motion", [](SemanticFrame& f) { f.motion.dx[0] = 1024; });
  expect_complaint("motion", [](SemanticFrame& f) { f.motion.dy.pop_back(); });
  expect_complaint("structure", [](SemanticFrame& f) { f.structure.values[5] = 4; });
  expect_complaint("structure", [](SemanticFrame& f) { f.structure.values.pop_back(); });
  expect_complaint("structure", [](SemanticFrame& f) { f.structure.values.clear(); });
  expect_complaint("labels", [](SemanticFrame& f) { f.labels.levels = 257; });
  expect_complaint("labels", [](SemanticFrame& f) { f.labels.width = 0; });
  expect_complaint("palette", [](SemanticFrame& f) { f.palette.pop_back(); });
  expect_complaint("palette", [](SemanticFrame& f) { f.labels = {}; });
  expect_complaint("texture", [](SemanticFrame& f) { f.texture[1] = {}; });
  expect_complaint(
      "texture", [](SemanticFrame& f) { f.texture.resize(kMaxTextureChannels + 1, f.texture[0]); });
  expect_complaint("intra_picture", [](SemanticFrame& f) {
    f.intra_picture = IntraPicture{"", {1}};
  });
  expect_complaint("intra_picture", [](SemanticFrame& f) {
    f.intra_picture = IntraPicture{"av1", {}};
  });
}

TEST(Validate, StreamInfo) {
  StreamInfo info;
  EXPECT_THROW(validate(info), Error);
  info.width = info.height = info.coded_width = info.coded_height = 16;
  EXPECT_NO_THROW(validate(info));
  info.coded_width = kMaxCodedDimension + 1;
  EXPECT_THROW(validate(info), Error);
  info.coded_width = 16;
  info.time_base_den = 0;
  EXPECT_THROW(validate(info), Error);
}

TEST(PlaneDigest, SeesPlanesAndNothingElse) {
  SemanticFrame frame = test::scene_frame(3, SampleShape{}, false);
  const std::string digest = plane_digest(frame);
  EXPECT_EQ(digest.size(), 32u);
  SemanticFrame later = frame;
  later.pts = 99;
  later.interpolated_pts = {1, 2};
  later.intra_picture = IntraPicture{"av1", {1, 2, 3}};
  EXPECT_EQ(plane_digest(later), digest);
  const auto changed = [&](const std::function<void(SemanticFrame&)>& change) {
    SemanticFrame other = frame;
    change(other);
    return plane_digest(other) != digest;
  };
  EXPECT_TRUE(changed([](SemanticFrame& f) { f.structure.values[7] ^= 1; }));
  EXPECT_TRUE(changed([](SemanticFrame& f) { f.labels.values[7] ^= 1; }));
  EXPECT_TRUE(changed([](SemanticFrame& f) { f.palette[2][1] ^= 1; }));
  EXPECT_TRUE(changed([](SemanticFrame& f) { f.motion.dx[2] ^= 1; }));
  EXPECT_TRUE(changed([](SemanticFrame& f) { f.motion.dy[2] ^= 1; }));
  EXPECT_TRUE(changed([](SemanticFrame& f) { f.texture[1].values[0] ^= 1; }));
  EXPECT_TRUE(changed([](SemanticFrame& f) { std::swap(f.structure.width, f.structure.height); }));
}

}  // namespace
}  // namespace semcodec
