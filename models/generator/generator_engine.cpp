#include "models/generator/generator_engine.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "models/generator/generator_layers.h"
#include "models/generator/workspace_pool.h"

namespace semcodec {

using cpu::Planes;
using generate::Input;
using generate::Layer;
using generate::Stage;
using generate::StageMaps;
using generate::Steps;
using generate::steps_of_phases;
using generate::steps_of_taps;
using generate::Target;
using Floats = std::vector<float>;

namespace {

constexpr int kScalars = 9, kFull = 8;  // channels at full size

std::size_t index(int i) { return static_cast<std::size_t>(i); }

struct Transformer {
  std::vector<std::uint32_t> position;
  Floats position_bias, gain1, bias1, gain2, bias2;
  Layer qkv, proj, expand, shrink;
};

}  // namespace

/// The maps of one picture size, kept for the next picture.
struct GeneratorWorkspace {
  GeneratorWorkspace(const GeneratorSizes& s, int w, int h)
      : width(w),
        height(h),
        conditions(24, w / 4, h / 4, 1),
        folded_half(14, w / 2, h / 2, 0),
        folded_quarter(48, w / 4, h / 4, 0),
        seen(s.quarter / 2, w / 4, h / 4, 1),
        told(s.quarter / 2, w / 4, h / 4, 1),
        seen_phases(2 * s.quarter, w / 8, h / 8, 1),
        context_phases(2 * s.quarter, w / 8, h / 8, 1),
        eighth_phases(2 * s.eighth, w / 16, h / 16, 1),
        texture((s.texture_channels + 1) / 2, w / 16, h / 16, 1),
        bottleneck(s.bottleneck / 2, w / 16, h / 16, 1),
        tokens(s.bottleneck / 2, w / 16 * (h / 16), 1, 0),
        normed(s.bottleneck / 2, w / 16 * (h / 16), 1, 0),
        qkv(3 * s.bottleneck / 2, w / 16 * (h / 16), 1, 0),
        wide(s.mlp_ratio * s.bottleneck / 2, w / 16 * (h / 16), 1, 0),
        eighth(s.eighth, w / 8, h / 8),
        quarter(s.quarter, w / 4, h / 4),
        half(s.half, w / 2, h / 2),
        full(kFull / 2, w, h, 1) {}
  int width, height;
  Planes conditions, folded_half, folded_quarter, seen, told, seen_phases, context_phases,
      eighth_phases, texture, bottleneck, tokens, normed, qkv, wide;
  StageMaps eighth, quarter, half;
  Planes full;
};

struct GeneratorEngine::Net : generate::Runner {
  Net(const GeneratorSizes& s, const Weight& weight, Parallel run)
      : Runner{cpu::generator_kernels(), std::move(run)}, sizes(s) {
    const generate::Layout layout{kernels.level, weight};
    condition_in = layout.taps("condition_in", s.quarter, 48);
    condition_down = layout.taps("condition_down", s.eighth, s.quarter);
    image_down = layout.taps("image_down", s.eighth, s.quarter);
    // split_rows() of the references folded by two: pair 12·phase + 2·colour + row.
    image_in = layout.points("image_in", s.quarter, 96, false, [](int i) {
      const int phase = i / 24, colour = i / 4 % 6, row = i / 2 % 2, lane = i % 2;
      return colour * 16 + (phase / 2 * 2 + row) * 4 + phase % 2 * 2 + lane;
    });
    for (std::size_t c = 0; c < index(s.eighth); ++c) image_down.bias[c] += condition_down.bias[c];
    scalars_quarter = weight("scalars_quarter.weight");
    scalars_quarter_bias = weight("scalars_quarter.bias");
    scalars_bottleneck = weight("scalars_bottleneck.weight");
    scalars_bottleneck_bias = weight("scalars_bottleneck.bias");
    to_bottleneck = layout.taps("to_bottleneck", s.bottleneck, s.eighth);
    if (s.texture_channels > 0) {
      texture_in = layout.taps("texture_in", s.bottleneck, s.texture_channels);
    }
    for (int i = 0; i < s.transformer_blocks; ++i) {
      const std::string name = "transformer." + std::to_string(i) + ".";
      const int c = s.bottleneck, wide = c * s.mlp_ratio;
      Transformer block;
      const Floats position = weight(name + "position.weight");
      for (int channel = 0; channel < c; channel += 2) {
        for (int tap = 0; tap < 9; ++tap) {
          for (int lane = 0; lane < 2; ++lane) {
            const float value = position[index((channel + lane) * 9 + tap)];
            block.position.push_back(cpu::lane_word(layout.level, value, lane));
          }
        }
      }
      block.position_bias = weight(name + "position.bias");
      block.gain1 = weight(name + "norm1.weight");
      block.bias1 = weight(name + "norm1.bias");
      block.gain2 = weight(name + "norm2.weight");
      block.bias2 = weight(name + "norm2.bias");
      block.qkv = layout.points(name + "qkv", 3 * c, c);
      block.proj = layout.points(name + "proj", c, c);
      block.expand = layout.points(name + "expand", wide, c);
      block.shrink = layout.points(name + "shrink", c, wide);
      transformer.push_back(std::move(block));
    }
    from_bottleneck = layout.points("from_bottleneck", 4 * s.eighth, s.bottleneck, true);
    to_quarter = layout.points("to_quarter", 4 * s.quarter, s.eighth, true);
    to_half = layout.points("to_half", 4 * s.half, s.quarter, true);
    skip_half = layout.points("skip_half", s.half, 28);
    to_full = layout.taps("to_full", 4 * kFull, s.half, true);
    head = layout.taps("head", 6, kFull);
    eighth = layout.stage("eighth", s.eighth, s.blocks_eighth);
    quarter = layout.stage("quarter", s.quarter, s.blocks_quarter);
    half = layout.stage("half", s.half, s.blocks_half);
    if (s.noise) {
      noise_strength = {weight("noise_eighth"), weight("noise_quarter"), weight("noise_half")};
    }
  }

