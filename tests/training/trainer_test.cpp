// The one trainer, on a task of a few numbers: a small network learns a formula while a second one
// learns how wrong it is, as discriminators do.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "common/core/error.h"
#include "common/core/log.h"
#include "models/core/safetensors.h"
#include "training/trainer/trainer.h"

namespace semcodec {
namespace {

namespace fs = std::filesystem;

struct Points {
  torch::Tensor x;  ///< N×4
  torch::Tensor y;  ///< N×1
};

std::vector<torch::Tensor*> tensors_of(Points& points) { return {&points.x, &points.y}; }

class FitTask : public TaskOn<Points> {
 public:
  FitTask(const TrainerOptions& options, const Ranks& ranks)
      : TaskOn(options, ranks),
        net(torch::nn::Linear(4, 8), torch::nn::Tanh(), torch::nn::Linear(8, 1)),
        ema(torch::nn::Linear(4, 8), torch::nn::Tanh(), torch::nn::Linear(8, 1)),
        critic(1, 1) {}

  std::vector<TrainedNetwork> networks() override {
    return {{"net", net.get(), ema.get()}, {"critic", critic.get()}};
  }
  std::vector<OptimiserSettings> optimisers() override {
    const auto& o = settings();
    OptimiserSettings second{"critic", critic->parameters(), 0.01};
    second.detached = true;
    second.scheduled = critic_scheduled;
    OptimiserSettings first{"net",   net->parameters(), o.learning_rate,
                            o.beta1, o.beta2,           o.weight_decay};
    first.clipped = {net->parameters()};
    first.clip = o.clip_gradient;
    return {second, first};
  }
  std::vector<std::string> columns() const override { return {"loss", "square", "critic"}; }
  std::string describe() const override { return "Points."; }
  bool learns(std::size_t optimiser, std::int64_t step) const override {
    return optimiser == 1 || step >= critic_start;
  }
  bool pretrained() const override { return trained_before; }
  Points draw(std::int64_t, Random& random) const override {
    return draw_share(random, settings().batch, [](std::uint64_t seed) {
      Random own(seed);
      std::vector<float> x(4);
      for (auto& value : x) value = static_cast<float>(own.below(1000)) / 500 - 1;
      const float y = std::sin(x[0] + 2 * x[1]) - x[2] * x[3];
      return Points{torch::tensor(x).unsqueeze(0), torch::tensor({{y}})};
    });
  }
  void forward(const Points& points, const StepContext&) override { out_ = net->forward(points.x); }
  torch::Tensor loss(std::size_t optimiser, const Points& points, StepContext& context) override {
    if (optimiser == 0) {
      const auto guess = critic->forward((out_.detach() - points.y).abs());
      const auto loss = (guess - 1).square().mean();
      context.note("critic", loss);
      return loss;
    }
    const auto square = (out_ - points.y).square().mean();
    context.note("square", square);
    context.set_error(square);
    return square + 0.001 * critic->forward((out_ - points.y).abs()).mean();
  }
  std::vector<std::pair<std::string, double>> validate() override { return {{"answer", 42}}; }
  void export_result(std::int64_t) override {
    save_safetensors(settings().output + "/net.safetensors", half_precision(*ema));
  }

  torch::nn::Sequential net, ema;
  torch::nn::Linear critic;
  std::int64_t critic_start = 2;
  bool critic_scheduled = true, trained_before = false;

 private:
  torch::Tensor out_;
};

TrainerOptions options(const std::string& output) {
  TrainerOptions o;
  o.stage = "fit";
  o.output = output;
  o.device = "cpu";
  o.threads = 1;
  o.steps = 12;
  o.batch = 4;
  o.warm_up = 2;
  o.learning_rate = 0.02;
  o.log_every = 1;
  o.sample_every = 6;
  return o;
}

void train(const TrainerOptions& o, bool resume = false) {
  const Ranks ranks;
  FitTask task(o, ranks);
  Trainer trainer(task);
  EXPECT_EQ(trainer.resume(), resume);
  trainer.run();
  trainer.export_result();
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void expect_equal(const TensorMap& a, const TensorMap& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) EXPECT_TRUE(torch::equal(tensor, b.at(name))) << name;
}

void expect_near(const TensorMap& a, const TensorMap& b, double most) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) {
    EXPECT_LT((tensor - b.at(name)).abs().max().item<double>(), most) << name;
  }
}

class TrainerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    log::set_level(log::Level::warning);
    root_ =
        (fs::temp_directory_path() / ("semcodec-trainer-" + std::to_string(::getpid()))).string();
  }
  void TearDown() override {
    fs::remove_all(root_);
    log::set_level(log::Level::info);
  }
  std::string folder(const std::string& name) const { return root_ + "/" + name; }
  TensorMap checkpoint(const std::string& name, Metadata* metadata = nullptr) const {
    return load_safetensors(folder(name) + "/checkpoint.safetensors", metadata);
  }
  std::string root_;
};

