// The restorer stage on a small store made here: samples, learning, resuming, exporting.

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "common/app/interrupt.h"
#include "common/core/error.h"
#include "models/core/safetensors.h"
#include "models/package/model_package.h"
#include "training/base/base_sampler.h"
#include "training/frame_store.h"
#include "training/restorer/restorer_task.h"
#include "training/trainer/trainer.h"

namespace semcodec {
namespace {

namespace fs = std::filesystem;

struct RestorerStage {
  RestorerStage(const RestorerOptions& options, const Ranks& ranks)
      : task(options, ranks), trainer(task) {}
  RestorerTask task;
  Trainer trainer;
};

constexpr int kClipWidth = 128, kClipHeight = 96, kClipFrames = 13, kSpeed = 2;

/// A smooth pattern without period that moves kSpeed pixels to the right with every frame.
std::vector<std::uint8_t> picture(int frame, int scale) {
  const int w = kClipWidth / scale, h = kClipHeight / scale;
  std::vector<std::uint8_t> rgb(static_cast<std::size_t>(w * h * 3));
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      const double sx = scale * (x + 0.5) - kSpeed * frame, sy = scale * (y + 0.5);
      const double a =
          std::sin(sx * 0.31 + std::sin(sy * 0.17) * 2) * std::cos(sy * 0.23 + sx * 0.05);
      const double b = std::sin(sx * 0.13 - sy * 0.11) + 0.5 * std::sin(sx * 0.041 * sy * 0.1);
      const auto i = static_cast<std::size_t>(3 * (y * w + x));
      rgb[i] = static_cast<std::uint8_t>(128 + 60 * a + 30 * b);
      rgb[i + 1] = static_cast<std::uint8_t>(128 + 50 * b);
      rgb[i + 2] = static_cast<std::uint8_t>(128 - 70 * a);
    }
  }
  return rgb;
}

/// A clip with one layer at half size, every second frame.
void write_clip(const std::string& folder, const std::string& name) {
  fs::create_directories(folder);
  const std::string path = folder + "/" + name + ".frames";
  FrameStoreWriter frames(path, {kClipWidth, kClipHeight, 3, 0, 25, 1});
  for (int i = 0; i < kClipFrames; ++i) frames.add(picture(i, 1));
  frames.finish();
  BaseLayer layer{{kClipWidth, kClipHeight, kClipWidth / 2, kClipHeight / 2, 60, 2, 0, 7}, {}};
  layer.units.assign(7, {1});  // the training never decodes them
  write_base_layer(base_layer_path(path, 0), layer);
  FrameStoreWriter pictures(pictures_path(base_layer_path(path, 0)),
                            {kClipWidth / 2, kClipHeight / 2, 3, 0, 25, 1});
  for (int i = 0; i < 7; ++i) pictures.add(picture(2 * i, 2));
  pictures.finish();
}

class RestorerTrainingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ =
        (fs::temp_directory_path() / ("semcodec-restorer-" + std::to_string(::getpid()))).string();
    write_clip(root_ + "/data", "moving");
  }
  void TearDown() override { fs::remove_all(root_); }

  BaseSamplerOptions sampler() const {
    BaseSamplerOptions o;
    o.crop = 64;
    return o;
  }
  RestorerOptions options(const std::string& name) const {
    RestorerOptions o;
    o.data = root_ + "/data";
    o.output = root_ + "/" + name;
    o.device = "cpu";
    o.threads = 1;
    o.steps = 8;
    o.batch = 2;
    o.warm_up = 2;
    o.sampler = sampler();
    o.gan_start = 4;
    o.gan_patch = 48;
    o.discriminator_channels = 8;
    o.log_every = 1;
    o.sample_every = 8;
    o.weight_lpips = o.weight_vgg = 0;  // no third-party weights needed
    o.network.channels_half = o.network.channels_quarter = 16;
    o.network.channels_eighth = 16;
    o.network.channels_bottleneck = 24;
    o.network.blocks_half = o.network.encoder_quarter = o.network.encoder_eighth = 1;
    o.network.decoder_quarter = o.network.decoder_eighth = o.network.transformer_blocks = 1;
    o.bf16 = false;
    return o;
  }
  TensorMap checkpoint(const std::string& name) const {
    return load_safetensors(root_ + "/" + name + "/checkpoint.safetensors");
  }
  std::string root_;
};