  static Floats with_scalars(const Floats& bias, const Floats& weights, const Floats& own,
                             const float* scalars) {
    Floats out = bias;
    for (std::size_t c = 0; c < out.size(); ++c) {
      out[c] += own[c];
      for (std::size_t k = 0; k < kScalars; ++k) out[c] += weights[c * kScalars + k] * scalars[k];
    }
    return out;
  }

  void fold(const GeneratorInput& in, GeneratorWorkspace& w) const {
    const int half_width = in.width / 2;
    const std::ptrdiff_t half_area = std::ptrdiff_t{half_width} * (in.height / 2);
    rows(in.height / 4, [&](int first, int last) {
      for (int y = 2 * first; y < 2 * last; ++y) {
        for (int i = 0; i < 12; ++i) {
          const float* plane = in.condition[i / 4] + i % 4 * half_area;
          kernels.fold_row(plane + std::ptrdiff_t{y} * half_width, half_width,
                           w.conditions.at(2 * i + y % 2, y / 2));
        }
        for (int p = 0; p < 2; ++p) {
          const float* from = in.condition[0] + 2 * p * half_area + std::ptrdiff_t{y} * half_width;
          kernels.pair_rows(from, from + half_area, half_width, w.folded_half.at(p, y));
        }
      }
      for (int y = 4 * first; y < 4 * last; ++y) {
        for (int i = 0; i < 6; ++i) {
          kernels.fold_row(
              in.reference[i / 3] + i % 3 * (4 * half_area) + std::ptrdiff_t{y} * in.width,
              in.width, w.folded_half.at(2 + 2 * i + y % 2, y / 2));
        }
      }
      kernels.split_rows(w.folded_half, 2, w.folded_quarter, first, last);
    });
    const int width = in.width / 16, height = in.height / 16;
    const std::ptrdiff_t area = std::ptrdiff_t{width} * height;
    const std::vector<float> nothing(index(width));
    for (int c = 0; c < sizes.texture_channels; c += 2) {
      for (int y = 0; y < height; ++y) {
        const float* from = in.texture + c * area + std::ptrdiff_t{y} * width;
        kernels.pair_rows(from, c + 1 < sizes.texture_channels ? from + area : nothing.data(),
                          width, w.texture.at(c / 2, y));
      }
    }
  }

  /// Both encoders; leaves their sums at 1/4 in quarter.other and at 1/8 in eighth.other.
  void encode(const GeneratorInput& in, GeneratorWorkspace& w) const {
    {
      const Steps steps = steps_of_taps(w.conditions);
      const Floats bias =
          with_scalars(condition_in.bias, scalars_quarter, scalars_quarter_bias, in.scalars);
      Target target;
      target.raw = &w.quarter.raw;
      target.active = &w.told;
      convolve({{&w.conditions, &steps, &condition_in.dot}}, bias, target, in.width / 4,
               in.height / 4);
    }
    Target target;
    target.raw = &w.quarter.other;
    target.active = &w.seen;
    target.residual = &w.quarter.raw;
    target.active_alone = true;
    points(w.folded_quarter, image_in, target);
    split(w.told, 0, w.context_phases);
    split(w.seen, 0, w.seen_phases);
    const Steps steps = steps_of_phases(w.context_phases);
    Target down;
    down.raw = &w.eighth.other;
    down.active = &w.eighth.inner;
    convolve({{&w.context_phases, &steps, &condition_down.dot},
              {&w.seen_phases, &steps, &image_down.dot}},
             image_down.bias, down, in.width / 8, in.height / 8);
    split(w.eighth.inner, 0, w.eighth_phases);
  }

