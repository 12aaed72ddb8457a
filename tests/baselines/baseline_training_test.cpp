// The baselines in the one trainer: each learns eight frames by heart; teachers, files, resuming.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/core/error.h"
#include "training/baselines/baseline_task.h"
#include "training/frame_store.h"
#include "training/trainer/trainer.h"

namespace semcodec {
namespace {

namespace fs = std::filesystem;

constexpr int kSide = 64, kFrames = 8;

/// Eight frames of coloured bars that move three pixels at a time, and their edges.
void write_store(const std::string& folder) {
  fs::create_directories(folder);
  FrameStoreWriter frames(folder + "/bars.frames", {kSide, kSide, 3, 0, 25, 1});
  FrameStoreWriter edges(folder + "/bars.edges", {kSide, kSide, 1, 0, 25, 1});
  for (int t = 0; t < kFrames; ++t) {
    std::vector<std::uint8_t> rgb(kSide * kSide * 3), edge(kSide * kSide);
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        const auto i = static_cast<std::size_t>(y * kSide + x);
        const int place = x - 3 * t + 240, bar = place / 16;
        rgb[3 * i] = static_cast<std::uint8_t>(60 + 37 * (bar % 5));
        rgb[3 * i + 1] = static_cast<std::uint8_t>(40 + 50 * ((bar + y / 16) % 4));
        rgb[3 * i + 2] = static_cast<std::uint8_t>(2 * y + 30);
        edge[i] = place % 16 == 0 ? 255 : 0;
      }
    }
    frames.add(rgb);
    edges.add(edge);
  }
  frames.finish();
  edges.finish();
}

struct Stage {
  Stage(const GeneratorOptions& options, const Ranks& ranks)
      : task(options, ranks), trainer(task) {}
  BaselineTask task;
  Trainer trainer;
};

class BaselineTraining : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ =
        (fs::temp_directory_path() / ("semcodec-baselines-" + std::to_string(::getpid()))).string();
    write_store(root_ + "/data");
  }
  void TearDown() override { fs::remove_all(root_); }

  GeneratorOptions options(const std::string& kind, const std::string& name) const {
    GeneratorOptions o;
    o.kind = kind;
    o.baseline = published_baseline(kind);
    o.baseline.channels = 16;
    o.baseline.downsamplings = 2;
    o.baseline.blocks = 2;
    o.baseline.condition = "planes";
    o.data = root_ + "/data";
    o.output = root_ + "/" + name;
    o.device = "cpu";
    o.threads = 1;
    o.batch = 1;
    o.gan_start = 1000000;
    o.bf16 = false;
    o.learning_rate = 2e-3;
    o.beta1 = 0.5;
    o.ema = 0.9;
    o.warm_up = 5;
    o.log_every = 1;
    o.sample_every = 1000000;
    o.weight_lpips = o.weight_vgg = o.weight_spectrum = 0;
    o.sampler.crop = kSide;
    o.sampler.flip = false;
    o.sampler.key_share = 0;
    o.sampler.finest_share = 1;
    o.sampler.min_interval = 0.03;
    o.sampler.max_interval = 0.05;
    o.sampler.texture_channels = 0;
    o.discriminator_channels = 8;
    o.gan_patch = 48;
    return o;
  }
  static std::vector<double> column(const GeneratorOptions& o, const std::string& name) {
    std::ifstream file(o.output + "/losses.csv");
    std::string line, word;
    std::getline(file, line);
    std::istringstream head(line);
    std::size_t index = 0;
    while (std::getline(head, word, ',') && word != name) ++index;
    std::vector<double> values;
    while (std::getline(file, line)) {
      std::istringstream row(line);
      for (std::size_t i = 0; i <= index && std::getline(row, word, ','); ++i) {
        if (i == index) values.push_back(word.empty() ? 0 : std::stod(word));
      }
    }
    return values;
  }
  const Ranks ranks_;
  std::string root_;
};

class EachBaseline : public BaselineTraining, public ::testing::WithParamInterface<std::string> {};

TEST_P(EachBaseline, LearnsEightFramesByHeart) {
  auto o = options(GetParam(), "heart");
  o.steps = 150;
  Stage stage(o, ranks_);
  stage.trainer.run();
  const auto l1 = column(o, "l1");
  ASSERT_EQ(l1.size(), 150U);
  double last = 0;
  for (std::size_t i = 140; i < 150; ++i) last += l1[i] / 10;
  EXPECT_GT(l1.front(), 0.15) << "it knows nothing at first";
  EXPECT_LT(last, l1.front() / 5);
  stage.trainer.export_result();
  const auto loaded = load_baseline(o.output + "/baseline.safetensors");
  EXPECT_EQ(loaded->config().kind, GetParam());
}

TEST_P(EachBaseline, MeetsTheDiscriminatorsAndGoesOnWhereItStopped) {
  auto o = options(GetParam(), "straight");
  o.steps = 6;
  o.gan_start = 2;
  o.discriminator_scales = 3;
  o.discriminator_norm = true;
  o.gan = GanMode::lsgan;
  Stage(o, ranks_).trainer.run();
  const bool temporal = GetParam() != "pix2pixHD";
  EXPECT_GT(column(o, "d_image").back(), 0.0);
  EXPECT_EQ(column(o, "d_video").back() > 0, temporal);
  EXPECT_EQ(column(o, "flow").front() > 0, temporal);

  auto part = o;
  part.output = root_ + "/resumed";
  part.stop_after = 3;
  Stage(part, ranks_).trainer.run();
  part.stop_after = 0;
  Stage rest(part, ranks_);
  ASSERT_TRUE(rest.trainer.resume());
  rest.trainer.run();
  const auto a = column(o, "loss"), b = column(part, "loss");
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 2e-3 * std::abs(a[i])) << i;
}

INSTANTIATE_TEST_SUITE_P(Baselines, EachBaseline, ::testing::ValuesIn(baseline_kinds()),
                         [](const auto& kind) {
                           auto name = kind.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST_F(BaselineTraining, TheStudentFollowsItsTeacher) {
  auto teacher = options("vid2vid", "teacher");
  teacher.steps = 60;
  Stage first(teacher, ranks_);
  first.trainer.run();
  first.trainer.export_result();
  auto o = options("fast-vid2vid", "student");
  o.teacher = teacher.output + "/baseline.safetensors";
  o.steps = 60;
  o.weight_l1 = o.weight_raw = o.weight_flow = o.weight_warp = 0;  // the teacher's word alone
  Stage student(o, ranks_);
  student.trainer.run();
  const auto distance = column(o, "distillation");
  EXPECT_LT(distance.back(), 0.5 * distance.front());
  student.trainer.export_result();
  // Only a vid2vid teaches.
  o.teacher = o.output + "/baseline.safetensors";
  EXPECT_THROW(BaselineTask(o, ranks_), Error);
}

TEST_F(BaselineTraining, ACropThatCannotBeHalvedIsRefused) {
  auto o = options("vid2vid", "crop");
  o.baseline.downsamplings = 6;
  EXPECT_THROW(BaselineTask(o, ranks_), Error);
}

}  // namespace
}  // namespace semcodec