void expect_same(const BaseSample& a, const BaseSample& b) {
  ASSERT_EQ(a.frames.size(), b.frames.size());
  for (std::size_t i = 0; i < a.frames.size(); ++i) {
    EXPECT_TRUE(torch::equal(a.frames[i].base, b.frames[i].base));
    EXPECT_TRUE(torch::equal(a.frames[i].near_a, b.frames[i].near_a));
    EXPECT_TRUE(torch::equal(a.frames[i].near_b, b.frames[i].near_b));
    EXPECT_TRUE(torch::equal(a.frames[i].source, b.frames[i].source));
    EXPECT_TRUE(torch::equal(a.frames[i].flow, b.frames[i].flow));
    EXPECT_TRUE(torch::equal(a.frames[i].scalars, b.frames[i].scalars));
  }
  EXPECT_TRUE(torch::equal(a.interpolated.source, b.interpolated.source));
  EXPECT_TRUE(torch::equal(a.interpolated.flow_back, b.interpolated.flow_back));
}

TEST_F(RestorerTrainingTest, SamplesHaveTheShapesOfTheNetwork) {
  const BaseSampler sampler(root_ + "/data", this->sampler());
  EXPECT_EQ(sampler.clips(), 1U);
  EXPECT_EQ(sampler.layers(), 1U);
  const auto batch = collate(std::vector{sampler.draw(1), sampler.draw(2), sampler.draw(3)});
  ASSERT_EQ(batch.frames.size(), 2U);
  EXPECT_EQ(batch.detail.sizes(), (std::vector<std::int64_t>{3}));
  for (const auto& frame : batch.frames) {
    using Shape = std::vector<std::int64_t>;
    EXPECT_EQ(frame.base.sizes(), (Shape{3, 3, 64, 64}));
    EXPECT_EQ(frame.source.sizes(), (Shape{3, 3, 64, 64}));
    EXPECT_EQ(frame.near_a.sizes(), (Shape{3, 3, 32, 32}));
    EXPECT_EQ(frame.near_b.sizes(), (Shape{3, 3, 32, 32}));
    EXPECT_EQ(frame.edges.sizes(), (Shape{3, 1, 32, 32}));
    EXPECT_EQ(frame.flow.sizes(), (Shape{3, 2, 64, 64}));
    EXPECT_EQ(frame.scalars.sizes(), (Shape{3, RestorerConfig::kScalars}));
    EXPECT_NEAR(frame.scalars[0][0].item<float>(), 0.5, 1e-6);
    EXPECT_NEAR(frame.scalars[0][2].item<float>(), 3 * 2 / 25.0, 1e-6);
    EXPECT_NEAR(frame.scalars[0][3].item<float>(), 60 / 63.0, 1e-6);
    EXPECT_TRUE(torch::equal(frame.scalars.select(1, 4), batch.detail));
    // The base shows the same moment and place as the source.
    EXPECT_LT((frame.base - frame.source).abs().mean().item<float>(), 0.05);
  }
}

TEST_F(RestorerTrainingTest, SamplesDependOnTheSeedAlone) {
  const BaseSampler a(root_ + "/data", sampler()), b(root_ + "/data", sampler());
  for (std::uint64_t seed = 0; seed < 5; ++seed) expect_same(a.draw(seed), b.draw(seed));
  EXPECT_FALSE(torch::equal(a.draw(1).frames[0].base, a.draw(2).frames[0].base));
}