  void run_bottleneck(const GeneratorInput& in, GeneratorWorkspace& w) const {
    const Steps steps = steps_of_phases(w.eighth_phases);
    Floats bias =
        with_scalars(to_bottleneck.bias, scalars_bottleneck, scalars_bottleneck_bias, in.scalars);
    std::vector<Input> inputs = {{&w.eighth_phases, &steps, &to_bottleneck.dot}};
    Steps texture_steps;
    if (sizes.texture_channels > 0) {
      texture_steps = steps_of_taps(w.texture);
      inputs.push_back({&w.texture, &texture_steps, &texture_in.dot});
      for (std::size_t c = 0; c < bias.size(); ++c) bias[c] += texture_in.bias[c];
    }
    Planes& x = w.bottleneck;
    Target target;
    target.raw = &x;
    convolve(inputs, bias, target, x.width, x.height);
    for (std::size_t i = 0; i < transformer.size(); ++i) {
      run_transformer(transformer[i], w);
      const bool last = i + 1 == transformer.size();
      rows(x.height, [&](int from, int to) {
        kernels.rows_of_tokens(w.tokens, last ? nullptr : &x, last ? &x : nullptr, from, to);
      });
    }
  }

  void run_transformer(const Transformer& block, GeneratorWorkspace& w) const {
    const auto norm = [&](const Floats& gain, const Floats& bias) {
      parallel(generate::units_of(w.tokens.width, 1), [&](std::int64_t first, std::int64_t last) {
        kernels.normalise(w.tokens, gain.data(), bias.data(), w.normed, first, last);
      });
    };
    rows(w.bottleneck.height, [&](int first, int last) {
      kernels.position_rows(w.bottleneck, block.position, block.position_bias.data(), w.tokens,
                            first, last);
    });
    norm(block.gain1, block.bias1);
    Target to_qkv;
    to_qkv.raw = &w.qkv;
    points(w.normed, block.qkv, to_qkv);
    parallel(generate::units_of(w.tokens.width, sizes.heads),
             [&](std::int64_t first, std::int64_t last) {
               kernels.attend(w.qkv, sizes.heads, w.normed, first, last);
             });
    Target added;
    added.raw = &w.tokens;
    added.residual = &w.tokens;
    points(w.normed, block.proj, added);
    norm(block.gain2, block.bias2);
    Target wide;
    wide.active = &w.wide;
    wide.gelu = true;
    points(w.normed, block.expand, wide);
    points(w.wide, block.shrink, added);
  }

  /// shuffle(layer(x)) + maps.other + noise, then the stage's blocks: leaves the last activation in
  /// maps.active.
  void run_stage(const Planes& x, const Layer& layer, const Stage& stage, std::size_t level,
                 const GeneratorInput& in, StageMaps& maps) const {
    Target target;
    target.raw = &maps.raw;
    target.active = &maps.active;
    target.residual = &maps.other;
    target.shuffled = true;
    if (sizes.noise) {
      target.noise = in.noise[level];
      target.noise_strength = noise_strength[level].data();
    }
    points(x, layer, target);
    residual_blocks(stage, maps);
  }

  void run(const GeneratorInput& in, GeneratorWorkspace& w, float* frame) const {
    fold(in, w);
    encode(in, w);
    run_bottleneck(in, w);
    run_stage(w.bottleneck, from_bottleneck, eighth, 0, in, w.eighth);
    run_stage(w.eighth.active, to_quarter, quarter, 1, in, w.quarter);
    Target skip;
    skip.raw = &w.half.other;
    points(w.folded_half, skip_half, skip);
    run_stage(w.quarter.active, to_half, half, 2, in, w.half);
    Target full;
    full.active = &w.full;
    full.shuffled = true;
    taps(w.half.active, to_full, full);
    generate::Blend blend;
    blend.colours = in.condition[0];
    for (std::size_t i = 0; i < 2; ++i) {
      blend.reference[i] = in.reference[i];
      blend.valid[i] = in.scalars[i] >= 0.5F;
    }
    blend.out = frame;
    const Steps steps = steps_of_taps(w.full);
    rows(in.height, [&](int first, int last) {
      kernels.blend_rows({&w.full, &steps, &head.dot}, head.bias.data(), blend, first, last);
    });
  }

  GeneratorSizes sizes;
  Layer condition_in, condition_down, image_in, image_down, to_bottleneck, texture_in,
      from_bottleneck, to_quarter, to_half, skip_half, to_full, head;
  Floats scalars_quarter, scalars_quarter_bias, scalars_bottleneck, scalars_bottleneck_bias;
  std::vector<Transformer> transformer;
  Stage eighth, quarter, half;
  std::array<Floats, 3> noise_strength;
  generate::WorkspacePool<GeneratorWorkspace> spaces;
};

bool GeneratorEngine::takes(const GeneratorSizes& s) {
  return s.half % 2 == 0 && s.quarter % 2 == 0 && s.eighth % 2 == 0 && s.heads > 0 &&
         s.bottleneck % (2 * s.heads) == 0 && s.transformer_blocks > 0;
}

GeneratorEngine::GeneratorEngine(const GeneratorSizes& sizes, const Weight& weight,
                                 Parallel parallel)
    : net_(std::make_unique<Net>(sizes, weight, std::move(parallel))) {}

GeneratorEngine::~GeneratorEngine() = default;

void GeneratorEngine::generate(const GeneratorInput& input, float* frame) const {
  const auto space = net_->spaces.acquire(input.width, input.height, [&] {
    return std::make_unique<GeneratorWorkspace>(net_->sizes, input.width, input.height);
  });
  net_->run(input, *space, frame);
}

}  // namespace semcodec
