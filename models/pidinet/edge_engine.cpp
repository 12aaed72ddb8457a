#include "models/pidinet/edge_engine.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "common/cpu/edge_kernels.h"

namespace semcodec {

using cpu::Depthwise;
using cpu::Dot;
using cpu::Level;
using cpu::Planes;
using cpu::Sheet;

namespace {

constexpr std::array<int, 4> kDilations = {5, 7, 9, 11};
constexpr int kHeadBorder = 11, kBlockBorder = 2;

struct BlockKernels {
  bool pools = false;
  Depthwise depthwise;
  Dot pointwise, shortcut;
  std::vector<float> bias;
};

struct HeadKernels {
  Dot narrow, dilated;
  EdgeWeights::Head weights;
};

Depthwise depthwise_of(Level level, const EdgeWeights::Block& block) {
  Depthwise kernel;
  const int area = block.size * block.size;
  const auto weight = [&](int channel, int tap) {
    return block.depthwise[static_cast<std::size_t>(channel * area + tap)];
  };
  std::vector<int> taps;
  for (int tap = 0; tap < area; ++tap) {
    bool used = false;
    for (int channel = 0; channel < block.in; ++channel) used |= weight(channel, tap) != 0;
    if (!used) continue;
    taps.push_back(tap);
    kernel.dx.push_back(tap % block.size - block.size / 2);
    kernel.dy.push_back(tap / block.size - block.size / 2);
  }
  for (int channel = 0; channel < block.in; channel += 2) {
    for (const int tap : taps) {
      kernel.words.push_back(cpu::lane_word(level, weight(channel, tap), 0));
      kernel.words.push_back(cpu::lane_word(level, weight(channel + 1, tap), 1));
    }
  }
  return kernel;
}

Dot matrix(Level level, int outputs, int inputs, const std::vector<float>& values) {
  return Dot(level, outputs, inputs,
             [&](int o, int i) { return values[static_cast<std::size_t>(o * inputs + i)]; });
}

/// The four dilated convolutions as one: inputs are (dilation, tap, channel).
Dot dilated_of(Level level, const EdgeWeights::Head& head) {
  return Dot(level, head.width, 36 * head.width, [&](int o, int i) {
    const int channel = i % head.width, tap = i / head.width % 9, which = i / head.width / 9;
    return head.dilated[static_cast<std::size_t>(which)]
                       [static_cast<std::size_t>((o * head.width + channel) * 9 + tap)];
  });
}

std::vector<std::ptrdiff_t> dilated_steps(const Planes& x) {
  std::vector<std::ptrdiff_t> steps;
  for (const int reach : kDilations) {
    for (int tap = 0; tap < 9; ++tap) {
      for (int p = 0; p < x.pair_count; ++p) {
        steps.push_back(p * x.plane + (tap / 3 - 1) * reach * x.stride + (tap % 3 - 1) * reach);
      }
    }
  }
  return steps;
}

/// Where an output coordinate falls between input ones, as torch enlarges without aligned corners.
struct Between {
  Between(int in, int out) {
    const float scale = static_cast<float>(in) / static_cast<float>(out);
    for (int i = 0; i < out; ++i) {
      const float at = std::max((static_cast<float>(i) + 0.5F) * scale - 0.5F, 0.0F);
      const int low = std::min(static_cast<int>(at), in - 1);
      first.push_back(low);
      second.push_back(std::min(low + 1, in - 1));
      share.push_back(at - static_cast<float>(low));
    }
  }
  std::vector<int> first, second;
  std::vector<float> share;
};

}  // namespace

/// The maps of one picture size, kept for the next picture.
struct Workspace {
  int width = 0, height = 0;
  Planes input;
  std::array<Planes, 4> here, there, narrow;
  std::array<std::array<Sheet, cpu::kAttended>, 4> attended;
  std::array<Sheet, 4> reduced;
  std::array<std::vector<float>, 4> maps;
};

struct EdgeEngine::Net {
  Net(const EdgeWeights& w, Parallel run) : parallel(std::move(run)), weights(w) {
    const Level level = kernels.level;
    const int channels = w.blocks.front().in;
    // Inputs are (tap, channel), with a fourth channel of zeros.
    init = Dot(level, channels, 36, [&](int o, int i) {
      const int channel = i % 4, tap = i / 4;
      return channel == 3 ? 0.0F : w.init[static_cast<std::size_t>((o * 3 + channel) * 9 + tap)];
    });
    for (const auto& block : w.blocks) {
      BlockKernels own;
      own.pools = block.pools;
      own.depthwise = depthwise_of(level, block);
      own.pointwise = matrix(level, block.out, block.in, block.pointwise);
      if (block.pools) {
        own.shortcut = matrix(level, block.out, block.in, block.shortcut);
        own.bias = block.shortcut_bias;
      }
      blocks.push_back(std::move(own));
    }
    for (std::size_t stage = 0; stage < 4; ++stage) {
      const auto& head = w.heads[stage];
      heads[stage] = {matrix(level, head.width, head.in, head.narrow), dilated_of(level, head),
                      head};
    }
  }

