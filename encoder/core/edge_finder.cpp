#include "encoder/core/edge_finder.h"

#include <string>
#include <utility>

#include "common/core/error.h"
#include "common/core/log.h"

#ifdef SEMCODEC_HAVE_CUDA
#include "encoder/analysis/cuda/kmeans_cuda.h"
#include "encoder/analysis/cuda/structure_cuda.h"
#endif

namespace semcodec {
namespace {

class HostTensorMap final : public HostEdgeMap {
 public:
  HostTensorMap(torch::Tensor probability, int width, int height)
      : HostEdgeMap(probability.const_data_ptr<float>(), width, height),
        probability_(std::move(probability)) {}

 private:
  torch::Tensor probability_;
};

#ifdef SEMCODEC_HAVE_CUDA
class DeviceTensorMap final : public cuda::DeviceEdgeMap {
 public:
  DeviceTensorMap(torch::Tensor probability, int width, int height, cuda::StructureDevice& device)
      : DeviceEdgeMap({probability.const_data_ptr(), cuda::Precision::float32, width, height, true},
                      device),
        probability_(std::move(probability)) {}

 private:
  torch::Tensor probability_;
};

/// Points from which copying them to a GPU, and waiting for it in every iteration, is less than
/// what the CPU takes. Default planes have some thousands.
constexpr std::size_t kPointsForGpu = 65536;
#endif

}  // namespace

torch::Tensor as_tensor(const RgbImage& picture) {
  return torch::from_blob(const_cast<std::uint8_t*>(picture.pixels.data()),
                          {1, picture.height, picture.width, 3}, torch::kUInt8)
      .permute({0, 3, 1, 2});
}

struct EdgeFinder::State {
  explicit State(const EdgeDetector& d) : detector(d) {}

  const EdgeDetector& detector;
  KMeansReference clustering;
#ifdef SEMCODEC_HAVE_CUDA
  std::unique_ptr<cuda::StructureDevice> structure;  ///< null: the CPU thins
#endif
};

EdgeFinder::EdgeFinder(const EdgeDetector& detector) : state_(std::make_unique<State>(detector)) {
  const torch::Device device = detector.device();
  if (!device.is_cuda()) return;
  std::string why = "this build has no CUDA part";
#ifdef SEMCODEC_HAVE_CUDA
  try {
    const int number = device.has_index() ? device.index() : 0;
    state_->structure = std::make_unique<cuda::StructureDevice>(number);
    state_->clustering = {
        kPointsForGpu,
        [number](const PointSet& points, const KMeansOptions& options) {
          return cuda::kmeans(points, options, number);
        },
        [number](const PointSet& points, std::vector<Centre> start, const KMeansOptions& options) {
          return cuda::kmeans_from(points, std::move(start), options, number);
        }};
    return;
  } catch (const Error& error) {
    why = error.what();
  }
#endif
  log::warn_once("thinning", "Edges are thinned on the CPU, slower, because " + why + ".");
}

EdgeFinder::~EdgeFinder() = default;
EdgeFinder::EdgeFinder(EdgeFinder&&) noexcept = default;

const KMeansReference& EdgeFinder::clustering() const { return state_->clustering; }

std::unique_ptr<EdgeMap> EdgeFinder::find(const RgbImage& picture) const {
  const torch::InferenceMode guard;
  auto probability = state_->detector.detect(as_tensor(picture));
#ifdef SEMCODEC_HAVE_CUDA
  if (state_->structure) {
    probability = probability.contiguous();
    // Thinning has a stream of its own and must find the map complete.
    torch::cuda::synchronize(probability.get_device());
    return std::make_unique<DeviceTensorMap>(std::move(probability), picture.width, picture.height,
                                             *state_->structure);
  }
#endif
  return std::make_unique<HostTensorMap>(probability.to(torch::kCPU).contiguous(), picture.width,
                                         picture.height);
}

}  // namespace semcodec