TEST_F(RestorerTrainingTest, MirroredSamplesMoveTheOtherWay) {
  auto plain = sampler();
  plain.flip = false;
  const BaseSampler straight(root_ + "/data", plain), both(root_ + "/data", sampler());
  int mirrored = 0;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const auto a = straight.draw(seed), b = both.draw(seed);
    if (torch::equal(a.frames[0].base, b.frames[0].base)) continue;
    ++mirrored;
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_TRUE(torch::equal(a.frames[i].base.flip(3), b.frames[i].base));
      EXPECT_TRUE(torch::equal(a.frames[i].near_a.flip(3), b.frames[i].near_a));
      EXPECT_TRUE(torch::equal(a.frames[i].source.flip(3), b.frames[i].source));
      EXPECT_TRUE(
          torch::equal(-a.frames[i].flow.select(1, 0).flip(2), b.frames[i].flow.select(1, 0)));
      EXPECT_TRUE(
          torch::equal(a.frames[i].flow.select(1, 1).flip(2), b.frames[i].flow.select(1, 1)));
    }
  }
  EXPECT_GT(mirrored, 2);
  EXPECT_LT(mirrored, 11);
}

TEST_F(RestorerTrainingTest, FlowsLeadToTheFrameBefore) {
  auto o = sampler();
  o.flip = false;
  o.no_next_share = o.no_previous_share = 0;
  o.memory_share = 1;
  const BaseSampler sampler(root_ + "/data", o);
  double miss = 0, still = 0;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const auto sample = sampler.draw(seed);
    const auto& frame = sample.frames[1];
    EXPECT_NEAR(frame.flow.select(1, 0).median().item<float>(), -2 * kSpeed, 1.2);
    EXPECT_EQ(sample.frames[0].scalars[0][6].item<float>(), 0) << "no memory at first";
    EXPECT_EQ(frame.scalars[0][6].item<float>(), 1);
    const auto half = torch::avg_pool2d(frame.base, 2);
    miss += (frame.near_a - half).abs().mean().item<double>();
    still += (torch::avg_pool2d(sample.frames[0].base, 2) - half).abs().mean().item<double>();
  }
  EXPECT_LT(miss, 0.5 * still) << "the neighbour is warped to this moment";
}

TEST_F(RestorerTrainingTest, FlowNet2CanEstimateTheMotion) {
  auto o = sampler();
  o.flip = false;
  o.no_next_share = o.no_previous_share = 0;
  const BaseSampler by_dis(root_ + "/data", o);
  o.dis_share = 0;
  o.flow = SEMCODEC_SOURCE_DIR "/models/zoo/default/flow.safetensors";
  const BaseSampler by_network(root_ + "/data", o);
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    const auto a = by_dis.draw(seed), b = by_network.draw(seed);
    EXPECT_TRUE(torch::equal(a.frames[1].base, b.frames[1].base)) << "only the motion differs";
    EXPECT_FALSE(torch::equal(a.frames[1].flow, b.frames[1].flow));
    EXPECT_NEAR(b.frames[1].flow.select(1, 0).median().item<float>(), -2 * kSpeed, 2);
    EXPECT_NEAR(b.interpolated.flow_back.select(1, 0).median().item<float>(), 2 * kSpeed, 2);
    expect_same(b, by_network.draw(seed));
  }
}

TEST_F(RestorerTrainingTest, EdgeMapsComeFromTheStoresWhereAskedFor) {
  auto o = sampler();
  o.edges_share = 1;
  EXPECT_THROW(BaseSampler(root_ + "/data", o), Error) << "there are none";
  FrameStoreWriter edges(root_ + "/data/moving.edges", {kClipWidth, kClipHeight, 1, 0, 25, 1});
  std::vector<std::uint8_t> map(std::size_t{kClipWidth} * kClipHeight);
  for (std::size_t i = 0; i < map.size(); i += kClipWidth) {
    for (const std::size_t x : {40, 88}) map[i + x] = 255;
  }
  for (int i = 0; i < kClipFrames; ++i) edges.add(map);
  edges.finish();
  const BaseSampler with(root_ + "/data", o);
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    for (const auto& frame : with.draw(seed).frames) {
      EXPECT_EQ(frame.edges.sizes(), (std::vector<std::int64_t>{1, 1, 32, 32}));
      EXPECT_GT(frame.edges.max().item<float>(), 0.2);
      EXPECT_EQ(frame.edges.min().item<float>(), 0);
    }
  }
}

