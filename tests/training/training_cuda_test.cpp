// The generator stage on a GPU: the same losses as on the CPU for the same batches.

#include <gtest/gtest.h>

#include <filesystem>

#include "models/core/device.h"
#include "models/flownet2/flow_estimator.h"
#include "models/package/model_package.h"
#include "tests/models/gpu_test.h"
#include "training/generator/generator_task.h"
#include "training/trainer/trainer.h"

namespace semcodec {
namespace {

namespace fs = std::filesystem;

class TrainingOnGpu : public GpuTest {
 protected:
  void SetUp() override {
    GpuTest::SetUp();
    if (unusable()) return;
    root_ = (fs::temp_directory_path() / ("semcodec-gpu-" + std::to_string(::getpid()))).string();
    fs::create_directories(root_ + "/data");
    FrameStoreWriter frames(root_ + "/data/waves.frames", {96, 64, 3, 0, 25, 1});
    FrameStoreWriter edges(root_ + "/data/waves.edges", {96, 64, 1, 0, 25, 1});
    for (int t = 0; t < 24; ++t) {
      std::vector<std::uint8_t> rgb, edge;
      for (int y = 0; y < 64; ++y) {
        for (int x = 0; x < 96; ++x) {
          const int bar = (x - 2 * t + 240) / 12;
          for (const int value :
               {60 + 37 * (bar % 5), 40 + 50 * ((bar + y / 16) % 4), 2 * y + 30}) {
            rgb.push_back(static_cast<std::uint8_t>(value));
          }
          edge.push_back((x - 2 * t + 240) % 12 == 0 ? 255 : 0);
        }
      }
      frames.add(rgb);
      edges.add(edge);
    }
    frames.finish();
    edges.finish();
    // A small FlowNet2, so that correlation, warp and channel norm are differentiated too.
    FlowNet2Options flow;
    flow.width = 0.0625;
    flow.max_displacement = 4;
    torch::manual_seed(4);
    FlowNet2 net(flow);
    save_safetensors(root_ + "/flow.safetensors", state_of(*net), flow_metadata(flow, 1));
  }
  void TearDown() override {
    if (!root_.empty()) fs::remove_all(root_);
  }

  GeneratorOptions options(const std::string& device) const {
    GeneratorOptions o;
    o.data = root_ + "/data";
    o.output = root_ + "/" + device;
    o.device = device;
    o.threads = 2;
    o.steps = 40;
    o.image_steps = 2;
    o.gan_start = 4;
    o.batch = 2;
    o.sampler.crop = 64;
    o.gan_patch = 48;
    o.discriminator_channels = 8;
    o.bf16 = false;
    o.weight_lpips = o.weight_vgg = 0;  // no third-party weights needed
    o.weight_flow = 0.2;
    o.flow = root_ + "/flow.safetensors";
    o.network.channels_half = o.network.channels_quarter = 16;
    o.network.channels_eighth = 32;
    o.network.channels_bottleneck = 48;
    return o;
  }

  std::vector<std::map<std::string, double>> losses(const std::string& device, bool bf16) const {
    auto o = options(device);
    o.bf16 = bf16;
    const Ranks ranks;
    GeneratorTask task(o, ranks);
    Trainer trainer(task);
    const SequenceSampler sampler(o.data, o.sampler);
    std::vector<std::map<std::string, double>> all;
    for (std::uint64_t step = 0; step < 12; ++step) {
      const bool between = step % 2 == 0;
      const auto batch =
          collate(std::vector{sampler.draw(step, between), sampler.draw(step + 100, between)});
      all.push_back(trainer.step_on(to_device(batch, parse_device(device))));
    }
    return all;
  }

  std::string root_;
};

TEST_F(TrainingOnGpu, LosesAsTheCpuDoes) {
  const auto want = losses("cpu", false), got = losses("cuda:0", false),
             half = losses("cuda:0", true);
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t step = 0; step < want.size(); ++step) {
    ASSERT_EQ(got[step].size(), want[step].size());
    for (const auto& [name, value] : want[step]) {
      // The first steps differ by tf32 alone; then the two trainings drift apart.
      const double share = step < 3 ? 0.01 : 0.1;
      EXPECT_NEAR(got[step].at(name), value, share * std::abs(value) + 0.005)
          << name << " " << step;
      EXPECT_NEAR(half[step].at(name), value, 0.2 * std::abs(value) + 0.02) << name << " " << step;
    }
  }
  EXPECT_TRUE(want[11].contains("flow"));
  EXPECT_TRUE(want[11].contains("d_video"));
}

TEST_F(TrainingOnGpu, RunsFromItsOwnFeedAndGoesOn) {
  auto o = options("cuda:0");
  o.workers = 2;
  o.stop_after = 10;
  const Ranks ranks;
  {
    GeneratorTask task(o, ranks);
    Trainer trainer(task);
    trainer.run();
  }
  o.stop_after = 20;
  GeneratorTask task(o, ranks);
  Trainer trainer(task);
  trainer.resume();
  trainer.run();
  trainer.export_result();
  const auto package = open_package(o.output);
  EXPECT_NO_THROW(load_generator(package, torch::Device(torch::kCUDA, 0), torch::kFloat16));
}

}  // namespace
}  // namespace semcodec
