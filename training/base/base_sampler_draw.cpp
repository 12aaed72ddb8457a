// How BaseSampler makes a sample.

#include <algorithm>
#include <map>
#include <utility>

#include "encoder/analysis/structure.h"
#include "models/generator/conditions.h"
#include "models/generator/flow_geometry.h"
#include "models/generator/restorer.h"
#include "training/base/base_sampler.h"
#include "training/data/draws.h"

namespace semcodec {

namespace {

namespace F = torch::nn::functional;

/// A picture of a store as h×w×3 bytes, without copying them.
torch::Tensor bytes_of(const FrameStore& store, std::int64_t index) {
  const auto& header = store.header();
  return torch::from_blob(const_cast<std::uint8_t*>(store.frame(static_cast<std::uint64_t>(index))),
                          {header.height, header.width, 3}, torch::kUInt8);
}

/// h×w×3 as 1×3×h×w, without copying.
torch::Tensor planes_of(const torch::Tensor& bytes) {
  return bytes.permute({2, 0, 1}).unsqueeze(0);
}

/// In 0..1.
torch::Tensor picture_of(const torch::Tensor& planes) {
  return planes.contiguous().to(torch::kFloat32) / 255.0;
}

/// A flow at 1/4 of the size for every pixel, as warp() takes it.
torch::Tensor whole_size(const torch::Tensor& flow, std::int64_t height, std::int64_t width) {
  return F::interpolate(flow, F::InterpolateFuncOptions()
                                  .size(std::vector<std::int64_t>{height, width})
                                  .mode(torch::kBilinear)
                                  .align_corners(false));
}

}  // namespace

torch::Tensor BaseSampler::edge_map(const Clip& clip, std::int64_t frame,
                                    std::uint64_t seed) const {
  Random random(seed);
  const auto& header = clip.frames.header();
  StructureOptions options;
  options.cell = pick(random, {4, 4, 8, 8, 16});
  options.levels = pick(random, {2, 3, 4, 4});
  options.min_length = pick(random, {0, 0, 6, 12});
  const auto count =
      static_cast<std::size_t>(header.width) * static_cast<std::size_t>(header.height);
  const std::uint8_t* bytes = clip.edges.front().frame(static_cast<std::uint64_t>(frame));
  std::vector<float> strength(count);
  for (std::size_t i = 0; i < count; ++i) strength[i] = static_cast<float>(bytes[i]) / 255.0F;
  SemanticFrame planes;
  planes.structure = analyse_structure(strength.data(), header.width, header.height, options);
  return render_condition(planes, header.width, header.height).narrow(1, 3, 1);
}

/// The square of a sample, in pixels of the coded size, and whether it is mirrored.
struct BaseSampler::Crop {
  int x = 0, y = 0, side = 0;
  bool flip = false;

  /// Of a map at 1/`scale` of the coded size.
  torch::Tensor of(const torch::Tensor& map, int scale = 1) const {
    const auto part = map.narrow(2, y / scale, side / scale).narrow(3, x / scale, side / scale);
    return flip ? part.flip(3) : part.contiguous();
  }
  /// Of a flow, whose x component turns round with the picture.
  torch::Tensor of_flow(const torch::Tensor& flow) const {
    const auto part = of(flow);
    return flip ? part * torch::tensor({-1.0F, 1.0F}).view({1, 2, 1, 1}) : part;
  }
};

/// What a sample is made of.
struct BaseSampler::Draw {
  const Clip& clip;
  const Layer& layer;
  Crop crop;
  std::vector<std::int64_t> places;  ///< of the pictures in the layer: neighbour, frames, neighbour
  std::vector<BaseView> views;       ///< of the same
  std::vector<torch::Tensor> halves;  ///< of the same
  bool no_next = false, no_previous = false, dis = true, with_edges = false;
  double detail = 0;
  std::uint64_t edge_seed = 0;

  // A neighbour that is the frame itself counts as none.
  bool has_a(std::size_t i) const { return places[i - 1] != places[i] && !(i == 1 && no_previous); }
  bool has_b(std::size_t i) const { return places[i + 1] != places[i] && !no_next; }
  std::int64_t frame(std::size_t i) const { return layer.plan.frame(places[i]); }
  torch::Tensor source(std::int64_t frame) const {
    return picture_of(crop.of(planes_of(bytes_of(clip.frames, frame))));
  }
  /// A flow at 1/4 of the size for every pixel of the crop.
  torch::Tensor flow(const torch::Tensor& quarter) const {
    return crop.of_flow(
        whole_size(quarter, clip.frames.header().height, clip.frames.header().width));
  }
};

/// The flows of a sample, all estimated at once.
class BaseSampler::Flows {
 public:
  Flows(const Draw& draw, std::size_t unroll, const BaseMotion& motion) {
    std::vector<BasePair> pairs;
    const auto ask = [&](std::size_t from, std::size_t towards) {
      if (!index_.emplace(std::pair(from, towards), pairs.size()).second) return;
      pairs.emplace_back(&draw.views[from], &draw.views[towards]);
    };
    for (std::size_t i = 1; i <= unroll; ++i) {
      if (draw.has_a(i)) ask(i, i - 1);
      if (draw.has_b(i)) ask(i, i + 1);
    }
    if (unroll >= 2) ask(unroll - 1, unroll);  // for the frame between the two
    flows_ = draw.dis ? BaseMotion::by_dis(pairs) : motion.by_network(pairs);
  }
  const torch::Tensor& of(std::size_t from, std::size_t towards) const {
    return flows_[index_.at({from, towards})];
  }

