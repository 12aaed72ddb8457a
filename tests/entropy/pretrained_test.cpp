#include "common/entropy/pretrained.h"

#include <gtest/gtest.h>

#include "common/core/error.h"
#include "common/core/hash.h"
#include "tests/entropy/sample_frames.h"

namespace semcodec::entropy {
namespace {

std::vector<PretrainingSequence> samples() {
  std::vector<PretrainingSequence> sequences;
  for (int s = 0; s < 3; ++s) {
    PretrainingSequence sequence{192, 128, {}};
    for (int t = 0; t < 4; ++t) {
      sequence.frames.push_back(test::scene_frame(5 * s + t, test::SampleShape{}, t == 0));
    }
    sequences.push_back(sequence);
  }
  return sequences;
}

TEST(Pretrained, ComesBackAsItWas) {
  const auto sequences = samples();
  const auto bytes = write_pretraining(sequences);
  const Pretrained pretrained = read_pretraining(bytes);
  ASSERT_EQ(pretrained.sequences.size(), sequences.size());
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    EXPECT_EQ(pretrained.sequences[i].frames, sequences[i].frames) << i;
  }
}

TEST(Pretrained, HelpsWithWhatIsLikeIt) {
  const Coders cold;
  const Coders primed = read_pretraining(write_pretraining(samples())).coders;
  const auto cost = [](const Coders& start) {
    Model model(192, 128, &start);
    SemanticFrame frame = test::scene_frame(30, test::SampleShape{}, true);
    BinaryCoder coder(BinaryCoder::Mode::measure);
    return model.code(coder, frame).total();
  };
  EXPECT_LT(cost(primed) * 10, cost(cold) * 9);
}

TEST(Pretrained, DamageIsRefused) {
  auto bytes = write_pretraining(samples());
  bytes.resize(bytes.size() - 20);
  EXPECT_THROW(read_pretraining(bytes), Error);
  EXPECT_THROW(read_pretraining(std::span(bytes).first(7)), Error);
}

// The data is part of the format; and it must be made anew when the coder changes.
TEST(Pretrained, TheBuiltInOneFitsTheCoder) {
  const auto bytes = built_in_pretraining();
  const Pretrained pretrained = read_pretraining(bytes);
  EXPECT_GE(pretrained.sequences.size(), 5u);
  EXPECT_LE(bytes.size(), 16384u);
  const auto again = write_pretraining(pretrained.sequences);
  EXPECT_EQ(again, std::vector<std::uint8_t>(bytes.begin(), bytes.end()))
      << "run scripts/make_pretrained.sh";
  EXPECT_EQ(md5_hex(bytes), "1e5d1223839b61913d51884bdf9b1ed2");
}

}  // namespace
}  // namespace semcodec::entropy
