#include "models/generator/generator_layers.h"

namespace semcodec::generate {

using cpu::Dot;

namespace {

std::size_t index(int i) { return static_cast<std::size_t>(i); }

/// The output of torch that is output `o` of a shuffled convolution (Target::shuffled).
int shuffled_output(int o) { return (o / 8 * 2 + o % 2) * 4 + o / 2 % 4; }

std::vector<float> bias_of(const Weight& weight, const std::string& name, int outputs,
                           bool shuffled) {
  const auto values = weight(name + ".bias");
  std::vector<float> bias;
  for (int o = 0; o < outputs; ++o) {
    bias.push_back(values[index(shuffled ? shuffled_output(o) : o)]);
  }
  return bias;
}

}  // namespace

Layer Layout::taps(const std::string& name, int outputs, Inputs inputs, bool shuffled) const {
  const auto values = weight(name + ".weight");
  const int padded = (inputs.count + 1) / 2 * 2;
  Layer layer;
  layer.dot = Dot(
      level, outputs, padded * 9,
      [&](int o, int i) {
        const int channel = i / 18 * 2 + i % 2, tap = i / 2 % 9;
        const int from = (shuffled ? shuffled_output(o) : o) * inputs.all + inputs.first + channel;
        return channel < inputs.count ? values[index(from * 9 + tap)] : 0.0F;
      },
      shuffled ? 4 : 2);
  layer.bias = bias_of(weight, name, outputs, shuffled);
  return layer;
}

Layer Layout::points(const std::string& name, int outputs, int inputs, bool shuffled,
                     const std::function<int(int)>& from) const {
  const auto values = weight(name + ".weight");
  Layer layer;
  layer.dot = Dot(
      level, outputs, inputs,
      [&](int o, int i) {
        return values[index((shuffled ? shuffled_output(o) : o) * inputs + from(i))];
      },
      shuffled ? 4 : 2);
  layer.bias = bias_of(weight, name, outputs, shuffled);
  return layer;
}

Layer Layout::points(const std::string& name, int outputs, int inputs, bool shuffled) const {
  return points(name, outputs, inputs, shuffled, [](int i) { return i; });
}

Layer Layout::in_parts(const std::string& name, int outputs, int inputs) const {
  const auto values = weight(name + ".weight");
  Layer layer;
  layer.bias = weight(name + ".bias");
  for (int part = 0; part < 4; ++part) {
    layer.parts[index(part)] = Dot(level, outputs, inputs * 3, [&](int o, int i) {
      const int channel = i / 6 * 2 + i % 2, row = i / 2 % 3;
      const float* w = values.data() + ((o * inputs + channel) * 3 + row) * 3;
      if (part == 0) return w[0];
      if (part == 3) return w[2];
      return 0.5F * (w[0] + w[2] + (part == 1 ? w[1] : -w[1]));
    });
  }
  return layer;
}

Stage Layout::stage(const std::string& name, int channels, int blocks) const {
  Stage layers;
  for (int i = 0; i < blocks; ++i) {
    for (const char* part : {".conv1", ".conv2"}) {
      const std::string full = name + "." + std::to_string(i) + part;
      layers.push_back(fewer_products(level) ? in_parts(full, channels, channels)
                                             : taps(full, channels, channels));
    }
  }
  return layers;
}

Steps steps_of_points(const Planes& x) {
  Steps steps;
  for (int p = 0; p < x.pair_count; ++p) steps.push_back(p * x.plane);
  return steps;
}

Steps steps_of_taps(const Planes& x) {
  Steps steps;
  for (int p = 0; p < x.pair_count; ++p) {
    for (int tap = 0; tap < 9; ++tap) {
      steps.push_back(p * x.plane + (tap / 3 - 1) * x.stride + tap % 3 - 1);
    }
  }
  return steps;
}

/// The taps of a 3×3 convolution with stride 2 in the phases of split_rows().
Steps steps_of_phases(const Planes& x) {
  Steps steps;
  const int count = x.pair_count / 4;
  for (int p = 0; p < count; ++p) {
    for (int tap = 0; tap < 9; ++tap) {
      const int dy = tap / 3 - 1, dx = tap % 3 - 1, phase = 2 * (dy & 1) + (dx & 1);
      steps.push_back((phase * count + p) * x.plane + (dy < 0 ? -x.stride : 0) - (dx < 0 ? 1 : 0));
    }
  }
  return steps;
}

Steps steps_of_rows(const Planes& parts) {
  Steps steps;
  for (int p = 0; p < parts.pair_count / 4; ++p) {
    for (int row = -1; row <= 1; ++row) steps.push_back(p * parts.plane + row * parts.stride);
  }
  return steps;
}

StageMaps::StageMaps(int channels, int width, int height)
    : raw(channels / 2, width, height, 1),
      active(channels / 2, width, height, 1),
      inner(channels / 2, width, height, 1),
      other(channels / 2, width, height, 1) {}

void Runner::rows(int count, const std::function<void(int, int)>& body) const {
  parallel(count, [&](std::int64_t first, std::int64_t last) {
    body(static_cast<int>(first), static_cast<int>(last));
  });
}

void Runner::convolve(const std::vector<Input>& inputs, const std::vector<float>& bias,
                      const Target& target, int width, int height) const {
  parallel(units_of(width, height), [&](std::int64_t first, std::int64_t last) {
    kernels.convolve(inputs.data(), static_cast<int>(inputs.size()), bias.data(), target, width,
                     height, first, last);
  });
}

void Runner::taps(const Planes& x, const Layer& layer, const Target& target) const {
  const Steps steps = steps_of_taps(x);
  convolve({{&x, &steps, &layer.dot}}, layer.bias, target, x.width, x.height);
}

void Runner::points(const Planes& x, const Layer& layer, const Target& target) const {
  const Steps steps = steps_of_points(x);
  convolve({{&x, &steps, &layer.dot}}, layer.bias, target, x.width, x.height);
}

void Runner::split(const Planes& x, int first_pair, Planes& out) const {
  rows(out.height,
       [&](int first, int last) { kernels.split_rows(x, first_pair, out, first, last); });
}

void Runner::stage_layer(const Planes& x, const Layer& layer, const Target& target,
                         StageMaps& maps) const {
  if (layer.parts[0].tiles.empty()) return taps(x, layer, target);
  Planes& parts = maps.parts;
  if (parts.pair_count == 0) {
    parts = Planes::of_lines(4 * x.pair_count, x.width / 2, x.height, 1);
  }
  rows(x.height, [&](int first, int last) { kernels.pair_pixels(x, parts, first, last); });
  const Steps steps = steps_of_rows(parts);
  parallel(units_of(parts.width, x.height), [&](std::int64_t first, std::int64_t last) {
    kernels.convolve_pairs(parts, steps.data(), layer.parts.data(), layer.bias.data(), target,
                           first, last);
  });
}

void Runner::residual_blocks(const Stage& stage, StageMaps& maps) const {
  for (std::size_t i = 0; i < stage.size(); i += 2) {
    Target inner;
    inner.active = &maps.inner;
    stage_layer(maps.active, stage[i], inner, maps);
    Target outer;
    outer.raw = &maps.raw;
    outer.active = &maps.active;
    outer.residual = &maps.raw;
    stage_layer(maps.inner, stage[i + 1], outer, maps);
  }
}

}  // namespace semcodec::generate