TEST_F(TrainerTest, AResumedRunIsTheUninterruptedOneBitForBit) {
  auto o = options(folder("whole"));
  o.workers = 3;
  train(o);
  o = options(folder("parts"));
  o.stop_after = 5;
  train(o);
  o.stop_after = 0;
  train(o, true);
  expect_equal(checkpoint("whole"), checkpoint("parts"));
  const auto losses = text_of(folder("whole") + "/losses.csv");
  EXPECT_EQ(std::count(losses.begin(), losses.end(), '\n'), 13);
  EXPECT_EQ(losses.substr(0, losses.find('\n')), "step,loss,square,critic");
  EXPECT_EQ(losses, text_of(folder("parts") + "/losses.csv"));
  expect_equal(load_safetensors(folder("whole") + "/net.safetensors"),
               load_safetensors(folder("parts") + "/net.safetensors"));
}

TEST_F(TrainerTest, ALossThatIsNoNumberLeadsBackToTheLastCheckpoint) {
  auto o = options(folder("fault"));
  o.fault_at = 5;
  train(o);
  Metadata metadata;
  for (const auto& [name, tensor] : checkpoint("fault", &metadata)) {
    EXPECT_TRUE(tensor.isfinite().all().item<bool>()) << name;
  }
  EXPECT_EQ(metadata["step"], "12");
  EXPECT_EQ(std::stod(metadata["rate_scale"]), 0.5);
  EXPECT_EQ(metadata["reseed"], "1") << "other samples";
  const auto losses = text_of(o.output + "/losses.csv");
  EXPECT_EQ(losses.find("nan"), std::string::npos) << losses;
  EXPECT_EQ(std::count(losses.begin(), losses.end(), '\n'), 13) << "every step is there once";
}

TEST_F(TrainerTest, ATrainingThatKeepsDivergingEndsWithASentence) {
  auto o = options(folder("diverging"));
  o.learning_rate = 1e30;
  o.steps = 400;
  o.retry.retries = 2;
  try {
    train(o);
    FAIL() << "took weights of 1e30 for good";
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("after 2 returns to the last good checkpoint"), std::string::npos) << text;
  }
  for (const auto& [name, tensor] : checkpoint("diverging")) {
    EXPECT_TRUE(tensor.isfinite().all().item<bool>()) << name;
  }
}

TEST_F(TrainerTest, AveragesFollowTheWeights) {
  auto o = options(folder("ema"));
  o.ema = 0.3;
  const Ranks ranks;
  FitTask task(o, ranks);
  Trainer trainer(task);
  const auto weight = [&] { return task.net->parameters()[0].detach().clone(); };
  auto average = weight();
  EXPECT_TRUE(torch::equal(average, task.ema->parameters()[0])) << "it begins with the weights";
  for (int step = 0; step < 6; ++step) {
    trainer.step_on(trainer.batch_of(step));
    const double decay = std::min(0.3, (1.0 + step) / (10.0 + step));
    average = decay * average + (1 - decay) * weight();
    EXPECT_TRUE(torch::allclose(average, task.ema->parameters()[0], 1e-5, 1e-7)) << step;
  }
}

TEST_F(TrainerTest, RatesFollowTheSchedule) {
  EXPECT_DOUBLE_EQ(scheduled_rate(0, 100, 4, 0.1), 0.25);
  EXPECT_NEAR(scheduled_rate(50, 100, 4, 0.1), 0.55, 1e-12);
  EXPECT_NEAR(scheduled_rate(100, 100, 4, 0.1), 0.1, 1e-12);
  EXPECT_DOUBLE_EQ(stepped_rate(1, 100, 4), 0.5);
  EXPECT_DOUBLE_EQ(stepped_rate(49, 100, 4), 1);
  EXPECT_DOUBLE_EQ(stepped_rate(50, 100, 4), 0.1);
  EXPECT_DOUBLE_EQ(stepped_rate(80, 100, 4), 0.01);
  // Adam's first step is as long as the learning rate, in every coordinate.
  for (const auto& [schedule, step, factor] :
       {std::tuple{"cosine", 0, 0.5}, std::tuple{"steps", 0, 0.5}}) {
    auto o = options(folder(schedule));
    o.schedule = schedule;
    const Ranks ranks;
    FitTask task(o, ranks);
    Trainer trainer(task);
    const auto before = task.net->parameters()[0].detach().clone();
    trainer.step_on(trainer.batch_of(step));
    const auto moved = (task.net->parameters()[0] - before).abs();
    EXPECT_NEAR(moved.max().item<double>(), factor * o.learning_rate, 1e-4);
  }
}

TEST_F(TrainerTest, AveragesOfTrainedWeightsDoNotForgetThem) {
  auto o = options(folder("pretrained"));
  o.ema = 0.9;
  const Ranks ranks;
  FitTask task(o, ranks);
  task.trained_before = true;
  Trainer trainer(task);
  const auto before = task.net->parameters()[0].detach().clone();
  trainer.step_on(trainer.batch_of(0));
  const auto average = 0.9 * before + 0.1 * task.net->parameters()[0].detach();
  EXPECT_TRUE(torch::allclose(average, task.ema->parameters()[0], 1e-5, 1e-7));
}

