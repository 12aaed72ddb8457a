#pragma once
// The generator's frame by kernels of its own on CPUs: the network of generator.h without torch.
//
// A convolution library works layer by layer; activations, additions, shuffles and the blend then
// pass every map through memory again. Here they are the last step of the convolution before them
// (generator_kernels.h), the attention is a kernel of its own, and the full-size head ends in
// pixels. Sums and what follows them are in float, so the result is nearer to that of float32 than
// torch's in bf16. Features are bf16 pair planes (common/cpu/pair_planes.h).

#include <memory>

#include "models/generator/generator_layers.h"

namespace semcodec {

/// GeneratorConfig without torch, and what its constructor fixes.
struct GeneratorSizes {
  int half = 0, quarter = 0, eighth = 0, bottleneck = 0;  ///< channels
  int blocks_half = 0, blocks_quarter = 0, blocks_eighth = 0;
  int transformer_blocks = 0, heads = 0, mlp_ratio = 0;
  int texture_channels = 0;  ///< 0: none
  bool noise = false;
};

/// One picture's FrameContext; all row-major.
struct GeneratorInput {
  int width = 0, height = 0;       ///< coded size, multiples of 16
  const float* condition[3] = {};  ///< of this moment, of A, of B: 4 × height/2 × width/2
  const float* reference[2] = {};  ///< 3 × height × width
  const float* texture = nullptr;  ///< texture_channels × height/16 × width/16
  const float* scalars = nullptr;  ///< 9
  const float* noise[3] = {};      ///< noise_field() at 1/8, 1/4, 1/2
};

class GeneratorEngine {
 public:
  using Parallel = generate::Parallel;
  using Weight = generate::Weight;

  /// Whether it knows how to lay out a network of these sizes: even numbers of channels.
  static bool takes(const GeneratorSizes& sizes);

  GeneratorEngine(const GeneratorSizes& sizes, const Weight& weight, Parallel parallel);
  ~GeneratorEngine();

  /// The frame, clamped to 0..1: 3 × height × width. May run in several threads at a time.
  void generate(const GeneratorInput& input, float* frame) const;

 private:
  struct Net;
  std::unique_ptr<Net> net_;
};

}  // namespace semcodec
