#include "evaluation/feature_distance.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "common/core/error.h"
#include "evaluation/run_parallel.h"
#include "models/core/device.h"

namespace semcodec {
namespace {

/// F with F F' = C, D x rank: eigenvectors times roots of eigenvalues. What is below the rounding
/// error of the largest eigenvalue is zero, whatever digits stand there.
torch::Tensor factor_of(const torch::Tensor& covariance) {
  const auto [values, vectors] = torch::linalg_eigh((covariance + covariance.t()) / 2);
  const double largest = values.abs().max().item<double>();
  const double least =
      largest * static_cast<double>(values.size(0)) * std::numeric_limits<double>::epsilon();
  const torch::Tensor kept = (values > least).nonzero().squeeze(1);
  return vectors.index_select(1, kept) * values.index_select(0, kept).sqrt();
}

/// Mean of k over all pairs of different vectors.
double mean_within(const torch::Tensor& x) {
  const auto n = static_cast<double>(x.size(0));
  const torch::Tensor kernel = (torch::mm(x, x.t()) / static_cast<double>(x.size(1)) + 1).pow(3);
  return (kernel.sum() - kernel.diagonal().sum()).item<double>() / (n * (n - 1));
}

double mean_between(const torch::Tensor& x, const torch::Tensor& y) {
  return (torch::mm(x, y.t()) / static_cast<double>(x.size(1)) + 1).pow(3).mean().item<double>();
}

}  // namespace

void FeatureSums::add(const torch::Tensor& rows) {
  if (rows.size(0) == 0) return;
  const torch::NoGradGuard no_grad;
  const torch::Tensor values = rows.to(torch::kCPU, torch::kFloat64);
  if (count_ == 0) {
    origin_ = values[0].clone();
    sum_ = torch::zeros_like(origin_);
    products_ = torch::zeros({origin_.size(0), origin_.size(0)}, torch::kFloat64);
  }
  const torch::Tensor moved = values - origin_;
  sum_ += moved.sum(0);
  products_.addmm_(moved.t(), moved);
  count_ += rows.size(0);
}

torch::Tensor FeatureSums::mean() const { return origin_ + sum_ / static_cast<double>(count_); }

torch::Tensor FeatureSums::covariance() const {
  const auto n = static_cast<double>(count_);
  return (products_ - torch::outer(sum_, sum_) / n) / (n - 1);
}

double frechet_distance(const torch::Tensor& mean1, const torch::Tensor& covariance1,
                        const torch::Tensor& mean2, const torch::Tensor& covariance2) {
  const torch::NoGradGuard no_grad;
  const double shift = (mean1 - mean2).square().sum().item<double>();
  const double spread = (covariance1.trace() + covariance2.trace()).item<double>();
  const torch::Tensor product = torch::mm(factor_of(covariance1).t(), factor_of(covariance2));
  const double common =
      product.numel() == 0 ? 0 : torch::linalg_svdvals(product).sum().item<double>();
  return shift + spread - 2 * common;
}

double frechet_distance(const FeatureSums& a, const FeatureSums& b) {
  require(a.count() >= 2 && b.count() >= 2, ErrorKind::input,
          "A Frechet distance needs at least two feature vectors a side.");
  return frechet_distance(a.mean(), a.covariance(), b.mean(), b.covariance());
}

void FeatureSample::add(const torch::Tensor& rows) {
  const torch::Tensor values = rows.to(torch::kCPU, torch::kFloat32);
  for (std::int64_t i = 0; i < values.size(0); ++i, ++seen_) {
    if (seen_ < most_) {
      rows_.push_back(values[i].clone());
      continue;
    }
    // Reservoir sampling: each vector seen so far is kept with the same probability.
    const auto place = static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(seen_ + 1));
    if (place < most_) rows_[static_cast<std::size_t>(place)] = values[i].clone();
  }
}

torch::Tensor FeatureSample::rows() const {
  return rows_.empty() ? torch::empty({0, 0}) : torch::stack(rows_);
}

std::vector<std::int64_t> draw_subset(std::mt19937& random, std::int64_t count, std::int64_t size) {
  // RandomState.permutation: swaps from the end, each partner by masked rejection.
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size() - 1; i > 0; --i) {
    std::uint32_t mask = static_cast<std::uint32_t>(i);
    for (int shift = 1; shift < 32; shift *= 2) mask |= mask >> shift;
    std::uint32_t j = 0;
    do {
      j = static_cast<std::uint32_t>(random()) & mask;
    } while (j > i);
    std::swap(order[i], order[j]);
  }
  order.resize(static_cast<std::size_t>(size));
  return order;
}

KernelDistance kernel_distance(const torch::Tensor& a, const torch::Tensor& b,
                               const KernelOptions& options, int threads) {
  require(options.subset_size >= 2 && options.subsets >= 1 && a.size(0) >= options.subset_size &&
              b.size(0) >= options.subset_size,
          ErrorKind::input, "KID needs subsets of at least 2 and at most all feature vectors.");
  std::mt19937 random(options.seed);
  const auto count = static_cast<std::size_t>(options.subsets);
  std::vector<std::vector<std::int64_t>> of_a(count);
  std::vector<std::vector<std::int64_t>> of_b(count);
  for (std::size_t i = 0; i < count; ++i) {
    of_a[i] = draw_subset(random, a.size(0), options.subset_size);
    of_b[i] = draw_subset(random, b.size(0), options.subset_size);
  }
  std::vector<double> values(count);
  run_parallel(count, static_cast<std::size_t>(std::max(1, threads)),
               [&](std::size_t i, std::size_t) {
                 set_threads(1);  // torch keeps this number for each thread
                 const torch::NoGradGuard no_grad;
                 const auto take = [](const torch::Tensor& from, std::vector<std::int64_t>& which) {
                   return from.index_select(0, torch::tensor(which)).to(torch::kFloat64);
                 };
                 const torch::Tensor x = take(a, of_a[i]);
                 const torch::Tensor y = take(b, of_b[i]);
                 values[i] = mean_within(x) + mean_within(y) - 2 * mean_between(x, y);
               });
  KernelDistance distance;
  for (const double v : values) distance.mean += v / static_cast<double>(count);
  for (const double v : values) {
    distance.deviation += (v - distance.mean) * (v - distance.mean) / static_cast<double>(count);
  }
  distance.deviation = std::sqrt(distance.deviation);
  return distance;
}

}  // namespace semcodec