 private:
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> index_;
  std::vector<torch::Tensor> flows_;
};

BaseSampler::Draw BaseSampler::draw_place(Random& random) const {
  const Clip& clip = choose(uniform(random));
  const Layer& layer = clip.layers[random.below(clip.layers.size())];
  const auto& header = clip.frames.header();
  Draw draw{clip, layer, {}, {}, {}, {}};
  // At the ends of a short layer places coincide.
  const std::int64_t count = layer.plan.pictures;
  const auto choices = std::max<std::int64_t>(1, count - options_.unroll - 1);
  const auto first = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(choices)));
  for (std::int64_t i = 0; i < options_.unroll + 2; ++i) {
    draw.places.push_back(std::min(first + i, count - 1));
    const auto bytes = bytes_of(layer.pictures, draw.places.back());
    draw.views.push_back(
        {bytes, raise_base(picture_of(planes_of(bytes)), header.height, header.width)});
    draw.halves.push_back(halve(draw.views.back().raised));
  }
  const auto offset = [&](int range) {
    return 2 * static_cast<int>(random.below(static_cast<std::uint64_t>(range / 2 + 1)));
  };
  draw.crop.side = options_.crop;
  draw.crop.x = offset(header.width - options_.crop);
  draw.crop.y = offset(header.height - options_.crop);
  draw.crop.flip = random.below(2) == 1 && options_.flip;
  draw.no_next = uniform(random) < options_.no_next_share;
  draw.no_previous = uniform(random) < options_.no_previous_share;
  draw.dis = uniform(random) < options_.dis_share || !motion_.has_network();
  draw.with_edges = uniform(random) < options_.edges_share;
  draw.detail = uniform(random);
  draw.edge_seed = random.next();
  return draw;
}

BaseFrame BaseSampler::frame_of(const Draw& draw, const Flows& flows, std::size_t i,
                                bool with_memory) const {
  const int side = draw.crop.side, half = side / 2;
  const auto near = [&](bool there, std::size_t neighbour) {
    if (!there) return torch::zeros({1, 3, half, half});
    return draw.crop.of(warp(draw.halves[neighbour], flows.of(i, neighbour)), 2);
  };
  RestorerFacts facts;
  facts.scale = draw.layer.plan.scale();
  facts.interval = draw.layer.plan.interval / draw.clip.frames.header().rate();
  facts.quantiser = draw.layer.plan.quantiser;
  facts.detail = draw.detail;
  facts.has_a = draw.has_a(i);
  facts.has_b = draw.has_b(i);
  facts.has_memory = with_memory && i > 1 && facts.has_a;
  BaseFrame out;
  out.base = draw.crop.of(draw.views[i].raised);
  out.near_a = near(facts.has_a, i - 1);
  out.near_b = near(facts.has_b, i + 1);
  out.edges = draw.with_edges ? draw.crop.of(edge_map(draw.clip, draw.frame(i), draw.edge_seed), 2)
                              : torch::zeros({1, 1, half, half});
  out.source = draw.source(draw.frame(i));
  out.flow =
      i > 1 && facts.has_a ? draw.flow(flows.of(i, i - 1)) : torch::zeros({1, 2, side, side});
  out.scalars = restorer_scalars(facts);
  return out;
}

InterpolatedFrame BaseSampler::interpolated(const Draw& draw, const Flows& flows,
                                            Random& random) const {
  const auto number = [](double value) { return torch::tensor({static_cast<float>(value)}); };
  const auto last = static_cast<std::size_t>(options_.unroll);
  const auto earlier = draw.frame(last - 1), gap = draw.frame(last) - earlier;
  InterpolatedFrame out;
  out.there = number(gap >= 2 ? 1 : 0);
  const auto choices = static_cast<std::uint64_t>(std::max<std::int64_t>(1, gap - 1));
  const auto after = std::min(gap, 1 + static_cast<std::int64_t>(random.below(choices)));
  out.source = draw.source(earlier + after);
  out.flow_back = draw.flow(flows.of(last - 1, last));
  out.tau = number(gap >= 2 ? static_cast<double>(after) / static_cast<double>(gap) : 0.5);
  out.interval = number(static_cast<double>(std::max<std::int64_t>(1, gap)) /
                        draw.clip.frames.header().rate());
  return out;
}

BaseSample BaseSampler::draw(std::uint64_t seed) const {
  const torch::NoGradGuard no_grad;
  Random random(seed);
  const Draw draw = draw_place(random);
  const auto unroll = static_cast<std::size_t>(options_.unroll);
  const Flows flows(draw, unroll, motion_);
  BaseSample sample;
  sample.detail = torch::tensor({static_cast<float>(draw.detail)});
  for (std::size_t i = 1; i <= unroll; ++i) {
    sample.frames.push_back(frame_of(draw, flows, i, uniform(random) < options_.memory_share));
  }
  if (unroll >= 2) sample.interpolated = interpolated(draw, flows, random);
  return sample;
}

}  // namespace semcodec