TEST_F(TrainerTest, AnOptimiserMayKeepItsRate) {
  for (const bool scheduled : {true, false}) {
    const Ranks ranks;
    FitTask task(options(folder("rate")), ranks);
    task.critic_start = 0;
    task.critic_scheduled = scheduled;
    Trainer trainer(task);
    const auto before = task.critic->weight.detach().clone();
    trainer.step_on(trainer.batch_of(0));
    const double moved = (task.critic->weight - before).abs().max().item<double>();
    EXPECT_NEAR(moved, scheduled ? 0.005 : 0.01, 1e-4) << "half of the warm-up's two steps";
  }
}

TEST_F(TrainerTest, PartsOfABatchLearnTheSame) {
  auto o = options(folder("plain"));
  o.batch = 8;
  train(o);
  o.output = folder("parts");
  o.accumulate = 3;  // parts of different sizes
  train(o);
  expect_near(checkpoint("plain"), checkpoint("parts"), 2e-4);
}

TEST_F(TrainerTest, OptimisersTakePartWhenTheTaskSaysSo) {
  const Ranks ranks;
  FitTask task(options(folder("critic")), ranks);
  Trainer trainer(task);
  const auto before = task.critic->weight.detach().clone();
  EXPECT_EQ(trainer.step_on(trainer.batch_of(0)).count("critic"), 0U);
  trainer.step_on(trainer.batch_of(1));
  EXPECT_TRUE(torch::equal(before, task.critic->weight));
  EXPECT_EQ(trainer.step_on(trainer.batch_of(2)).count("critic"), 1U);
  EXPECT_FALSE(torch::equal(before, task.critic->weight));
}

TEST_F(TrainerTest, OpeningACheckpointRunsNoCode) {
  train(options(folder("file")));
  const auto bytes = text_of(folder("file") + "/checkpoint.safetensors");
  // No ZIP archive of pickles, but a length, a JSON object of names and shapes, and numbers.
  ASSERT_GT(bytes.size(), 100U);
  EXPECT_NE(bytes.substr(0, 2), "PK");
  EXPECT_EQ(bytes[8], '{');
  EXPECT_EQ(read_safetensors_shapes(folder("file") + "/checkpoint.safetensors").size(),
            checkpoint("file").size());

  auto other = options(folder("file"));
  other.stage = "another";
  const Ranks ranks;
  FitTask task(other, ranks);
  Trainer trainer(task);
  try {
    trainer.resume();
    FAIL() << "took a checkpoint of another stage";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("of the stage 'fit'"), std::string::npos)
        << error.what();
  }
}

int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(socket, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(socket);
  return ntohs(address.sin_port);
}

constexpr const char* kRankOutput = "SEMCODEC_TRAINER_TEST_OUTPUT";
constexpr int kNoGloo = 5;  // Error(unsupported)

// What a rank of the test below runs, in a process of its own.
TEST(TrainerRank, DISABLED_OfTwo) {
  log::set_level(log::Level::warning);
  try {
    train(options(std::getenv(kRankOutput)));
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    std::exit(error.exit_code());
  }
  std::exit(HasFailure() ? 1 : 0);
}

TEST_F(TrainerTest, TwoRanksLearnAsOneWithTheWholeBatch) {
  train(options(folder("one")));
  const auto port = "MASTER_PORT=" + std::to_string(free_port());
  const std::string output = kRankOutput + ("=" + folder("two"));
  std::vector<pid_t> ranks;
  for (const char* rank : {"0", "1"}) {
    std::vector<std::string> environment = {"RANK=" + std::string(rank),
                                            "LOCAL_RANK=" + std::string(rank),
                                            "WORLD_SIZE=2",
                                            "MASTER_ADDR=127.0.0.1",
                                            port,
                                            output};
    for (char** own = environ; *own != nullptr; ++own) environment.emplace_back(*own);
    std::vector<std::string> command = {"/proc/self/exe", "--gtest_filter=TrainerRank.DISABLED_*",
                                        "--gtest_also_run_disabled_tests"};
    const auto list = [](std::vector<std::string>& texts) {
      std::vector<char*> out;
      for (auto& text : texts) out.push_back(text.data());
      out.push_back(nullptr);
      return out;
    };
    pid_t child = 0;
    ASSERT_EQ(::posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, list(command).data(),
                            list(environment).data()),
              0);
    ranks.push_back(child);
  }
  int worst = 0;
  for (const pid_t child : ranks) {
    int status = 0;
    ::waitpid(child, &status, 0);
    worst = std::max(worst, WIFEXITED(status) ? WEXITSTATUS(status) : 255);
  }
  if (worst == kNoGloo) GTEST_SKIP() << "this LibTorch has no Gloo to connect ranks";
  ASSERT_EQ(worst, 0);
  expect_near(checkpoint("one"), checkpoint("two"), 2e-4);
}

}  // namespace
}  // namespace semcodec
