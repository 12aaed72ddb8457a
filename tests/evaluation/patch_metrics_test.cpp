// Distances of feature sets against values of pytorch-fid 0.3.0 and torch-fidelity 0.4.0 on the
// same numbers, and the metrics that stand on them.

#include "evaluation/patch_metrics.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "common/core/error.h"
#include "common/core/file.h"
#include "evaluation/feature_distance.h"
#include "models/lpips/squeezenet.h"
#include "pictures.h"
#include "tests/models/seeded_values.h"

namespace semcodec {
namespace {

torch::Tensor first_set() { return seeded_values({40, 6}, 1, -1, 1).to(torch::kFloat64); }
torch::Tensor second_set() {
  return seeded_values({30, 6}, 2, -0.5, 1.5).to(torch::kFloat64) *
         torch::tensor({1.0, 2.0, 0.5, 1.0, 0.1, 3.0}, torch::kFloat64);
}

FeatureSums sums_of(const torch::Tensor& rows, std::int64_t step) {
  FeatureSums sums;
  for (const torch::Tensor& part : rows.split(step)) sums.add(part);
  return sums;
}

TEST(FrechetDistance, MatchesPytorchFid) {
  const FeatureSums a = sums_of(first_set(), 7);
  const FeatureSums b = sums_of(second_set(), 30);
  EXPECT_EQ(a.count(), 40);
  EXPECT_NEAR(frechet_distance(a, b), 6.4140185127, 1e-7);
  EXPECT_NEAR(frechet_distance(b, a), 6.4140185127, 1e-7);
  EXPECT_NEAR(frechet_distance(a, sums_of(first_set(), 40)), 0, 1e-9);
}

TEST(FrechetDistance, HoldsWithFewerVectorsThanFeatures) {
  // Covariances of rank 4 and 6 in 40 dimensions: roots by Schur decomposition turn complex here.
  const FeatureSums a = sums_of(seeded_values({5, 40}, 3, -1, 1), 2);
  const FeatureSums b = sums_of(seeded_values({7, 40}, 4, -1, 1), 2);
  EXPECT_NEAR(frechet_distance(a, b), 22.6148533153, 1e-8);
}

TEST(FrechetDistance, OfGaussiansAlongTheAxesIsKnown) {
  const torch::Tensor zero = torch::zeros({3}, torch::kFloat64);
  const torch::Tensor mean = torch::tensor({1.0, -2.0, 0.5}, torch::kFloat64);
  const torch::Tensor a = torch::diag(torch::tensor({4.0, 9.0, 0.0}, torch::kFloat64));
  const torch::Tensor b = torch::diag(torch::tensor({1.0, 16.0, 25.0}, torch::kFloat64));
  EXPECT_NEAR(frechet_distance(zero, a, mean, b), 5.25 + 1 + 1 + 25, 1e-12);
  EXPECT_NEAR(frechet_distance(zero, 0 * a, mean, 0 * b), 5.25, 1e-12);
}

TEST(FeatureSums, KeepTheirDigitsFarFromZero) {
  const torch::Tensor rows = first_set() + 1e6;
  const torch::Tensor moved = first_set() - first_set().mean(0);
  const torch::Tensor expected = torch::mm(moved.t(), moved) / 39;
  EXPECT_LT((sums_of(rows, 9).covariance() - expected).abs().max().item<double>(), 1e-8);
}

TEST(DrawSubset, DrawsAsNumpyDoes) {
  std::mt19937 random(2020);
  EXPECT_EQ(draw_subset(random, 10, 4), (std::vector<std::int64_t>{2, 4, 9, 1}));
  EXPECT_EQ(draw_subset(random, 1000, 3), (std::vector<std::int64_t>{358, 763, 430}));
}

TEST(KernelDistance, MatchesTorchFidelityForAnyNumberOfThreads) {
  for (const int threads : {1, 3}) {
    const KernelDistance d = kernel_distance(first_set(), second_set(), {7, 12, 2020}, threads);
    EXPECT_NEAR(d.mean, 7.7335774192, 1e-9);
    EXPECT_NEAR(d.deviation, 2.5448351251, 1e-9);
  }
  EXPECT_THROW(kernel_distance(first_set(), second_set(), {7, 31, 2020}, 1), Error);
}

TEST(FeatureSample, KeepsAllOrAnEvenShare) {
  const torch::Tensor rows = torch::arange(1000, torch::kFloat32).view({500, 2});
  FeatureSample all(500), some(100);
  for (const torch::Tensor& part : rows.split(64)) {
    all.add(part);
    some.add(part);
  }
  EXPECT_TRUE(torch::equal(all.rows(), rows));
  const torch::Tensor kept = some.rows();
  ASSERT_EQ(kept.size(0), 100);
  EXPECT_EQ(some.seen(), 500);
  std::set<float> different;
  for (std::int64_t i = 0; i < 100; ++i) different.insert(kept[i][0].item<float>());
  EXPECT_EQ(different.size(), 100U);
  // Mean of 0, 2, .. 998; the standard error of 100 of them is 26.
  EXPECT_NEAR(kept.select(1, 0).mean().item<double>(), 499, 4 * 26);
}

/// With a folder of seeded SqueezeNet weights as the only place where weights are found first.
class PatchMetricsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_);
    TensorMap weights = state_of(*SqueezeNet());
    seed_weights(weights);
    save_safetensors(folder_ + "/squeezenet1_1.safetensors", weights);
    ::setenv("SEMCODEC_WEIGHTS", folder_.c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("SEMCODEC_WEIGHTS");
    std::filesystem::remove_all(folder_);
  }