TEST_F(RestorerTrainingTest, TheInterpolatedFrameLiesBetweenTheLastTwo) {
  auto o = sampler();
  o.flip = false;
  const BaseSampler sampler(root_ + "/data", o);
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const auto sample = sampler.draw(seed);
    const auto& frame = sample.interpolated;
    EXPECT_EQ(frame.there.item<float>(), 1);
    EXPECT_EQ(frame.tau.item<float>(), 0.5) << "every second frame is coded";
    EXPECT_NEAR(frame.interval.item<float>(), 2 / 25.0, 1e-6);
    EXPECT_NEAR(frame.flow_back.select(1, 0).median().item<float>(), 2 * kSpeed, 1.2);
    // One frame further than the one before: the pattern, moved.
    const auto moved = sample.frames[0].source.narrow(3, 0, 64 - kSpeed);
    EXPECT_LT((frame.source.narrow(3, kSpeed, 64 - kSpeed) - moved).abs().max().item<float>(),
              0.02);
  }
}

TEST_F(RestorerTrainingTest, NeighboursThatAreDroppedAreZeroAndSaidSo) {
  auto o = sampler();
  o.no_next_share = o.no_previous_share = 1;
  const BaseSampler sampler(root_ + "/data", o);
  const auto sample = sampler.draw(3);
  EXPECT_EQ(sample.frames[0].near_a.abs().max().item<float>(), 0);
  EXPECT_EQ(sample.frames[0].near_b.abs().max().item<float>(), 0);
  EXPECT_EQ(sample.frames[0].scalars[0][5].item<float>(), 0);
  EXPECT_EQ(sample.frames[0].scalars[0][7].item<float>(), 0);
  EXPECT_GT(sample.frames[1].near_a.abs().max().item<float>(), 0);
  EXPECT_EQ(sample.frames[1].scalars[0][5].item<float>(), 1);
  EXPECT_EQ(sample.frames[1].near_b.abs().max().item<float>(), 0);
}

TEST_F(RestorerTrainingTest, StoresThatDoNotFitAreRefused) {
  const auto refused = [&](const std::string& text) {
    try {
      const BaseSampler sampler(root_ + "/data", this->sampler());
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
      return true;
    }
    return false;
  };
  const std::string base = root_ + "/data/moving-0.base";
  const auto layer = read_base_layer(base);
  auto longer = layer;
  longer.plan.interval = 3;  // beyond the clip's end
  write_base_layer(base, longer);
  EXPECT_TRUE(refused("do not belong together"));
  auto fewer = layer;
  fewer.plan.pictures = 6;
  fewer.units.pop_back();
  write_base_layer(base, fewer);
  EXPECT_TRUE(refused("do not belong together"));
  write_base_layer(base, layer);
  EXPECT_FALSE(refused(""));
  fs::remove(pictures_path(base));
  EXPECT_TRUE(refused("--expand"));
  fs::remove(base);
  EXPECT_TRUE(refused("--base N"));
}

TEST_F(RestorerTrainingTest, HeldOutClipsAreApart) {
  write_clip(root_ + "/data", "other");
  const std::vector<std::string> names = {"oth"};
  EXPECT_EQ(BaseSampler(root_ + "/data", sampler()).clips(), 2U);
  EXPECT_EQ(BaseSampler(root_ + "/data", sampler(), BaseSampler::Part::all_but, names).clips(), 1U);
  EXPECT_EQ(BaseSampler(root_ + "/data", sampler(), BaseSampler::Part::only, names).clips(), 1U);
  EXPECT_THROW(BaseSampler(root_ + "/data", sampler(), BaseSampler::Part::only, {"none"}), Error);
}

TEST_F(RestorerTrainingTest, LearnsItsClip) {
  auto o = options("learn");
  o.steps = 60;
  o.gan_start = 1000;
  o.learning_rate = 2e-3;
  const Ranks ranks;
  RestorerStage stage(o, ranks);
  const auto mean = [&](std::int64_t first) {
    double sum = 0;
    for (std::int64_t i = 0; i < 10; ++i)
      sum += stage.trainer.step_on(stage.trainer.batch_of(first + i)).at("loss");
    return sum / 10;
  };
  const double before = mean(0);
  for (std::int64_t i = 10; i < 50; ++i) stage.trainer.step_on(stage.trainer.batch_of(i));
  EXPECT_LT(mean(50), 0.8 * before);
}

