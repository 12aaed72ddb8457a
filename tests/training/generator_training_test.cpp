// The generator stage on a small store made here: samples, learning, and resuming.

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>
#include <tuple>

#include "common/core/error.h"
#include "models/core/safetensors.h"
#include "models/flownet2/flow_estimator.h"
#include "models/generator/conditions.h"
#include "models/package/model_package.h"
#include "training/data/intra_picture.h"
#include "training/data/sequence_sampler.h"
#include "training/generator/generation.h"
#include "training/generator/generator_task.h"
#include "training/generator/objective.h"
#include "training/generator/recompute.h"
#include "training/trainer/trainer.h"

namespace semcodec {
namespace {

namespace fs = std::filesystem;

constexpr int kWidth = 96, kHeight = 64, kFrames = 12;

struct Stage {
  Stage(const GeneratorOptions& options, const Ranks& ranks)
      : task(options, ranks), trainer(task) {}
  GeneratorTask task;
  Trainer trainer;
};

/// Coloured bars that move two pixels to the right with every frame, and their edges.
void write_store(const std::string& folder) {
  fs::create_directories(folder);
  FrameStoreWriter frames(folder + "/bars.frames", {kWidth, kHeight, 3, 0, 25, 1});
  FrameStoreWriter edges(folder + "/bars.edges", {kWidth, kHeight, 1, 0, 25, 1});
  for (int t = 0; t < kFrames; ++t) {
    std::vector<std::uint8_t> rgb(kWidth * kHeight * 3), edge(kWidth * kHeight);
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        const auto i = static_cast<std::size_t>(y * kWidth + x);
        const int bar = (x - 2 * t + 240) / 12;
        rgb[3 * i] = static_cast<std::uint8_t>(60 + 37 * (bar % 5));
        rgb[3 * i + 1] = static_cast<std::uint8_t>(40 + 50 * ((bar + y / 16) % 4));
        rgb[3 * i + 2] = static_cast<std::uint8_t>(2 * y + 30);
        edge[i] = (x - 2 * t + 240) % 12 == 0 ? 255 : 0;
      }
    }
    frames.add(rgb);
    edges.add(edge);
  }
  frames.finish();
  edges.finish();
}

class GeneratorTrainingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = (fs::temp_directory_path() / ("semcodec-train-" + std::to_string(::getpid()))).string();
    write_store(root_ + "/data");
  }
  void TearDown() override { fs::remove_all(root_); }

  GeneratorOptions options(const std::string& name) const {
    GeneratorOptions o;
    o.data = root_ + "/data";
    o.output = root_ + "/" + name;
    o.device = "cpu";
    o.threads = 1;
    o.steps = 8;
    o.image_steps = 2;
    o.gan_start = 4;
    o.batch = 1;
    o.sampler.crop = 64;
    o.gan_patch = 48;
    o.discriminator_channels = 8;
    o.log_every = 1;
    o.sample_every = 8;
    o.weight_lpips = o.weight_vgg = 0;  // no third-party weights needed
    o.network.channels_half = o.network.channels_quarter = 16;
    o.network.channels_eighth = 32;
    o.network.channels_bottleneck = 48;
    return o;
  }
  static std::vector<std::string> losses(const GeneratorOptions& o) {
    std::ifstream file(o.output + "/losses.csv");
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }
  const Ranks ranks_;
  std::string root_;
};

TEST_F(GeneratorTrainingTest, AnUnrollAgesTheMemoryAlone) {
  SamplerOptions sampling;
  sampling.crop = 64;
  const SequenceSampler sampler(root_ + "/data", sampling);
  const auto sample = sampler.draw(3, false);
  GeneratorConfig config = options("any").network;
  torch::manual_seed(2);
  Generator generator(config);
  TextureEncoder texture(config.texture);
  const auto now = generate_sample(generator, texture, sample, false, false);
  const auto later = generate_sample(generator, texture, sample, false, false, false, 0, 3);
  EXPECT_TRUE(torch::equal(now.frame[0], later.frame[0]));
  EXPECT_GT((now.frame[1] - later.frame[1]).abs().max().item<double>(), 1e-4);
  // Gradients come from the frames of the sample alone, so they cost as much as before.
  later.frame.sum().backward();
  for (const auto& item : generator->named_parameters()) {
    if (!item.key().starts_with("interpolator")) {
      EXPECT_TRUE(item.value().grad().defined()) << item.key();
    }
  }
}

