// The receiver's generator runner with a generator of random weights: order, times, cuts,
// determinism.

#include <gtest/gtest.h>

#include <filesystem>

#include "common/core/error.h"
#include "decoder/synthesis/base_flow.h"
#include "decoder/synthesis/synthesiser.h"
#include "models/core/safetensors.h"

namespace semcodec {
namespace {

class SynthesiserTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = (std::filesystem::temp_directory_path() /
               ("semcodec-synthesiser-" + std::to_string(::getpid())))
                  .string();
    std::filesystem::create_directories(folder_);
    torch::manual_seed(5);
    GeneratorConfig config;
    config.channels_half = config.channels_quarter = 16;
    config.channels_eighth = 32;
    config.channels_bottleneck = 48;
    config.texture.channels = 2;
    Generator generator(config);
    save_safetensors(folder_ + "/generator.safetensors", state_of(*generator));
    ModelPackage package;
    package.name = "test";
    package.config = config;
    RestorerConfig restorer;
    restorer.channels_half = 8;
    restorer.channels_quarter = restorer.channels_eighth = 16;
    restorer.channels_bottleneck = 24;
    restorer.blocks_half = restorer.encoder_quarter = restorer.encoder_eighth = 1;
    restorer.decoder_quarter = restorer.decoder_eighth = restorer.transformer_blocks = 1;
    Restorer net(restorer);
    save_safetensors(folder_ + "/restorer.safetensors", state_of(*net));
    package.restorer = restorer;
    write_package_description(folder_, package);
    info_.width = info_.coded_width = 64;
    info_.height = info_.coded_height = 64;
    info_.time_base_num = 1;
    info_.time_base_den = 25;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static SemanticFrame coded_frame(std::int64_t pts, std::vector<std::int64_t> between, int seed) {
    SemanticFrame frame;
    frame.pts = pts;
    frame.interpolated_pts = std::move(between);
    frame.palette = {{200, 30, 30}, {30, 200, 30}, {30, 30, 200}, {220, 220, 220}};
    frame.labels = {8, 8, 4, {}};
    frame.structure = {16, 16, 2, {}};
    for (int i = 0; i < 64; ++i) {
      frame.labels.values.push_back(static_cast<std::uint8_t>((i * (seed + 3) / 7) % 4));
    }
    for (int i = 0; i < 256; ++i) {
      frame.structure.values.push_back(static_cast<std::uint8_t>((i + seed) % 11 == 0));
    }
    return frame;
  }
  static SemanticFrame moving(SemanticFrame frame) {
    frame.motion = {4, 4, std::vector<std::int16_t>(16, 8), std::vector<std::int16_t>(16, -4)};
    return frame;
  }
  std::vector<GeneratedFrame> generate(const std::vector<SemanticFrame>& frames,
                                       const SynthesisOptions& options = {}) {
    Synthesiser synthesiser(open_package(folder_), info_, options);
    std::vector<GeneratedFrame> out;
    for (const auto& frame : frames) {
      synthesiser.push(frame,
                       [&](GeneratedFrame&& generated) { out.push_back(std::move(generated)); });
    }
    for (const auto& job : synthesiser.finish())
      out.push_back({job.pts, job.coded_frame, job.generate()});
    return out;
  }

  /// A frame with a base picture of 32x32; `shade` is what with_bases() decodes it to.
  static SemanticFrame base(std::int64_t pts, std::vector<std::int64_t> between,
                            std::uint8_t shade) {
    SemanticFrame frame;
    frame.pts = pts;
    frame.interpolated_pts = std::move(between);
    frame.base = BasePicture{32, 32, 60, {shade}};
    return frame;
  }
  static SynthesisOptions with_bases() {
    SynthesisOptions options;
    options.base_decoder = [](const BasePicture& coded) {
      if (coded.bytes[0] == 0) throw Error(ErrorKind::corrupt, "A base picture is damaged.");
      auto picture = torch::full({coded.height, coded.width, 3}, coded.bytes[0], torch::kUInt8);
      picture.narrow(1, 8, 8).fill_(30);
      return picture;
    };
    return options;
  }

