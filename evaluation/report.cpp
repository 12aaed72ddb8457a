#include "evaluation/report.h"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace semcodec {
namespace {

nlohmann::ordered_json or_null(const std::optional<double>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

void add_line(std::string& text, const char* name, const std::optional<double>& value,
              const char* format, const char* meaning) {
  if (!value) return;
  char number[32];
  char line[160];
  std::snprintf(number, sizeof number, format, *value);
  std::snprintf(line, sizeof line, "%-14s %10s   %s\n", name, number, meaning);
  text += line;
}

}  // namespace

std::optional<double> EvaluationReport::kilobits_per_second() const {
  if (!stream_bytes || seconds <= 0) return std::nullopt;
  return 8.0 * static_cast<double>(*stream_bytes) / seconds / 1000.0;
}

std::optional<double> EvaluationReport::bits_per_pixel() const {
  if (!stream_bytes || source_frames == 0) return std::nullopt;
  return 8.0 * static_cast<double>(*stream_bytes) /
         (static_cast<double>(source_frames) * width * height);
}

namespace {

/// One list a figure, in the order of the frames.
nlohmann::ordered_json pairs_json(const std::vector<EvaluationReport::PairScores>& pairs) {
  nlohmann::ordered_json j;
  for (const auto& pair : pairs) {
    j["seconds"].push_back(pair.seconds);
    j["psnr"].push_back(or_null(pair.psnr));
    j["gmsd"].push_back(or_null(pair.gmsd));
    for (std::size_t i = 0; i < kPerceptual.size(); ++i) {
      j[kPerceptual[i]].push_back(or_null(pair.perceptual[i]));
    }
  }
  return j;
}

}  // namespace

std::string to_json(const EvaluationReport& r) {
  const ClipScores& s = r.scores;
  nlohmann::ordered_json j;
  j["reference"] = r.reference;
  j["distorted"] = r.distorted;
  j["width"] = r.width;
  j["height"] = r.height;
  j["seconds"] = r.seconds;
  j["frame_rate"] = r.frame_rate;
  j["frames"] = {{"reference", r.source_frames},
                 {"distorted", r.output_frames},
                 {"compared", r.paired + r.held},
                 {"held", r.held},
                 {"reference_unpaired", r.source_unpaired},
                 {"distorted_unpaired", r.output_unpaired}};
  j["stream_bytes"] =
      r.stream_bytes ? nlohmann::ordered_json(*r.stream_bytes) : nlohmann::ordered_json(nullptr);
  j["kbps"] = or_null(r.kilobits_per_second());
  j["bpp"] = or_null(r.bits_per_pixel());
  j["mse"] = or_null(s.mse);
  j["psnr"] = or_null(s.psnr);
  j["psnr_pooled"] = or_null(s.psnr_pool);
  j["psnr_yuv611"] = or_null(s.psnr_yuv);
  j["ssim"] = or_null(s.ssim);
  j["ms_ssim"] = or_null(s.ms_ssim);
  j["gmsd"] = or_null(s.gmsd);
  for (std::size_t i = 0; i < kPerceptual.size(); ++i) {
    j[kPerceptual[i]] = or_null(s.perceptual[i]);
  }
  const PatchScores& p = s.patches;
  j["patches"] = p.patches;
  j["fid"] = or_null(p.fid);
  j["kid"] = or_null(p.kid);
  j["kid_std"] = or_null(p.kid_deviation);
  j["kid_subsets"] = p.kid_subsets;
  j["kid_subset_size"] = p.kid_subset_size;
  j["fd_squeezenet"] = or_null(p.fd_squeezenet);
  j["motion_error"] = or_null(s.motion_error);
  j["motion_error_pixels"] = or_null(s.motion_error_pixels);
  j["source_motion_pixels"] = or_null(s.source_motion_pixels);
  j["flicker"] = or_null(s.flicker);
  j["warping_error"] = or_null(s.warping_error);
  j["source_warping_error"] = or_null(s.source_warping_error);
  if (r.pairs) j["per_frame"] = pairs_json(*r.pairs);
  j["notes"] = r.notes;
  return j.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string to_table(const EvaluationReport& r) {
  char line[200];
  std::snprintf(line, sizeof line, "%lld of %lld frames compared at %dx%d, %.2f s\n",
                static_cast<long long>(r.paired + r.held), static_cast<long long>(r.source_frames),
                r.width, r.height, r.seconds);
  std::string text = line;
  if (r.source_unpaired > 0 || r.output_unpaired > 0 || r.held > 0) {
    std::snprintf(line, sizeof line,
                  "without a partner: %lld frames of the reference, %lld of the other; "
                  "%lld compared with a frame held on\n",
                  static_cast<long long>(r.source_unpaired),
                  static_cast<long long>(r.output_unpaired), static_cast<long long>(r.held));
    text += line;
  }
  const ClipScores& s = r.scores;
  add_line(text, "rate", r.kilobits_per_second(), "%.3f", "kbit/s, from the stream's size");
  add_line(text, "bpp", r.bits_per_pixel(), "%.5f", "bits a pixel");
  add_line(text, "PSNR", s.psnr, "%.3f", "dB, RGB, mean over frames");
  add_line(text, "PSNR pooled", s.psnr_pool, "%.3f", "dB, RGB, of the mean squared error");
  add_line(text, "PSNR YUV", s.psnr_yuv, "%.3f", "dB, 6:1:1");
  add_line(text, "SSIM", s.ssim, "%.4f", "1 = equal");
  add_line(text, "MS-SSIM", s.ms_ssim, "%.4f", "1 = equal");
  add_line(text, "GMSD", s.gmsd, "%.4f", "0 = equal");
  constexpr std::array kNames{"LPIPS squeeze", "LPIPS alex", "LPIPS vgg", "DISTS"};
  static_assert(kNames.size() == kPerceptual.size());
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    add_line(text, kNames[i], s.perceptual[i], "%.4f", "0 = equal");
  }
  const PatchScores& p = s.patches;
  const std::string patches = "0 = alike; " + std::to_string(p.patches) + " patches of 256x256";
  add_line(text, "FID/256", p.fid, "%.3f", patches.c_str());
  add_line(text, "KID/256", p.kid, "%.5f", patches.c_str());
  add_line(
      text, "  deviation", p.kid_deviation, "%.5f",
      ("over " + std::to_string(p.kid_subsets) + " subsets of " + std::to_string(p.kid_subset_size))
          .c_str());
  add_line(text, "FD SqueezeNet", p.fd_squeezenet, "%.3f", (patches + "; no FID").c_str());
  add_line(text, "motion error", s.motion_error, "%.3f", "0 = moves as the source does");
  add_line(text, "flicker", s.flicker, "%.3f", "grey levels of change that the source lacks");
  add_line(text, "warping error", s.warping_error, "%.5f", "along the source's motion");
  add_line(text, "  of the source", s.source_warping_error, "%.5f", "the same for the reference");
  return text;
}

}  // namespace semcodec
