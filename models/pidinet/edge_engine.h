#pragma once
// PiDiNet by kernels of its own on CPUs: the same folded network as edge_detector.cpp, without
// torch.
//
// A convolution library works layer by layer and moves every map through memory several times; the
// thin layers of this network (8 to 80 channels on large maps) then wait for memory. Here a block
// (depthwise, ReLU, 1x1, shortcut) is one pass, and so is a head (four dilated convolutions, their
// sum, the attention's and the output's 1x1).
//
// Maps are pair planes (common/cpu/pair_planes.h).

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace semcodec {

/// Weights in the order of torch's tensors, kernels already folded.
struct EdgeWeights {
  struct Block {
    int in = 0, out = 0, size = 3;  ///< depthwise kernels are size x size; 5 or 3
    bool pools = false;             ///< a 2x2 maximum first, and a 1x1 in the shortcut
    std::vector<float> depthwise, pointwise, shortcut, shortcut_bias;
  };
  struct Head {
    int in = 0, width = 0;
    std::vector<float> narrow, narrow_bias;
    std::array<std::vector<float>, 4> dilated;  ///< dilation 5, 7, 9, 11
    std::vector<float> attend, attend_bias, attend_map, reduce;
  };
  std::vector<float> init;  ///< C x 3 x 3 x 3
  std::vector<Block> blocks;
  std::array<Head, 4> heads;
  std::array<float, 3> mean{}, scale{};  ///< x = (rgb - mean) * scale
  float bias = 0;                        ///< of the fused map
};

/// A picture of RGB, bytes or floats 0..1; element strides.
struct EdgePictureView {
  const std::uint8_t* bytes = nullptr;  ///< one of the two
  const float* floats = nullptr;
  std::ptrdiff_t channel = 0, row = 0, column = 0;
  int width = 0, height = 0;
};

class EdgeEngine {
 public:
  /// Runs body(first, last) over parts of 0 .. count, in threads or not.
  using Parallel = std::function<void(std::int64_t count,
                                      const std::function<void(std::int64_t, std::int64_t)>& body)>;

  /// Whether the network has the parts it knows: even numbers of channels, CDCM, attention.
  static bool takes(const EdgeWeights& weights);

  EdgeEngine(const EdgeWeights& weights, Parallel parallel);
  ~EdgeEngine();

  /// Fused edge probability, height x width. May run in several threads at a time.
  void detect(const EdgePictureView& picture, float* probability) const;

  /// The four stages' maps before they are resized and summed: sizes halved (rounded down) from
  /// stage to stage.
  std::array<std::vector<float>, 4> stages(const EdgePictureView& picture) const;

 private:
  struct Net;
  std::unique_ptr<Net> net_;
};

}  // namespace semcodec