  std::unique_ptr<Workspace> workspace(int width, int height) {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      for (auto& space : idle) {
        if (space->width != width || space->height != height) continue;
        std::swap(space, idle.back());
        auto found = std::move(idle.back());
        idle.pop_back();
        return found;
      }
      idle.clear();  // of another size
    }
    auto space = std::make_unique<Workspace>();
    space->width = width;
    space->height = height;
    space->input = Planes(2, width, height, 1);
    for (std::size_t stage = 0; stage < 4; ++stage) {
      const auto& head = weights.heads[stage];
      const int w = width >> stage, h = height >> stage;
      space->here[stage] = Planes(head.in / 2, w, h, kBlockBorder);
      space->there[stage] = Planes(head.in / 2, w, h, kBlockBorder);
      space->narrow[stage] = Planes(head.width / 2, w, h, kHeadBorder);
      for (auto& sheet : space->attended[stage]) sheet = Sheet(w, h);
      space->reduced[stage] = Sheet(w, h);
      space->maps[stage].resize(static_cast<std::size_t>(w) * static_cast<std::size_t>(h));
    }
    return space;
  }

  void give_back(std::unique_ptr<Workspace> space) {
    const std::lock_guard<std::mutex> lock(mutex);
    idle.push_back(std::move(space));
  }

  void rows(int count, const std::function<void(int, int)>& body) const {
    parallel(count, [&](std::int64_t first, std::int64_t last) {
      body(static_cast<int>(first), static_cast<int>(last));
    });
  }

  void take_picture(const EdgePictureView& picture, Planes& input) const {
    std::array<std::array<float, 256>, 3> table{};
    for (std::size_t c = 0; c < 3; ++c) {
      for (std::size_t v = 0; v < 256; ++v) {
        table[c][v] = (static_cast<float>(v) / 255.0F - weights.mean[c]) * weights.scale[c];
      }
    }
    rows(picture.height, [&](int first, int last) {
      for (int y = first; y < last; ++y) {
        std::uint32_t *red_green = input.at(0, y), *blue = input.at(1, y);
        for (int x = 0; x < picture.width; ++x) {
          const std::ptrdiff_t at = y * picture.row + x * picture.column;
          const auto value = [&](std::size_t c) {
            const std::ptrdiff_t place = at + static_cast<std::ptrdiff_t>(c) * picture.channel;
            if (picture.bytes != nullptr) return table[c][picture.bytes[place]];
            return (picture.floats[place] - weights.mean[c]) * weights.scale[c];
          };
          red_green[x] = cpu::pack_pair(value(0), value(1));
          blue[x] = cpu::pack_pair(value(2), 0);
        }
      }
    });
  }

  void run_head(std::size_t stage, const Planes& x, Workspace& space) const {
    const HeadKernels& head = heads[stage];
    Planes& narrow = space.narrow[stage];
    rows(x.height, [&](int first, int last) {
      kernels.narrow_rows(x, head.narrow, head.weights.narrow_bias.data(), narrow, first, last);
    });
    const auto steps = dilated_steps(narrow);
    const cpu::EdgeAttention attention{head.weights.attend.data(), head.weights.attend_bias.data(),
                                       head.weights.reduce.data(), head.weights.width};
    auto& attended = space.attended[stage];
    rows(x.height, [&](int first, int last) {
      kernels.head_rows(narrow, steps, head.dilated, attention, attended.data(),
                        space.reduced[stage], first, last);
    });
    rows(x.height, [&](int first, int last) {
      kernels.attend_rows(attended.data(), head.weights.attend_map.data(), space.reduced[stage],
                          x.width, space.maps[stage].data(), first, last);
    });
  }

