#include "evaluation/patch_metrics.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>

#include "common/core/error.h"
#include "common/core/npy.h"
#include "evaluation/feature_distance.h"
#include "evaluation/pixel_error.h"
#include "evaluation/run_parallel.h"
#include "models/core/device.h"
#include "models/core/weights_path.h"
#include "models/inception/inception.h"
#include "models/vgg/feature_net.h"

namespace semcodec {
namespace {

constexpr std::int64_t kChunk = 8;              // patches that a network sees at a time
constexpr std::int64_t kMostForKernel = 20000;  // feature vectors in memory, 8 KB each

/// A network, and what it made of both sides.
struct Side {
  explicit Side(std::int64_t most) : sample(most) {}
  FeatureSums sums;
  FeatureSample sample;
};

struct Extractor {
  std::string name;
  std::function<torch::Tensor(const torch::Tensor&)> features;  ///< N x 3 x 256 x 256 -> N x D
  bool needs_sample;
  Side reference, distorted;

  void add(Side& side, const torch::Tensor& rows) const {
    side.sums.add(rows);
    if (needs_sample) side.sample.add(rows);
  }
};

/// The patches of a picture, N x 3 x 256 x 256, 0..1.
torch::Tensor patches_of(const RgbImage& image, const std::vector<PatchPlace>& places,
                         const torch::Device& device) {
  // from_blob wants a mutable pointer; the bytes are only read.
  auto* bytes = const_cast<std::uint8_t*>(image.pixels.data());
  const torch::Tensor picture =
      torch::from_blob(bytes, {image.height, image.width, 3}, torch::kUInt8);
  std::vector<torch::Tensor> cut;
  for (const PatchPlace& p : places) {
    cut.push_back(picture.narrow(0, p.y, kPatchSide).narrow(1, p.x, kPatchSide));
  }
  return torch::stack(cut).to(device).permute({0, 3, 1, 2}).to(torch::kFloat32).div(255.0);
}

void write_rows(const std::string& path, const torch::Tensor& rows) {
  const torch::Tensor flat = rows.to(torch::kFloat32).contiguous();
  write_npy(path, {flat.data_ptr<float>(), static_cast<std::size_t>(flat.numel())}, flat.sizes());
}

}  // namespace

struct PatchMetrics::Impl {
  PatchMetricChoice choice;
  torch::Device device = torch::kCPU;
  std::size_t threads = 1;
  std::vector<std::string> missing;
  std::optional<Extractor> inception, squeezenet;
  bool too_small = false;

  std::vector<Extractor*> extractors() {
    std::vector<Extractor*> list;
    for (auto* e : {&inception, &squeezenet}) {
      if (*e) list.push_back(&**e);
    }
    return list;
  }

