#include "evaluation/clip_metrics.h"

#include <algorithm>
#include <sstream>
#include <string_view>

#include "common/core/error.h"
#include "evaluation/gmsd.h"
#include "evaluation/pixel_error.h"
#include "evaluation/run_parallel.h"
#include "evaluation/ssim.h"

namespace semcodec {
namespace {

FrameScores compare_frames(const FramePair& pair, const MetricChoice& choice) {
  const RgbImage& a = pair.source.image;
  const RgbImage& b = pair.output;
  FrameScores scores;
  if (choice.psnr) {
    scores.mse = mean_squared_error(a, b);
    scores.psnr = psnr_from_mse(scores.mse);
    scores.psnr_yuv = weighted_yuv_psnr(yuv_psnr(a, b));
  }
  if (choice.ssim) scores.ssim = ssim(a, b);
  if (choice.ms_ssim) scores.ms_ssim = ms_ssim(a, b);
  if (choice.gmsd) scores.gmsd = gmsd(a, b);
  return scores;
}

struct Named {
  std::string_view name;
  bool& (*wanted)(MetricChoice&);
};
constexpr Named kMetrics[] = {
    {"psnr", [](MetricChoice& c) -> bool& { return c.psnr; }},
    {"ssim", [](MetricChoice& c) -> bool& { return c.ssim; }},
    {"ms-ssim", [](MetricChoice& c) -> bool& { return c.ms_ssim; }},
    {"gmsd", [](MetricChoice& c) -> bool& { return c.gmsd; }},
    {"lpips", [](MetricChoice& c) -> bool& { return c.perceptual[0]; }},
    {"lpips-alex", [](MetricChoice& c) -> bool& { return c.perceptual[1]; }},
    {"lpips-vgg", [](MetricChoice& c) -> bool& { return c.perceptual[2]; }},
    {"dists", [](MetricChoice& c) -> bool& { return c.perceptual[3]; }},
    {"fid", [](MetricChoice& c) -> bool& { return c.patches.fid; }},
    {"kid", [](MetricChoice& c) -> bool& { return c.patches.kid; }},
    {"fd-squeezenet", [](MetricChoice& c) -> bool& { return c.patches.fd_squeezenet; }},
    {"motion", [](MetricChoice& c) -> bool& { return c.temporal.motion; }},
    {"flicker", [](MetricChoice& c) -> bool& { return c.temporal.flicker; }},
    {"warping", [](MetricChoice& c) -> bool& { return c.temporal.warping; }},
};

}  // namespace

const std::vector<std::string>& metric_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Named& metric : kMetrics) list.emplace_back(metric.name);
    return list;
  }();
  return names;
}

MetricChoice parse_metrics(const std::string& list) {
  MetricChoice choice;
  if (list == "all") return choice;
  for (const Named& metric : kMetrics) metric.wanted(choice) = false;
  std::istringstream names(list);
  std::string name;
  bool any = false;
  while (std::getline(names, name, ',')) {
    const auto* found = std::find_if(std::begin(kMetrics), std::end(kMetrics),
                                     [&](const Named& metric) { return metric.name == name; });
    any = found != std::end(kMetrics);
    if (!any) break;
    found->wanted(choice) = true;
  }
  std::string known;
  for (const std::string& one : metric_names()) known += (known.empty() ? "" : ",") + one;
  require(any, ErrorKind::usage,
          "--metrics: '" + list + "' is not a list of metrics; give 'all' or some of " + known +
              ", separated by commas.");
  return choice;
}

ClipMetrics::ClipMetrics(const MetricChoice& choice, int threads) : choice_(choice) {
  use_one_opencv_thread();
  estimators_.resize(static_cast<std::size_t>(std::max(1, threads)));
}

std::vector<FrameScores> ClipMetrics::add(const std::vector<FramePair>& batch) {
  if (batch.empty()) return {};
  std::vector<FrameScores> scores(batch.size());
  std::vector<TemporalSums> temporal(batch.size());
  run_parallel(batch.size(), estimators_.size(), [&](std::size_t i, std::size_t worker) {
    scores[i] = compare_frames(batch[i], choice_);
    const FramePair* before = i > 0 ? &batch[i - 1] : last_ ? &*last_ : nullptr;
    if (choice_.any_temporal() && batch[i].follows && before != nullptr) {
      temporal[i] = compare_motion(estimators_[worker], before->source.image, batch[i].source.image,
                                   before->output, batch[i].output, choice_.temporal);
    }
  });
  for (std::size_t i = 0; i < batch.size(); ++i) {
    sums_.mse += scores[i].mse;
    sums_.psnr += scores[i].psnr;
    sums_.psnr_yuv += scores[i].psnr_yuv;
    sums_.ssim += scores[i].ssim;
    sums_.gmsd += scores[i].gmsd;
    sums_.ms_ssim = sums_.ms_ssim.value_or(0) + scores[i].ms_ssim.value_or(0);
    ms_ssim_defined_ = ms_ssim_defined_ && scores[i].ms_ssim.has_value();
    temporal_ += temporal[i];
  }
  pairs_ += static_cast<std::int64_t>(batch.size());
  last_ = batch.back();
  return scores;
}

void ClipMetrics::add_perceptual(std::size_t which, const std::vector<double>& distances) {
  for (const double d : distances) perceptual_.at(which) += d;
  perceptual_pairs_.at(which) += static_cast<std::int64_t>(distances.size());
}

ClipScores ClipMetrics::scores() const {
  ClipScores s;
  s.pairs = pairs_;
  s.consecutive_pairs = temporal_.pairs;
  const auto n = static_cast<double>(pairs_);
  if (pairs_ > 0) {
    if (choice_.psnr) {
      s.mse = sums_.mse / n;
      s.psnr = sums_.psnr / n;
      s.psnr_pool = psnr_from_mse(*s.mse);
      s.psnr_yuv = sums_.psnr_yuv / n;
    }
    if (choice_.ssim) s.ssim = sums_.ssim / n;
    if (choice_.ms_ssim && ms_ssim_defined_) s.ms_ssim = *sums_.ms_ssim / n;
    if (choice_.gmsd) s.gmsd = sums_.gmsd / n;
  }
  for (std::size_t i = 0; i < kPerceptual.size(); ++i) {
    if (perceptual_pairs_[i] == 0) continue;
    s.perceptual[i] = perceptual_[i] / static_cast<double>(perceptual_pairs_[i]);
  }
  if (choice_.temporal.motion && temporal_.motion_pixels > 0) {
    const auto pixels = static_cast<double>(temporal_.motion_pixels);
    s.motion_error_pixels = temporal_.end_point_error / pixels;
    s.source_motion_pixels = temporal_.source_motion / pixels;
    if (*s.source_motion_pixels >= kLeastMotion) {
      s.motion_error = temporal_.end_point_error / temporal_.source_motion;
    }
  }
  if (choice_.temporal.flicker && temporal_.pairs > 0) {
    s.flicker = temporal_.flicker / static_cast<double>(temporal_.pairs);
  }
  if (choice_.temporal.warping && temporal_.warping_pairs > 0) {
    const auto pairs = static_cast<double>(temporal_.warping_pairs);
    s.warping_error = temporal_.warping / pairs;
    s.source_warping_error = temporal_.source_warping / pairs;
  }
  return s;
}

}  // namespace semcodec