  std::string folder_;
  StreamInfo info_;
};

TEST_F(SynthesiserTest, EveryFrameOnceInOrder) {
  auto first = coded_frame(0, {}, 1);
  first.entry_point = true;
  const auto out =
      generate({first, moving(coded_frame(5, {1, 2, 3, 4}, 2)), moving(coded_frame(7, {6}, 3))});
  ASSERT_EQ(out.size(), 8U);
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_EQ(out[i].pts, static_cast<std::int64_t>(i));
    EXPECT_EQ(out[i].coded_frame, i == 0 || i == 5 || i == 7);
    EXPECT_EQ(out[i].rgb.sizes(), at::IntArrayRef({64, 64, 3}));
    EXPECT_EQ(out[i].rgb.scalar_type(), torch::kUInt8);
  }
}

TEST_F(SynthesiserTest, AnEntryPointLooksTheSameAfterASeek) {
  auto first = coded_frame(0, {}, 1), second = coded_frame(4, {1, 2, 3}, 2);
  first.entry_point = second.entry_point = true;
  const auto whole = generate({first, second});
  const auto sought = generate({second});
  EXPECT_TRUE(torch::equal(whole.back().rgb, sought.back().rgb));
}

TEST_F(SynthesiserTest, FramesBeforeACutHoldTheSceneBefore) {
  auto first = coded_frame(0, {}, 1), cut = coded_frame(3, {1, 2}, 9);
  first.entry_point = cut.entry_point = cut.cut = true;
  const auto out = generate({first, cut});
  ASSERT_EQ(out.size(), 4U);
  EXPECT_TRUE(torch::equal(out[1].rgb, out[0].rgb));
  EXPECT_TRUE(torch::equal(out[2].rgb, out[0].rgb));
  EXPECT_FALSE(torch::equal(out[3].rgb, out[0].rgb));
}

TEST_F(SynthesiserTest, ReferencesMatter) {
  auto first = coded_frame(0, {}, 1);
  first.entry_point = true;
  const auto second = moving(coded_frame(2, {}, 2));
  const auto with = generate({first, second});
  auto alone = second;
  alone.motion = {};
  alone.entry_point = true;
  const auto without = generate({first, alone});
  EXPECT_FALSE(torch::equal(with.back().rgb, without.back().rgb));
}

TEST_F(SynthesiserTest, JobsMayBeGeneratedLaterAndInAnyOrder) {
  auto first = coded_frame(0, {}, 1);
  first.entry_point = true;
  const std::vector<SemanticFrame> frames = {first, moving(coded_frame(4, {1, 2, 3}, 2)),
                                             moving(coded_frame(6, {5}, 3))};
  const auto straight = generate(frames);
  Synthesiser synthesiser(open_package(folder_), info_, {});
  std::vector<SynthesisJob> jobs;
  for (const auto& frame : frames) {
    for (auto& job : synthesiser.plan(frame)) jobs.push_back(std::move(job));
  }
  ASSERT_EQ(jobs.size(), straight.size());
  for (std::size_t i = jobs.size(); i-- > 0;) {
    EXPECT_EQ(jobs[i].pts, straight[i].pts);
    EXPECT_TRUE(torch::equal(jobs[i].generate(), straight[i].rgb)) << i;
  }
}

TEST_F(SynthesiserTest, TexturePlanesMatterAndMustFit) {
  auto first = coded_frame(0, {}, 1);
  first.entry_point = true;
  const auto plain = generate({first});
  first.texture = {{4, 4, 5, std::vector<std::uint8_t>(16, 4)}};
  EXPECT_FALSE(torch::equal(plain[0].rgb, generate({first})[0].rgb));
  first.texture = {{5, 4, 5, std::vector<std::uint8_t>(20, 4)}};
  EXPECT_THROW(generate({first}), Error);
  first.texture.assign(3, {4, 4, 5, std::vector<std::uint8_t>(16, 4)});
  EXPECT_THROW(generate({first}), Error) << "more channels than the model has";
}

TEST_F(SynthesiserTest, AIntraPictureIsUsedAndADamagedOneDoesNoHarm) {
  auto first = coded_frame(0, {}, 1);
  first.entry_point = true;
  const auto plain = generate({first});
  first.intra_picture = IntraPicture{"none", {1, 2, 3}};
  SynthesisOptions options;
  options.key_decoder = [](const IntraPicture& key, int width, int height) {
    EXPECT_EQ(key.bytes.size(), 3U);
    return torch::full({height, width, 3}, 200, torch::kUInt8);
  };
  EXPECT_FALSE(torch::equal(plain[0].rgb, generate({first}, options)[0].rgb));
  options.key_decoder = [](const IntraPicture&, int, int) -> torch::Tensor {
    throw Error(ErrorKind::corrupt, "an intra picture (none) is damaged.");
  };
  EXPECT_TRUE(torch::equal(plain[0].rgb, generate({first}, options)[0].rgb));
}