  void run(const EdgePictureView& picture, Workspace& space) const {
    take_picture(picture, space.input);
    std::vector<std::ptrdiff_t> steps;
    for (int tap = 0; tap < 9; ++tap) {
      for (int p = 0; p < 2; ++p) {
        steps.push_back(p * space.input.plane + (tap / 3 - 1) * space.input.stride + tap % 3 - 1);
      }
    }
    rows(picture.height, [&](int first, int last) {
      kernels.convolve_rows(space.input, steps, init, space.here[0], first, last);
    });
    std::size_t stage = 0;
    for (const BlockKernels& block : blocks) {
      Planes pooled;
      if (block.pools) {
        const Planes& before = space.here[stage++];
        pooled = Planes(before.pair_count, before.width / 2, before.height / 2, kBlockBorder);
        rows(pooled.height,
             [&](int first, int last) { kernels.pool_rows(before, pooled, first, last); });
      }
      const Planes& x = block.pools ? pooled : space.here[stage];
      Planes& out = space.there[stage];
      rows(out.height, [&](int first, int last) {
        kernels.block_rows(x, block.depthwise, block.pointwise,
                           block.pools ? &block.shortcut : nullptr,
                           block.pools ? block.bias.data() : nullptr, out, first, last);
      });
      std::swap(space.here[stage], space.there[stage]);
    }
    for (std::size_t s = 0; s < 4; ++s) run_head(s, space.here[s], space);
  }

  /// Enlarges the four maps, adds them and takes the sigmoid.
  void fuse(const Workspace& space, float* probability) const {
    const int width = space.width, height = space.height;
    std::vector<Between> across, down;
    for (int stage = 1; stage < 4; ++stage) {
      across.emplace_back(width >> stage, width);
      down.emplace_back(height >> stage, height);
    }
    rows(height, [&](int first, int last) {
      std::vector<float> mixed(static_cast<std::size_t>(width));
      for (int y = first; y < last; ++y) {
        const auto row = static_cast<std::size_t>(y);
        float* out = probability + std::ptrdiff_t{y} * width;
        const float* own = space.maps[0].data() + std::ptrdiff_t{y} * width;
        for (int x = 0; x < width; ++x) out[x] = own[x] + weights.bias;
        for (std::size_t s = 0; s < 3; ++s) {
          const int narrow = width >> (s + 1);
          const float* map = space.maps[s + 1].data();
          const float* top = map + std::ptrdiff_t{down[s].first[row]} * narrow;
          const float* bottom = map + std::ptrdiff_t{down[s].second[row]} * narrow;
          const float share = down[s].share[row];
          for (int x = 0; x < narrow; ++x) {
            mixed[static_cast<std::size_t>(x)] = top[x] + share * (bottom[x] - top[x]);
          }
          const int *left = across[s].first.data(), *right = across[s].second.data();
          const float *part = across[s].share.data(), *from = mixed.data();
          for (int x = 0; x < width; ++x) {
            out[x] += from[left[x]] + part[x] * (from[right[x]] - from[left[x]]);
          }
        }
        kernels.sigmoid(out, width);
      }
    });
  }

  const cpu::EdgeKernels& kernels = cpu::edge_kernels();
  Parallel parallel;
  EdgeWeights weights;
  Dot init;
  std::vector<BlockKernels> blocks;
  std::array<HeadKernels, 4> heads;
  std::mutex mutex;
  std::vector<std::unique_ptr<Workspace>> idle;
};

bool EdgeEngine::takes(const EdgeWeights& weights) {
  bool good = !weights.blocks.empty();
  for (const auto& block : weights.blocks) good &= block.in % 2 == 0 && block.out % 2 == 0;
  for (const auto& head : weights.heads) {
    good &= head.width > 0 && head.width % 2 == 0 &&
            head.attend.size() == static_cast<std::size_t>(cpu::kAttended * head.width);
  }
  return good;
}

EdgeEngine::EdgeEngine(const EdgeWeights& weights, Parallel parallel)
    : net_(std::make_unique<Net>(weights, std::move(parallel))) {}

EdgeEngine::~EdgeEngine() = default;

void EdgeEngine::detect(const EdgePictureView& picture, float* probability) const {
  auto space = net_->workspace(picture.width, picture.height);
  net_->run(picture, *space);
  net_->fuse(*space, probability);
  net_->give_back(std::move(space));
}

std::array<std::vector<float>, 4> EdgeEngine::stages(const EdgePictureView& picture) const {
  auto space = net_->workspace(picture.width, picture.height);
  net_->run(picture, *space);
  auto maps = space->maps;
  net_->give_back(std::move(space));
  return maps;
}

}  // namespace semcodec
