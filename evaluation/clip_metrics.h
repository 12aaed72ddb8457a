#pragma once
// Metrics of a whole clip, summed pair by pair. No libav and no torch: frames come from outside,
// and so do LPIPS, DISTS and the distances of patch sets.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/core/image.h"
#include "evaluation/alignment.h"
#include "evaluation/flow.h"
#include "evaluation/patches.h"
#include "evaluation/temporal.h"

namespace semcodec {

/// Perceptual distances of pairs of pictures, in the order of the arrays below; their keys in JSON.
inline constexpr std::array<const char*, 4> kPerceptual{"lpips_squeeze", "lpips_alex", "lpips_vgg",
                                                        "dists"};

/// Which metrics to compute.
struct MetricChoice {
  bool psnr = true;  ///< MSE, PSNR on RGB and on Y'CbCr
  bool ssim = true;
  bool ms_ssim = true;
  bool gmsd = true;
  std::array<bool, kPerceptual.size()> perceptual{true, true, true, true};
  PatchMetricChoice patches;
  TemporalChoice temporal;

  /// Anything that needs no weights.
  bool any_plain() const { return psnr || ssim || ms_ssim || gmsd || any_temporal(); }
  bool any_temporal() const { return temporal.motion || temporal.flicker || temporal.warping; }
};

/// Names as in metric_names(), separated by commas; "all" is all of them. Throws Error(usage) that
/// lists the names.
MetricChoice parse_metrics(const std::string& list);
const std::vector<std::string>& metric_names();

/// Figures of one pair of frames.
struct FrameScores {
  double mse = 0, psnr = 0, psnr_yuv = 0, ssim = 0, gmsd = 0;
  std::optional<double> ms_ssim;
};

/// Means over the pairs of a clip. What was not asked for or cannot be had is empty.
struct ClipScores {
  std::int64_t pairs = 0;
  std::optional<double> mse;
  std::optional<double> psnr;       ///< mean of the frames' PSNR, dB
  std::optional<double> psnr_pool;  ///< PSNR of the mean MSE, dB
  std::optional<double> psnr_yuv;   ///< 6:1:1, mean over frames, dB
  std::optional<double> ssim, ms_ssim, gmsd;
  std::array<std::optional<double>, kPerceptual.size()> perceptual;
  PatchScores patches;  ///< filled in by the caller

  std::int64_t consecutive_pairs = 0;         ///< pairs of pairs that the temporal metrics saw
  std::optional<double> motion_error;         ///< empty on a clip that does not move
  std::optional<double> motion_error_pixels;  ///< the same, not divided by the source's motion
  std::optional<double> source_motion_pixels;
  std::optional<double> flicker;
  std::optional<double> warping_error, source_warping_error;
};

/// Takes batches of pairs in order, works on several at a time and sums in order, so the result
/// does not depend on the number of threads.
class ClipMetrics {
 public:
  /// `threads` at least 1. Calls use_one_opencv_thread().
  ClipMetrics(const MetricChoice& choice, int threads);

  /// Adds consecutive pairs; returns the scores of each. Pictures of one size.
  std::vector<FrameScores> add(const std::vector<FramePair>& batch);
  /// `which` counts in kPerceptual.
  void add_perceptual(std::size_t which, const std::vector<double>& distances);

  ClipScores scores() const;

 private:
  MetricChoice choice_;
  std::vector<FlowEstimator> estimators_;  ///< one a thread
  std::optional<FramePair> last_;          ///< of the batch before
  FrameScores sums_;
  std::int64_t pairs_ = 0;
  bool ms_ssim_defined_ = true;
  std::array<double, kPerceptual.size()> perceptual_{};
  std::array<std::int64_t, kPerceptual.size()> perceptual_pairs_{};
  TemporalSums temporal_;
};

}  // namespace semcodec