TEST_F(SynthesiserTest, ASizeThatTheModelCannotGeneratorIsAnError) {
  info_.coded_width = 72;
  EXPECT_THROW(generate({}), Error);
}

TEST_F(SynthesiserTest, BasePicturesGiveEveryFrameOnceInOrder) {
  auto first = base(0, {}, 100);
  first.entry_point = true;
  const std::vector<SemanticFrame> frames = {first, base(4, {1, 2, 3}, 110), base(6, {5}, 120)};
  for (const bool look_ahead : {true, false}) {
    auto options = with_bases();
    options.look_ahead = look_ahead;
    const auto out = generate(frames, options);
    ASSERT_EQ(out.size(), 7U);
    for (std::size_t i = 0; i < out.size(); ++i) {
      EXPECT_EQ(out[i].pts, static_cast<std::int64_t>(i));
      EXPECT_EQ(out[i].rgb.sizes(), at::IntArrayRef({64, 64, 3}));
    }
  }
}

TEST_F(SynthesiserTest, LostFramesGoOnMovingAndThenStand) {
  auto first = coded_frame(0, {}, 1);
  first.entry_point = true;
  Synthesiser synthesiser(open_package(folder_), info_, {});
  SemanticFrame lost;
  lost.interpolated_pts = {5, 6};
  lost.pts = 7;
  EXPECT_TRUE(synthesiser.conceal(lost).empty()) << "there is nothing to show yet";
  synthesiser.plan(first);
  const auto shown = synthesiser.plan(moving(coded_frame(2, {}, 2))).back().generate();
  SemanticFrame soon;
  soon.interpolated_pts = {3, 4, 5};
  soon.pts = 6;
  const auto jobs = synthesiser.conceal(soon);
  ASSERT_EQ(jobs.size(), 4U);
  std::vector<torch::Tensor> pictures;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    EXPECT_EQ(jobs[i].pts, static_cast<std::int64_t>(i) + 3);
    EXPECT_FALSE(jobs[i].coded_frame);
    pictures.push_back(jobs[i].generate());
  }
  // It had moved for two units, by 2 pixels to the left and 1 down; it does so once more.
  EXPECT_FALSE(torch::equal(pictures[0], shown));
  EXPECT_FALSE(torch::equal(pictures[1], pictures[0]));
  EXPECT_TRUE(torch::equal(pictures[2], pictures[1]));
  EXPECT_TRUE(torch::equal(pictures[3], pictures[1]));
  const auto part = [](const torch::Tensor& picture, int x, int y) {
    return picture.narrow(0, y, 40).narrow(1, x, 40).to(torch::kInt);
  };
  EXPECT_LE((part(pictures[1], 10, 10) - part(shown, 12, 9)).abs().max().item<int>(), 1);
}

TEST_F(SynthesiserTest, LostFramesBehindAnEntryPointHoldIt) {
  auto first = base(0, {}, 100);
  first.entry_point = true;
  Synthesiser synthesiser(open_package(folder_), info_, with_bases());
  EXPECT_TRUE(synthesiser.plan(first).empty());
  SemanticFrame lost;
  lost.pts = 1;
  const auto jobs = synthesiser.conceal(lost);  // what waits comes first
  ASSERT_EQ(jobs.size(), 2U);
  EXPECT_EQ(jobs[0].pts, 0);
  EXPECT_EQ(jobs[1].pts, 1);
  EXPECT_TRUE(torch::equal(jobs[0].generate(), jobs[1].generate()));
}

TEST_F(SynthesiserTest, AFrameWithABasePictureWaitsForTheNextOne) {
  auto first = base(0, {}, 100);
  first.entry_point = true;
  Synthesiser synthesiser(open_package(folder_), info_, with_bases());
  EXPECT_TRUE(synthesiser.plan(first).empty());
  EXPECT_EQ(synthesiser.plan(base(4, {2}, 110)).size(), 1U);
  EXPECT_EQ(synthesiser.finish().size(), 2U);
  EXPECT_TRUE(synthesiser.finish().empty());
  auto options = with_bases();
  options.look_ahead = false;
  Synthesiser direct(open_package(folder_), info_, options);
  EXPECT_EQ(direct.plan(first).size(), 1U);
}