  void load();
  torch::Tensor features(const Extractor& extractor, const RgbImage& image,
                         const std::vector<PatchPlace>& places) const;
};

void PatchMetrics::Impl::load() {
  constexpr auto kAll = std::numeric_limits<std::int64_t>::max();
  const auto extractor = [&](const char* name, auto function, bool sample) {
    const std::int64_t most = choice.keep_features ? kAll : kMostForKernel;
    return Extractor{name, std::move(function), sample || choice.keep_features, Side(most),
                     Side(most)};
  };
  if (choice.fid || choice.kid) {
    const std::string asked = choice.fid && choice.kid ? "FID and KID were"
                              : choice.fid             ? "FID was"
                                                       : "KID was";
    if (const auto path = find_weights("inception")) {
      auto net = std::make_shared<Inception>(*path, device);
      inception = extractor(
          "inception", [net](const torch::Tensor& x) { return net->features(x); }, choice.kid);
    } else {
      missing.push_back(asked + " left out: " + missing_weights("inception") + ".");
    }
  }
  if (choice.fd_squeezenet) {
    if (const auto path = find_weights("squeezenet1_1")) {
      std::shared_ptr<FeatureNet> net = load_feature_net("squeezenet1_1", *path);
      net->to(device);
      squeezenet = extractor(
          "squeezenet",
          [net](const torch::Tensor& x) {
            return net->features(x).back().mean({2, 3});
          },
          false);
    } else {
      missing.push_back("fd_squeezenet was left out: " + missing_weights("squeezenet1_1") + ".");
    }
  }
}

torch::Tensor PatchMetrics::Impl::features(const Extractor& extractor, const RgbImage& image,
                                           const std::vector<PatchPlace>& places) const {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> rows;
  for (const torch::Tensor& chunk : patches_of(image, places, device).split(kChunk)) {
    rows.push_back(extractor.features(chunk).to(torch::kCPU));
  }
  return torch::cat(rows);
}

PatchMetrics::PatchMetrics(const PatchMetricChoice& choice, const std::string& device, int threads)
    : impl_(std::make_unique<Impl>()) {
  impl_->choice = choice;
  impl_->device = parse_device(device);
  impl_->threads = impl_->device.is_cpu() ? static_cast<std::size_t>(std::max(1, threads)) : 1;
  impl_->load();
}
PatchMetrics::~PatchMetrics() = default;
PatchMetrics::PatchMetrics(PatchMetrics&&) noexcept = default;
PatchMetrics& PatchMetrics::operator=(PatchMetrics&&) noexcept = default;

const std::vector<std::string>& PatchMetrics::missing() const { return impl_->missing; }
bool PatchMetrics::ready() const { return !impl_->extractors().empty(); }

void PatchMetrics::add(std::span<const RgbImage* const> reference,
                       std::span<const RgbImage* const> distorted) {
  if (reference.empty()) return;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    require_same_size(*reference[i], *distorted[i]);
    require_same_size(*reference[i], *reference[0]);
  }
  const auto places = patch_places(reference[0]->width, reference[0]->height);
  impl_->too_small = places.empty();
  if (places.empty()) return;
  for (Extractor* extractor : impl_->extractors()) {
    const std::size_t n = reference.size();
    std::vector<torch::Tensor> rows(2 * n);
    run_parallel(2 * n, impl_->threads, [&](std::size_t i, std::size_t) {
      set_threads(1);  // torch keeps this number for each thread
      rows[i] = impl_->features(*extractor, i < n ? *reference[i] : *distorted[i - n], places);
    });
    const auto middle = rows.begin() + static_cast<std::ptrdiff_t>(n);
    extractor->add(extractor->reference, torch::cat(std::vector(rows.begin(), middle)));
    extractor->add(extractor->distorted, torch::cat(std::vector(middle, rows.end())));
  }
}

PatchScores PatchMetrics::scores(std::vector<std::string>& notes) const {
  PatchScores scores;
  if (impl_->too_small) {
    notes.push_back("FID, KID and fd_squeezenet need pictures of at least 256x256 pixels.");
  }
  std::int64_t features = 0;
  for (const Extractor* e : impl_->extractors()) {
    scores.patches = e->reference.sums.count();
    if (scores.patches < 2) continue;
    features = std::max(features, e->reference.sums.mean().size(0));
    const bool of_inception = e->name == "inception";
    if (!of_inception || impl_->choice.fid) {
      (of_inception ? scores.fid : scores.fd_squeezenet) =
          frechet_distance(e->reference.sums, e->distorted.sums);
    }
    if (of_inception && impl_->choice.kid) {
      KernelOptions options = impl_->choice.kernel;
      const torch::Tensor a = e->reference.sample.rows();
      const torch::Tensor b = e->distorted.sample.rows();
      if (a.size(0) < options.subset_size) {
        // Half of what is there, so that the subsets differ and their spread says something.
        options.subset_size = static_cast<int>(std::max<std::int64_t>(2, a.size(0) / 2));
        notes.push_back("KID used subsets of " + std::to_string(options.subset_size) +
                        " patches, as there are only " + std::to_string(scores.patches) +
                        "; --kid-subset-size sets another size.");
      }
      const KernelDistance distance =
          kernel_distance(a, b, options, static_cast<int>(impl_->threads));
      scores.kid = distance.mean;
      scores.kid_deviation = distance.deviation;
      scores.kid_subsets = options.subsets;
      scores.kid_subset_size = options.subset_size;
    }
  }
  if (scores.patches >= 2 && scores.patches <= features) {
    notes.push_back("The distances of picture sets rest on " + std::to_string(scores.patches) +
                    " patches for " + std::to_string(features) +
                    " features: compare them only with figures of as many patches.");
  }
  return scores;
}

void PatchMetrics::save_features(const std::string& folder) const {
  for (const Extractor* e : impl_->extractors()) {
    if (e->reference.sample.seen() == 0) continue;
    write_rows(folder + "/" + e->name + "_reference.npy", e->reference.sample.rows());
    write_rows(folder + "/" + e->name + "_distorted.npy", e->distorted.sample.rows());
  }
}

}  // namespace semcodec