  static PatchScores measure(PatchMetrics& metrics, const RgbImage& a, const RgbImage& b,
                             std::vector<std::string>& notes) {
    const RgbImage* reference[] = {&a, &a, &b};
    const RgbImage* distorted[] = {&a, &b, &b};
    metrics.add(reference, distorted);
    return metrics.scores(notes);
  }

  std::string folder_ =
      (std::filesystem::temp_directory_path() / ("semcodec-patches-" + std::to_string(::getpid())))
          .string();
};

TEST_F(PatchMetricsTest, MeasureTheSameWithAnyThreads) {
  const RgbImage a = textured_picture(390, 384);
  const RgbImage b = degraded_picture(390, 384);
  PatchMetricChoice choice;
  choice.fid = choice.kid = false;
  choice.keep_features = true;
  std::vector<double> values;
  std::vector<std::string> notes;
  for (const int threads : {1, 3}) {
    PatchMetrics metrics(choice, "cpu", threads);
    const PatchScores scores = measure(metrics, a, b, notes);
    EXPECT_EQ(scores.patches, 6);
    ASSERT_TRUE(scores.fd_squeezenet.has_value());
    EXPECT_FALSE(scores.fid || scores.kid);
    values.push_back(*scores.fd_squeezenet);
    if (threads == 1) metrics.save_features(folder_);
  }
  EXPECT_EQ(values[0], values[1]);
  EXPECT_GT(values[0], 1e-6);
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_NE(notes[0].find("6 patches for 512 features"), std::string::npos) << notes[0];
  EXPECT_EQ(read_file(folder_ + "/squeezenet_distorted.npy").size(), 128U + 6 * 512 * 4);

  PatchMetrics same(choice, "cpu", 2);
  const RgbImage* both[] = {&a, &b};
  same.add(both, both);
  EXPECT_NEAR(*same.scores(notes).fd_squeezenet, 0, 1e-6 * values[0]);
}

TEST_F(PatchMetricsTest, SayWhatIsMissingAndWhatIsTooSmall) {
  PatchMetricChoice choice;
  PatchMetrics metrics(choice, "cpu", 1);
  EXPECT_TRUE(metrics.ready());
  std::vector<std::string> notes;
  const PatchScores scores =
      measure(metrics, textured_picture(255, 300), degraded_picture(255, 300), notes);
  EXPECT_EQ(scores.patches, 0);
  EXPECT_FALSE(scores.fd_squeezenet || scores.fid || scores.kid);
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(notes[0].find("256x256"), std::string::npos);
  if (!metrics.missing().empty()) {  // unless the machine has the published weights elsewhere
    const std::string& sentence = metrics.missing().front();
    for (const char* part : {"FID and KID", "pt_inception-2015-12-05-6726825d.pth",
                             "https://github.com/mseitzer/pytorch-fid", "weights inception`"}) {
      EXPECT_NE(sentence.find(part), std::string::npos) << sentence;
    }
  }
}

}  // namespace
}  // namespace semcodec