TEST_F(RestorerTrainingTest, AResumedRunEndsWithTheSameWeights) {
  for (const int unroll : {2, 3}) {  // three: the video discriminator too
    const std::string tag = std::to_string(unroll);
    const Ranks ranks;
    const auto set = [&](const std::string& name) {
      auto o = options(name + tag);
      o.sampler.unroll = unroll;
      return o;
    };
    {
      RestorerStage whole(set("whole"), ranks);
      whole.trainer.run();
    }
    auto o = set("parts");
    o.stop_after = 5;
    {
      RestorerStage first(o, ranks);
      first.trainer.run();
    }
    o.stop_after = 0;
    RestorerStage second(o, ranks);
    ASSERT_TRUE(second.trainer.resume());
    second.trainer.run();
    const auto a = checkpoint("whole" + tag), b = checkpoint("parts" + tag);
    ASSERT_EQ(a.size(), b.size());
    for (const auto& [name, tensor] : a) {
      ASSERT_TRUE(b.contains(name)) << name;
      EXPECT_TRUE(torch::equal(tensor, b.at(name))) << name;
    }
  }
}

TEST_F(RestorerTrainingTest, ALossThatIsNoNumberLeadsBack) {
  auto o = options("fault");
  o.fault_at = 3;
  const Ranks ranks;
  RestorerStage stage(o, ranks);
  stage.trainer.run();
  Metadata metadata;
  load_safetensors(o.output + "/checkpoint.safetensors", &metadata);
  EXPECT_EQ(metadata["step"], "8");
  EXPECT_EQ(std::stod(metadata["rate_scale"]), 0.5);
}

TEST_F(RestorerTrainingTest, TheInterpolatorLearnsOnlyWhenAsked) {
  const Ranks ranks;
  const auto moved = [&](double weight) {
    auto o = options("between" + std::to_string(weight > 0));
    o.steps = 2;
    o.weight_interpolator = weight;
    RestorerStage stage(o, ranks);
    stage.trainer.save();
    const auto before = load_safetensors(o.output + "/checkpoint.safetensors");
    stage.trainer.run();
    const auto after = load_safetensors(o.output + "/checkpoint.safetensors");
    const std::string name = "restorer.interpolator.motion_in.weight";
    return !torch::equal(before.at(name), after.at(name));
  };
  EXPECT_TRUE(moved(1));
  EXPECT_FALSE(moved(0));
}

TEST_F(RestorerTrainingTest, ExportsAPackageAndStartsFromIt) {
  auto o = options("export");
  o.steps = 2;
  o.detail = 0.25;
  const Ranks ranks;
  {
    RestorerStage stage(o, ranks);
    stage.trainer.run();
    stage.trainer.export_result();
  }
  const auto package = open_package(o.output);
  ASSERT_TRUE(package.restorer);
  EXPECT_EQ(package.restorer->channels_bottleneck, 24);
  EXPECT_DOUBLE_EQ(package.detail, 0.25);
  EXPECT_TRUE(fs::exists(package.flow_path()));
  const auto weights = state_of(*load_restorer(package, torch::kCPU, torch::kFloat32));
  const auto average = checkpoint("export");
  for (const auto& [name, tensor] : weights) {
    EXPECT_TRUE(torch::allclose(tensor, average.at("ema.restorer." + name), 1e-3, 1e-4)) << name;
  }
  // Twice as many blocks: the new ones add nothing at first.
  auto next = options("next");
  next.initial = o.output;
  next.network.decoder_quarter = 2;
  next.steps = 1;
  RestorerStage stage(next, ranks);
  stage.trainer.save();
  const auto begun = checkpoint("next");
  EXPECT_EQ(begun.at("restorer.decoder_quarter.1.conv2.weight").abs().max().item<float>(), 0);
  EXPECT_TRUE(torch::equal(begun.at("restorer.head.weight"), weights.at("head.weight")));
}

}  // namespace
}  // namespace semcodec
