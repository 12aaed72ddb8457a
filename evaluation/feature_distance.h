#pragma once
// Distances between two sets of feature vectors: Frechet (FID) and kernel (KID). All in doubles.

#include <torch/torch.h>

#include <cstdint>
#include <random>
#include <vector>

#include "evaluation/patches.h"

namespace semcodec {

/// Count, mean and covariance of feature vectors, added up as they come.
class FeatureSums {
 public:
  /// `rows`: N x D, N >= 0, the same D every time.
  void add(const torch::Tensor& rows);

  std::int64_t count() const { return count_; }
  torch::Tensor mean() const;        ///< D, count() >= 1
  torch::Tensor covariance() const;  ///< D x D, divided by count() - 1 >= 1

 private:
  std::int64_t count_ = 0;
  torch::Tensor origin_;    ///< the first vector; sums are of differences from it, so that a large
                            ///< common part does not eat the digits of the covariance
  torch::Tensor sum_;       ///< D
  torch::Tensor products_;  ///< D x D
};

/// |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^1/2), from D and D x D (Dowson and Landau 1982; FID: Heusel
/// et al. 2017). The root is taken through symmetric eigenvectors, C = F F', as the sum of the
/// singular values of F1' F2, which has no complex or negative parts however few vectors there
/// were.
double frechet_distance(const torch::Tensor& mean1, const torch::Tensor& covariance1,
                        const torch::Tensor& mean2, const torch::Tensor& covariance2);
double frechet_distance(const FeatureSums& a, const FeatureSums& b);

/// Feature vectors for kernel distances: all of them up to `most`, from then on an even sample.
class FeatureSample {
 public:
  explicit FeatureSample(std::int64_t most) : most_(most) {}
  void add(const torch::Tensor& rows);
  torch::Tensor rows() const;  ///< N x D float32, in the order they came unless sampled
  std::int64_t seen() const { return seen_; }

 private:
  std::int64_t most_, seen_ = 0;
  std::vector<torch::Tensor> rows_;
  std::mt19937_64 random_{1};
};

/// Which vectors a subset consists of: `size` of 0 .. count-1, drawn as torch-fidelity draws them
/// (NumPy's RandomState.choice without replacement), so that equal seeds give equal figures.
std::vector<std::int64_t> draw_subset(std::mt19937& random, std::int64_t count, std::int64_t size);

struct KernelDistance {
  double mean = 0, deviation = 0;
};

/// Unbiased squared maximum mean discrepancy under k(x, y) = (x.y / D + 1)^3 (KID: Binkowski et al.
/// 2018), over subsets of a and b, both N x D with N >= options.subset_size >= 2. Works on
/// `threads` subsets at a time; the result does not depend on it.
KernelDistance kernel_distance(const torch::Tensor& a, const torch::Tensor& b,
                               const KernelOptions& options, int threads);

}  // namespace semcodec
