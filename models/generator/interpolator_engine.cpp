#include "models/generator/interpolator_engine.h"

#include <cstring>
#include <utility>

#include "models/generator/workspace_pool.h"

namespace semcodec {

using cpu::Planes;
using generate::Layer;
using generate::Stage;
using generate::StageMaps;
using generate::Steps;
using generate::steps_of_phases;
using generate::steps_of_taps;
using generate::Target;

namespace {

constexpr int kPictures = 24;  // channels of both pictures, folded

/// Channels of the motion step at 1/8 size.
int far_channels(const InterpolatorSizes& s) { return s.motion + s.motion / 3; }

/// Channel `c` of a plane's words as floats.
void unpack_row(const std::uint32_t* words, int width, bool odd, float* out) {
  for (int x = 0; x < width; ++x) {
    const std::uint32_t bits = odd ? words[x] & 0xffff0000U : words[x] << 16;
    std::memcpy(out + x, &bits, sizeof bits);
  }
}

}  // namespace

struct InterpolatorEngine::Maps {
  Maps(const InterpolatorSizes& s, int w, int h)
      : width(w),
        height(h),
        seen(kSeen / 2, w / 4, h / 4, 1),
        near(s.motion, w / 4, h / 4),
        near_phases(2 * s.motion, w / 8, h / 8, 1),
        far(far_channels(s), w / 8, h / 8),
        off(2, w / 4, h / 4, 0),
        hint(kHint / 2, w / 2, h / 2, 1),
        pictures(kPictures / 2, w / 2, h / 2, 1),
        fine(s.half, w / 2, h / 2),
        fine_phases(2 * s.half, w / 4, h / 4, 1),
        coarse(s.quarter, w / 4, h / 4),
        heads(kHeads / 2, w / 2, h / 2, 0) {}
  int width, height;
  Planes seen;
  StageMaps near;  // at 1/4
  Planes near_phases;
  StageMaps far;  // at 1/8
  Planes off, hint, pictures;
  StageMaps fine;  // at 1/2
  Planes fine_phases;
  StageMaps coarse;  // at 1/4
  Planes heads;
};

struct InterpolatorEngine::Net : generate::Runner {
  Net(const generate::Layout& layout, const generate::Kernels& table, const InterpolatorSizes& s,
      generate::Parallel run)
      : Runner{table, std::move(run)},
        sizes(s),
        motion_in(layout.taps("motion_in", s.motion, kSeen)),
        motion_down(layout.taps("motion_down", far_channels(s), s.motion)),
        motion_up(layout.points("motion_up", 4 * s.motion, far_channels(s), true)),
        motion_out(layout.taps("motion_out", 4, s.motion)),
        hint(layout.points("hint", 4 * kHint, s.motion, true)),
        blend_pictures(layout.taps("blend_in", s.half, {0, kPictures, kPictures + kHint})),
        blend_hint(layout.taps("blend_in", s.half, {kPictures, kHint, kPictures + kHint})),
        blend_down(layout.taps("blend_down", s.quarter, s.half)),
        blend_up(layout.points("blend_up", 4 * s.half, s.quarter, true)),
        blend_half(layout.taps("blend_half", s.half, s.half)),
        head(layout.taps("head", kHeads, s.half)),
        motion_eighth(layout.stage("motion_eighth", far_channels(s), 2)),
        blend_quarter(layout.stage("blend_quarter", s.quarter, 1)) {}

  /// A 3×3 convolution with stride 2 of x, whose phases are made in `phases`.
  void halve(const Planes& x, Planes& phases, const Layer& layer, StageMaps& to) const {
    split(x, 0, phases);
    const Steps steps = steps_of_phases(phases);
    Target target;
    target.raw = &to.raw;
    target.active = &to.active;
    convolve({{&phases, &steps, &layer.dot}}, layer.bias, target, phases.width, phases.height);
  }

