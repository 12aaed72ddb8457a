#include "models/generator/paint_layers.h"

namespace semcodec::paint {

using pairs::Dot;
using pairs::Planes;

Layer taps_layer(const LayerSource& source, const std::string& name, int outputs, int inputs,
                 bool shuffled) {
  const Floats values = source.weight(name + ".weight"), bias = source.weight(name + ".bias");
  Layer layer;
  layer.inputs = inputs;
  const int padded = (inputs + 1) / 2 * 2;
  layer.dot = Dot(
      source.level, outputs, padded * 9,
      [&](int o, int i) {
        const int channel = i / 18 * 2 + i % 2, tap = i / 2 % 9;
        const int from = shuffled ? shuffled_output(o) : o;
        return channel < inputs ? values[index((from * inputs + channel) * 9 + tap)] : 0.0F;
      },
      shuffled ? 4 : 2);
  for (int o = 0; o < outputs; ++o) {
    layer.bias.push_back(bias[index(shuffled ? shuffled_output(o) : o)]);
  }
  return layer;
}

Layer pairs_layer(const LayerSource& source, const std::string& name, int outputs, int inputs) {
  const Floats values = source.weight(name + ".weight");
  Layer layer;
  layer.inputs = inputs;
  layer.bias = source.weight(name + ".bias");
  for (int part = 0; part < 4; ++part) {
    layer.parts[index(part)] = Dot(source.level, outputs, inputs * 3, [&](int o, int i) {
      const int channel = i / 6 * 2 + i % 2, row = i / 2 % 3;
      const float* w = values.data() + ((o * inputs + channel) * 3 + row) * 3;
      if (part == 0) return w[0];
      if (part == 3) return w[2];
      return 0.5F * (w[0] + w[2] + (part == 1 ? w[1] : -w[1]));
    });
  }
  return layer;
}

Layer point_layer(const LayerSource& source, const std::string& name, int outputs, int inputs,
                  bool shuffled) {
  return point_layer(source, name, outputs, inputs, shuffled, [](int i) { return i; });
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

}  // namespace semcodec::paint
