#pragma once
// LPIPS (version 0.1; squeeze, alex, vgg) and DISTS of 8-bit pictures, when their weights are at
// hand. Apart from the other metrics because they need torch, which stays behind this header.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/core/image.h"

namespace semcodec {

class PerceptualMetric {
 public:
  /// `device` as in --device. On the CPU, `threads` pairs are worked on at a time, each by one
  /// thread: values do not depend on their number, and no thread waits for another one in
  /// between. Nothing when the weights are missing; missing_sentence() says which and how to get
  /// them. `name`: of kPerceptual (clip_metrics.h). Throws Error(device).
  static std::optional<PerceptualMetric> find(const std::string& device, int threads,
                                              const std::string& name = "lpips_squeeze");
  static std::string missing_sentence(const std::string& name = "lpips_squeeze");
  static std::string torch_version();

  ~PerceptualMetric();
  PerceptualMetric(PerceptualMetric&&) noexcept;
  PerceptualMetric& operator=(PerceptualMetric&&) noexcept;

  /// One distance a pair; all pictures of one size, both sides at least 32, else Error(input).
  std::vector<double> distances(std::span<const RgbImage* const> a,
                                std::span<const RgbImage* const> b);

 private:
  struct Impl;
  explicit PerceptualMetric(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace semcodec
