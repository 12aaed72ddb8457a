#pragma once
// FID, KID and their stand-in, of the patches of a clip's pictures (patches.h). Apart from the
// other metrics because they need torch, which stays behind this header.
//
//   fid, kid        Inception-v3 features of the last pool (2048), as pytorch-fid extracts them
//   fd_squeezenet   the Frechet distance on SqueezeNet 1.1's last layer, averaged over each patch
//                   (512 features). It orders like FID on like material, but is another figure on
//                   another scale: it is no FID and never called so.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/core/image.h"
#include "evaluation/patches.h"

namespace semcodec {

class PatchMetrics {
 public:
  /// Loads what `choice` needs, as far as its weights are there; missing() says what is not.
  /// `device` as in --device. On the CPU, `threads` pictures are worked on at a time, each by one
  /// thread; figures do not depend on their number. Throws Error(device | corrupt).
  PatchMetrics(const PatchMetricChoice& choice, const std::string& device, int threads);
  ~PatchMetrics();
  PatchMetrics(PatchMetrics&&) noexcept;
  PatchMetrics& operator=(PatchMetrics&&) noexcept;

  /// One sentence for each metric that was asked for and whose weights are missing.
  const std::vector<std::string>& missing() const;
  /// Whether any metric can be computed.
  bool ready() const;

  /// Pictures of one size, as many of the reference as of the other.
  void add(std::span<const RgbImage* const> reference, std::span<const RgbImage* const> distorted);

  /// `notes` receives sentences about what could not be measured, or rests on little.
  PatchScores scores(std::vector<std::string>& notes) const;

  /// Writes NETWORK_reference.npy and NETWORK_distorted.npy (float32, patches x features) into an
  /// existing folder, NETWORK being inception or squeezenet. Needs choice.keep_features.
  void save_features(const std::string& folder) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace semcodec
