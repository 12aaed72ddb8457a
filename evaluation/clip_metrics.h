#pragma once
// Metrics of a whole clip, summed pair by pair. No libav and no torch: frames come from outside,
// and so does LPIPS.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/core/image.h"
#include "evaluation/alignment.h"
#include "evaluation/flow.h"
#include "evaluation/temporal.h"

namespace semcodec {

/// Which metrics to compute.
struct MetricChoice {
  bool psnr = true;  ///< MSE, PSNR on RGB and on Y'CbCr
  bool ssim = true;
  bool ms_ssim = true;
  bool gmsd = true;
  bool lpips = true;
  TemporalChoice temporal;

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
  std::optional<double> lpips;
};

/// Means over the pairs of a clip. What was not asked for or cannot be had is empty.
struct ClipScores {
  std::int64_t pairs = 0;
  std::optional<double> mse;
  std::optional<double> psnr;       ///< mean of the frames' PSNR, dB
  std::optional<double> psnr_pool;  ///< PSNR of the mean MSE, dB
  std::optional<double> psnr_yuv;   ///< 6:1:1, mean over frames, dB
  std::optional<double> ssim, ms_ssim, gmsd, lpips;

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

  /// Adds consecutive pairs; returns the scores of each (lpips empty). Pictures of one size.
  std::vector<FrameScores> add(const std::vector<FramePair>& batch);
  void add_lpips(const std::vector<double>& distances);

  ClipScores scores() const;

 private:
  MetricChoice choice_;
  std::vector<FlowEstimator> estimators_;  ///< one a thread
  std::optional<FramePair> last_;          ///< of the batch before
  FrameScores sums_;
  std::int64_t pairs_ = 0;
  bool ms_ssim_defined_ = true;
  double lpips_ = 0;
  std::int64_t lpips_pairs_ = 0;
  TemporalSums temporal_;
};

}  // namespace semcodec