TEST_F(SynthesiserTest, AnUntrainedRestorerShowsNearlyTheBasePicture) {
  auto first = base(0, {}, 180);
  first.entry_point = true;
  const auto out = generate({first}, with_bases());
  EXPECT_NEAR(out[0].rgb.narrow(1, 40, 20).to(torch::kFloat32).mean().item<double>(), 180, 12);
  EXPECT_NEAR(out[0].rgb.narrow(1, 20, 8).to(torch::kFloat32).mean().item<double>(), 30, 12);
}

TEST_F(SynthesiserTest, NeighboursMemoryAndDetailMatterToTheRestorer) {
  auto first = base(0, {}, 100);
  first.entry_point = true;
  const auto second = base(4, {}, 110);
  const auto both = generate({first, second}, with_bases());
  auto alone = second;
  alone.entry_point = true;
  EXPECT_FALSE(torch::equal(both[1].rgb, generate({alone}, with_bases())[0].rgb)) << "memory";
  EXPECT_FALSE(torch::equal(both[0].rgb, generate({first}, with_bases())[0].rgb)) << "look-ahead";
  auto options = with_bases();
  options.detail = 1;
  EXPECT_FALSE(torch::equal(both[1].rgb, generate({first, second}, options)[1].rgb)) << "detail";
}

TEST_F(SynthesiserTest, NothingLooksAcrossACut) {
  auto first = base(0, {}, 100), cut = base(4, {1, 2, 3}, 250);
  first.entry_point = cut.entry_point = cut.cut = true;
  const auto out = generate({first, cut}, with_bases());
  ASSERT_EQ(out.size(), 5U);
  EXPECT_TRUE(torch::equal(out[0].rgb, generate({first}, with_bases())[0].rgb));
  EXPECT_TRUE(torch::equal(out[3].rgb, out[0].rgb)) << "held";
  EXPECT_TRUE(torch::equal(out[4].rgb, generate({cut}, with_bases())[0].rgb));
}

TEST_F(SynthesiserTest, ADamagedBasePictureHoldsTheFrameBefore) {
  auto first = base(0, {}, 100);
  first.entry_point = true;
  const auto out = generate({first, base(2, {1}, 0), base(4, {}, 140)}, with_bases());
  ASSERT_EQ(out.size(), 4U);
  EXPECT_TRUE(torch::equal(out[2].rgb, out[0].rgb));
  EXPECT_FALSE(torch::equal(out[3].rgb, out[0].rgb));
  first.base->bytes = {0};
  EXPECT_EQ(generate({first, base(2, {1}, 140)}, with_bases()).size(), 3U);
}

TEST_F(SynthesiserTest, PlanesAndBasePicturesMayAlternate) {
  auto first = base(0, {}, 100);
  first.entry_point = true;
  const auto out = generate(
      {first, moving(coded_frame(2, {1}, 2)), base(4, {3}, 120), base(5, {}, 130)}, with_bases());
  ASSERT_EQ(out.size(), 6U);
  for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i].pts, static_cast<std::int64_t>(i));
}

TEST(RestoredFlow, FindsAShift) {
  torch::manual_seed(3);
  const auto texture = torch::upsample_bilinear2d(torch::rand({1, 3, 18, 26}), {144, 208}, false);
  const auto part = [&](int top, int left) {
    return texture.narrow(2, top, 96).narrow(3, left, 160).contiguous();
  };
  // What lies at (x, y) in the first picture lies at (x + 4, y - 3) in the second.
  const auto flow = restored_flow(part(20, 20), part(23, 16));
  ASSERT_EQ(flow.sizes(), at::IntArrayRef({1, 2, 24, 40}));
  const auto inner = flow.narrow(2, 4, 16).narrow(3, 4, 32);
  EXPECT_LT((inner.select(1, 0) - 4).abs().mean().item<float>(), 0.3F);
  EXPECT_LT((inner.select(1, 1) + 3).abs().mean().item<float>(), 0.3F);
}

}  // namespace
}  // namespace semcodec