TEST_F(GeneratorTrainingTest, MoreBlocksStartAsTheIdentity) {
  auto small = options("small");
  small.stop_after = 2;
  Stage first(small, ranks_);
  first.trainer.run();
  first.trainer.export_result();
  auto deep = options("deep");
  deep.initial = small.output;
  deep.network.blocks_half = 3;
  deep.network.blocks_eighth = 5;
  Stage second(deep, ranks_);
  second.trainer.export_result();
  const auto generate = [](const std::string& folder) {
    auto generator = load_generator(open_package(folder), torch::kCPU, torch::kFloat32);
    CodedFrameInput input;
    input.condition = torch::linspace(0, 1, 4 * 32 * 32).reshape({1, 4, 32, 32});
    input.texture = torch::zeros({1, generator->config().texture.channels, 4, 4});
    input.planes = plane_scalars(8, 4, 16, 0.0);
    return generator->generate(image_context(input));
  };
  EXPECT_LT((generate(deep.output) - generate(small.output)).abs().max().item<double>(), 1e-5);
  // Fewer blocks than the file has are refused: what they knew would be lost.
  auto shallow = options("shallow");
  shallow.initial = deep.output;
  EXPECT_THROW(GeneratorTask(shallow, ranks_), Error);
}

TEST_F(GeneratorTrainingTest, SamplesDependOnTheSeedOnly) {
  SamplerOptions sampling;
  sampling.crop = 64;
  const SequenceSampler sampler(root_ + "/data", sampling);
  EXPECT_EQ(sampler.frames(), static_cast<std::uint64_t>(kFrames));
  for (const bool between : {true, false}) {
    const auto a = sampler.draw(11, between), b = sampler.draw(11, between);
    EXPECT_EQ(a.between, between);
    EXPECT_TRUE(torch::equal(a.pictures[2], b.pictures[2]));
    EXPECT_TRUE(torch::equal(a.conditions[1], b.conditions[1]));
    EXPECT_TRUE(torch::equal(a.flow_10, b.flow_10));
    EXPECT_EQ(a.pictures[0].sizes(), at::IntArrayRef({1, 3, 64, 64}));
    EXPECT_EQ(a.conditions[0].sizes(), at::IntArrayRef({1, 4, 32, 32}));
    EXPECT_EQ(a.flow_10.sizes(), at::IntArrayRef({1, 2, 16, 16}));
    EXPECT_EQ(a.planes.sizes(), at::IntArrayRef({1, 4}));
    EXPECT_EQ(a.key.sizes(), at::IntArrayRef({1, 3, 64, 64}));
    EXPECT_EQ(a.key.abs().max().item<float>() > 0, a.has_key.item<float>() > 0);
    EXPECT_EQ(a.flow_01.defined(), between);
    EXPECT_EQ(a.flow_21.defined(), !between);
    const double third = a.third.item<double>();
    EXPECT_GT(third, 0.0);
    if (between) {
      EXPECT_LT(third, 1.0);
    }
  }
}

TEST_F(GeneratorTrainingTest, AStillBecomesASequenceThatMoves) {
  const std::string folder = root_ + "/stills";
  fs::create_directories(folder);
  const FrameStore bars(root_ + "/data/bars.frames"), edges(root_ + "/data/bars.edges");
  FrameStoreWriter picture(folder + "/one.frames", {kWidth, kHeight, 3, 0, 25, 1});
  FrameStoreWriter lines(folder + "/one.edges", {kWidth, kHeight, 1, 0, 25, 1});
  picture.add({bars.frame(0), bars.header().frame_bytes()});
  lines.add({edges.frame(0), edges.header().frame_bytes()});
  picture.finish();
  lines.finish();
  SamplerOptions sampling;
  sampling.crop = 64;
  const SequenceSampler sampler(folder, sampling);
  int moved = 0;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const auto sample = sampler.draw(seed, true);
    moved += !torch::equal(sample.pictures[0], sample.pictures[1]);
  }
  EXPECT_GE(moved, 6);
}

TEST(IntraPicture, LooksLikeThePictureButNotQuite) {
  const auto y = torch::arange(64).view({64, 1}) / 64.0, x = torch::arange(96).view({1, 96}) / 96.0;
  const auto picture = torch::stack({0.5 + 0.4 * torch::sin(9 * x + 5 * y), 0.3 + 0.5 * (x * y),
                                     0.7 - 0.5 * y + 0 * x})
                           .unsqueeze(0)
                           .to(torch::kFloat);
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    Random random(seed);
    const auto key = as_intra_picture(picture, random);
    const double error = (key - picture).square().mean().item<double>();
    EXPECT_GT(error, 0.0);
    EXPECT_LT(error, 0.01) << "worse than 20 dB on a smooth picture";
  }
}