  void refine(const float* values, Maps& m) const {
    const std::ptrdiff_t area = std::ptrdiff_t{m.seen.width} * m.seen.height;
    rows(m.seen.height, [&](int first, int last) {
      for (int p = 0; p < m.seen.pair_count; ++p) {
        for (int y = first; y < last; ++y) {
          const float* row = values + 2 * p * area + std::ptrdiff_t{y} * m.seen.width;
          kernels.pair_rows(row, row + area, m.seen.width, m.seen.at(p, y));
        }
      }
    });
    Target in;
    in.raw = &m.near.raw;
    in.active = &m.near.active;
    taps(m.seen, motion_in, in);
    halve(m.near.active, m.near_phases, motion_down, m.far);
    residual_blocks(motion_eighth, m.far);
    Target up;
    up.active = &m.near.inner;
    up.residual = &m.near.raw;
    up.shuffled = true;
    points(m.far.active, motion_up, up);
    Target out;
    out.raw = &m.off;
    taps(m.near.inner, motion_out, out);
    Target told;
    told.raw = &m.hint;
    told.shuffled = true;
    points(m.near.inner, hint, told);
  }

  void blend(Maps& m) const {
    const Steps of_pictures = steps_of_taps(m.pictures), of_hint = steps_of_taps(m.hint);
    Target in;
    in.raw = &m.fine.raw;
    in.active = &m.fine.active;
    convolve(
        {{&m.pictures, &of_pictures, &blend_pictures.dot}, {&m.hint, &of_hint, &blend_hint.dot}},
        blend_pictures.bias, in, m.pictures.width, m.pictures.height);
    halve(m.fine.active, m.fine_phases, blend_down, m.coarse);
    residual_blocks(blend_quarter, m.coarse);
    Target up;
    up.raw = &m.fine.other;
    up.active = &m.fine.active;
    up.residual = &m.fine.raw;
    up.shuffled = true;
    points(m.coarse.active, blend_up, up);
    Target half;
    half.active = &m.fine.inner;
    half.residual = &m.fine.other;
    taps(m.fine.active, blend_half, half);
    Target out;
    out.raw = &m.heads;
    taps(m.fine.inner, head, out);
  }

  InterpolatorSizes sizes;
  Layer motion_in, motion_down, motion_up, motion_out, hint, blend_pictures, blend_hint, blend_down,
      blend_up, blend_half, head;
  Stage motion_eighth, blend_quarter;
  generate::WorkspacePool<Maps> spaces;
};

bool InterpolatorEngine::takes(const InterpolatorSizes& s) {
  return s.motion % 2 == 0 && far_channels(s) % 2 == 0 && s.half % 2 == 0 && s.quarter % 2 == 0;
}

InterpolatorEngine::InterpolatorEngine(const InterpolatorSizes& sizes,
                                       const generate::Weight& weight, generate::Parallel parallel)
    : net_(std::make_unique<Net>(generate::Layout{cpu::generator_kernels().level, weight},
                                 cpu::generator_kernels(), sizes, std::move(parallel))) {}

InterpolatorEngine::~InterpolatorEngine() = default;

std::shared_ptr<InterpolatorEngine::Maps> InterpolatorEngine::acquire(int width, int height) const {
  return net_->spaces.acquire(width, height,
                              [&] { return std::make_unique<Maps>(net_->sizes, width, height); });
}

void InterpolatorEngine::refine(Maps& maps, const float* seen, float* off) const {
  net_->refine(seen, maps);
  const Planes& words = maps.off;
  for (int c = 0; c < 4; ++c) {
    for (int y = 0; y < words.height; ++y, off += words.width) {
      unpack_row(words.at(c / 2, y), words.width, c % 2 == 1, off);
    }
  }
}

Planes& InterpolatorEngine::pictures(Maps& maps) { return maps.pictures; }

const Planes& InterpolatorEngine::blend(Maps& maps) const {
  net_->blend(maps);
  return maps.heads;
}

}  // namespace semcodec