TEST_F(GeneratorTrainingTest, RunsThroughAllPhasesAndWritesItsFiles) {
  const auto o = options("run");
  Stage stage(o, ranks_);
  stage.trainer.run();
  EXPECT_EQ(losses(o).size(), 9U) << "a header and a line a step";
  EXPECT_TRUE(fs::exists(o.output + "/sample-8.ppm"));
  EXPECT_TRUE(fs::exists(o.output + "/checkpoint.safetensors"));
  stage.trainer.export_result();
  const auto package = open_package(o.output);
  EXPECT_EQ(package.config.channels_eighth, 32);
  EXPECT_NO_THROW(load_generator(package, torch::kCPU, torch::kFloat32));
  EXPECT_NO_THROW(load_texture_encoder(package, torch::kCPU, torch::kFloat32));
}

TEST_F(GeneratorTrainingTest, ResumingGoesOnWithTheSameLosses) {
  const auto straight = options("straight");
  Stage(straight, ranks_).trainer.run();

  // Stopped after 5 of 8 steps, as by a signal; the schedule still is that of 8.
  auto first_half = options("resumed");
  first_half.stop_after = 5;
  Stage(first_half, ranks_).trainer.run();
  auto second_half = options("resumed");
  Stage stage(second_half, ranks_);
  ASSERT_TRUE(stage.trainer.resume());
  stage.trainer.run();
  const auto a = losses(straight), b = losses(second_half);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 1; i < a.size(); ++i) {
    double x = 0, y = 0;
    std::sscanf(a[i].c_str(), "%*d,%lf", &x);
    std::sscanf(b[i].c_str(), "%*d,%lf", &y);
    EXPECT_NEAR(x, y, 2e-3 * std::abs(x)) << "step " << i;
  }
}

TEST_F(GeneratorTrainingTest, ALossThatIsNoNumberLeadsBackToTheLastCheckpoint) {
  auto o = options("fault");
  o.fault_at = 5;
  Stage(o, ranks_).trainer.run();
  const auto lines = losses(o);
  ASSERT_EQ(lines.size(), 9U) << "every step is there once";
  for (const auto& line : lines) EXPECT_EQ(line.find("nan"), std::string::npos) << line;
  Metadata metadata;
  load_safetensors(o.output + "/checkpoint.safetensors", &metadata);
  EXPECT_EQ(metadata["rate_scale"].substr(0, 4), "0.50");
  EXPECT_EQ(metadata["reseed"], "1") << "other samples";
}

TEST_F(GeneratorTrainingTest, ATrainingThatKeepsDivergingEndsWithASentence) {
  auto o = options("diverging");
  o.learning_rate = 1e30;
  o.steps = 400;
  o.image_steps = 400;
  o.sample_every = 1000;
  o.retry.retries = 2;
  Stage stage(o, ranks_);
  try {
    stage.trainer.run();
    FAIL() << "took weights of 1e28 for good";
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("after 2 returns to the last good checkpoint"), std::string::npos) << text;
  }
  Stage again(options("diverging"), ranks_);
  EXPECT_TRUE(again.trainer.resume()) << "the last good checkpoint is whole";
}

TEST_F(GeneratorTrainingTest, PartsOfABatchAndRecomputationLearnTheSame) {
  // The weights after some steps, through all three phases, stand for the gradients of each.
  const auto weights_of = [&](const std::string& name, int accumulate, bool recompute) {
    auto o = options(name);
    o.batch = 4;
    o.bf16 = false;
    o.steps = 6;
    o.ema = 0;
    o.accumulate = accumulate;
    o.checkpoint_activations = recompute;
    Stage(o, ranks_).trainer.run();
    return load_safetensors(o.output + "/checkpoint.safetensors");
  };
  const auto plain = weights_of("plain", 1, false);
  for (const auto& [name, parts, recompute] :
       {std::tuple{"parts", 2, false}, std::tuple{"again", 1, true}, std::tuple{"both", 4, true}}) {
    const auto other = weights_of(name, parts, recompute);
    double moment = 0, apart = 0;
    for (const auto& [key, tensor] : plain) {
      if (key.rfind("adam.", 0) != 0 || key.find(".mean") == std::string::npos) continue;
      moment += tensor.square().sum().item<double>();
      apart += (tensor - other.at(key)).square().sum().item<double>();
    }
    EXPECT_GT(moment, 0.0);
    EXPECT_LT(apart, 1e-4 * moment) << name << ": Adam's mean of the gradients";
  }
}

TEST(Recompute, GradientsAreThoseOfTheWholeGraph) {
  torch::manual_seed(3);
  auto net = torch::nn::Sequential(torch::nn::Conv2d(3, 8, 3), torch::nn::SiLU(),
                                   torch::nn::Conv2d(8, 2, 3));
  const auto picture = torch::rand({2, 3, 12, 12});
  const auto run = [&](bool again, bool input_wants) {
    net->zero_grad();
    const auto input = picture.clone().requires_grad_(input_wants);
    const TensorFunction f = [&](const std::vector<torch::Tensor>& x) {
      EXPECT_FALSE(x[1].defined());
      const auto y = net->forward(x[0]);
      return std::vector<torch::Tensor>{y, y.square()};
    };
    const auto out = again ? recomputed(f, {input, {}}) : f({input, {}});
    (out[0].sum() + 3 * out[1].mean()).backward();
    std::vector<torch::Tensor> all;
    for (const auto& p : net->parameters()) all.push_back(p.grad().clone());
    if (input_wants) all.push_back(input.grad());
    return all;
  };
  for (const bool input_wants : {false, true}) {
    const auto a = run(false, input_wants), b = run(true, input_wants);
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::allclose(a[i], b[i]));
  }
  const torch::NoGradGuard no_grad;
  EXPECT_FALSE(
      recomputed([&](const auto& x) { return std::vector{net->forward(x[0])}; }, {picture})[0]
          .requires_grad());
}

TEST(Objective, APatchLiesWithinThePictureAndComesAgain) {
  const auto pictures = torch::rand({1, 3, 40, 64});
  std::set<std::int64_t> seen;
  for (std::int64_t step = 0; step < 50; ++step) {
    const auto patch = draw_patch(pictures, 24, 1, step, 0),
               again = draw_patch(pictures, 24, 1, step, 0);
    EXPECT_EQ(patch.of(pictures).sizes(), at::IntArrayRef({1, 3, 24, 24}));
    EXPECT_EQ(patch.x, again.x);
    EXPECT_EQ(patch.y, again.y);
    seen.insert(patch.x);
  }
  EXPECT_GT(seen.size(), 15U);
  EXPECT_EQ(draw_patch(pictures, 0, 1, 0, 0).side, 40);
  EXPECT_EQ(draw_patch(pictures, 100, 1, 0, 0).side, 40);
}

TEST_F(GeneratorTrainingTest, TheMotionOfTheOutputIsHeldToThatOfTheSource) {
  FlowNet2Options small;
  small.width = 0.0625;
  small.max_displacement = 4;
  const std::string file = root_ + "/flow.safetensors";
  save_safetensors(file, state_of(*FlowNet2(small)), flow_metadata(small, 2));
  auto o = options("flow");
  o.flow = file;
  Objective objective(o, torch::kCPU);
  EXPECT_NE(objective.describe().find("FlowNet2 (" + file), std::string::npos);
  const auto frames = torch::rand({3, 3, 64, 64}).requires_grad_(true);
  Generated generated;
  generated.frame = generated.raw = frames;
  generated.source = generated.raw_source = frames.detach();
  generated.video_real = generated.video_fake = torch::zeros({1, 13, 64, 64});
  double flow = -1;
  const auto note = [&](const std::string& name, const torch::Tensor& loss) {
    if (name == "flow") flow = loss.item<double>();
  };
  objective(generated, 0, note);
  EXPECT_EQ(flow, 0.0) << "the same pictures move in the same way";
  generated.source = torch::roll(frames.detach(), 4, 3).flip(0);
  objective(generated, 0, note).backward();
  EXPECT_GT(flow, 0.0);
  EXPECT_GT(frames.grad().abs().sum().item<double>(), 0.0);
}

TEST_F(GeneratorTrainingTest, ACheckpointOfAnotherNetworkIsRefused) {
  const auto o = options("other");
  Stage(o, ranks_).trainer.run();
  auto wider = o;
  wider.network.channels_eighth = 40;
  Stage stage(wider, ranks_);
  EXPECT_ANY_THROW(stage.trainer.resume());
}

}  // namespace
}  // namespace semcodec
