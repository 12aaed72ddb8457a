#include "training/base/base_sampler.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <utility>

#include "common/core/error.h"
#include "common/core/log.h"
#include "encoder/analysis/structure.h"
#include "models/generator/conditions.h"
#include "models/generator/flow_geometry.h"
#include "models/generator/restorer.h"
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

bool begins_with_one(const std::string& name, const std::vector<std::string>& starts) {
  return std::any_of(starts.begin(), starts.end(),
                     [&](const std::string& start) { return name.rfind(start, 0) == 0; });
}

}  // namespace

BaseSampler::BaseSampler(const std::string& folder, const BaseSamplerOptions& options, Part part,
                         const std::vector<std::string>& names)
    : options_(options), motion_(options.flow) {
  namespace fs = std::filesystem;
  std::vector<std::string> paths;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    if (entry.path().extension() != ".frames") continue;
    const bool named = begins_with_one(entry.path().stem().string(), names);
    if (named == (part == Part::only)) paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());  // the same order on every file system
  for (const auto& path : paths) add_clip(path);
  require(!clips_.empty(), ErrorKind::input,
          "No clip with base layers" +
              std::string(part == Part::only ? " and of those names" : "") + " in " + folder +
              "; make them with `semcodec-train prepare --base N --expand`.");
  for (const auto& clip : clips_) total_weight_ += clip.weight;
}

void BaseSampler::add_clip(const std::string& path) {
  // Weight of the square root of the length, which counts up to here.
  constexpr double kLongest = 360;
  namespace fs = std::filesystem;
  Clip clip{FrameStore(path), {}, {}, 0};
  const auto& header = clip.frames.header();
  require(header.channels == 3, ErrorKind::input, path + " holds no colour pictures.");
  if (header.width < options_.crop || header.height < options_.crop) {
    log::warning(path + " is smaller than the crop of " + std::to_string(options_.crop) +
                 " pixels. Skipped.");
    return;
  }
  for (const auto& base : base_layers_of(path)) {
    const BasePlan plan = read_base_plan(base);
    const auto pictures = pictures_path(base);
    require(fs::exists(pictures), ErrorKind::input,
            pictures + " is missing; make it with `semcodec-train prepare --expand`.");
    Layer layer{plan, FrameStore(pictures)};
    const auto& small = layer.pictures.header();
    require(plan.coded_width == header.width && plan.coded_height == header.height &&
                static_cast<std::uint64_t>(plan.frame(plan.pictures - 1)) < header.frames &&
                small.width == plan.width && small.height == plan.height && small.channels == 3 &&
                small.frames == static_cast<std::uint64_t>(plan.pictures),
            ErrorKind::corrupt,
            base + ", its pictures and " + path + " do not belong together; make them again.");
    if (plan.pictures >= 2) clip.layers.push_back(std::move(layer));
  }
  if (clip.layers.empty()) {
    log::warning(path + " has no base layer. Skipped.");
    return;
  }
  const auto edges = fs::path(path).replace_extension(".edges").string();
  if (options_.edges_share > 0) {
    clip.edges.emplace_back(edges);
    const auto& map = clip.edges.front().header();
    require(map.width == header.width && map.height == header.height && map.channels == 1 &&
                map.frames == header.frames,
            ErrorKind::input, edges + " does not belong to " + path + "; make both again.");
  }
  clip.weight = std::sqrt(std::min(static_cast<double>(header.frames), kLongest));
  const auto name = fs::path(path).stem().string();
  for (const auto& [start, weight] : options_.clip_weights) {
    if (name.rfind(start, 0) == 0) clip.weight *= weight;
  }
  clips_.push_back(std::move(clip));
}

std::size_t BaseSampler::layers() const {
  std::size_t sum = 0;
  for (const auto& clip : clips_) sum += clip.layers.size();
  return sum;
}

std::uint64_t BaseSampler::frames() const {
  std::uint64_t sum = 0;
  for (const auto& clip : clips_) sum += clip.frames.size();
  return sum;
}

const BaseSampler::Clip& BaseSampler::choose(double share) const {
  double left = share * total_weight_;
  for (const auto& clip : clips_) {
    left -= clip.weight;
    if (left < 0) return clip;
  }
  return clips_.back();
}

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
  bool no_next = false, no_previous = false;

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

/// The flows of a sample, all estimated at once. Keys: the place of a frame and of the one that its
/// flow leads to.
class BaseSampler::Flows {
 public:
  Flows(const Draw& draw, std::size_t unroll, const BaseMotion& motion, bool dis) {
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
    flows_ = dis ? BaseMotion::by_dis(pairs) : motion.by_network(pairs);
  }
  const torch::Tensor& of(std::size_t from, std::size_t towards) const {
    return flows_[index_.at({from, towards})];
  }

 private:
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> index_;
  std::vector<torch::Tensor> flows_;
};

BaseSample BaseSampler::draw(std::uint64_t seed) const {
  const torch::NoGradGuard no_grad;
  Random random(seed);
  const Clip& clip = choose(uniform(random));
  const Layer& layer = clip.layers[random.below(clip.layers.size())];
  const auto& header = clip.frames.header();
  const auto unroll = static_cast<std::size_t>(options_.unroll);
  Draw draw{clip, layer, {}, {}, {}, {}};

  // At the ends of a short layer places coincide, and a neighbour that is the frame itself counts
  // as none.
  const std::int64_t count = layer.plan.pictures;
  const auto choices = std::max<std::int64_t>(1, count - options_.unroll - 1);
  const auto first = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(choices)));
  for (std::size_t i = 0; i < unroll + 2; ++i) {
    draw.places.push_back(std::min(first + static_cast<std::int64_t>(i), count - 1));
    const auto bytes = bytes_of(layer.pictures, draw.places.back());
    draw.views.push_back(
        {bytes, raise_base(picture_of(planes_of(bytes)), header.height, header.width)});
    draw.halves.push_back(halve(draw.views.back().raised));
  }
  const auto offset = [&](int range) {
    return 2 * static_cast<int>(random.below(static_cast<std::uint64_t>(range / 2 + 1)));
  };
  Crop& crop = draw.crop;
  crop.side = options_.crop;
  crop.x = offset(header.width - crop.side);
  crop.y = offset(header.height - crop.side);
  crop.flip = random.below(2) == 1 && options_.flip;
  draw.no_next = uniform(random) < options_.no_next_share;
  draw.no_previous = uniform(random) < options_.no_previous_share;
  const bool dis = uniform(random) < options_.dis_share || !motion_.has_network();
  const bool with_edges = uniform(random) < options_.edges_share;
  const double detail = uniform(random);
  const auto edge_seed = random.next();
  const Flows flows(draw, unroll, motion_, dis);

  BaseSample sample;
  sample.detail = torch::tensor({static_cast<float>(detail)});
  const int half = crop.side / 2;
  for (std::size_t i = 1; i <= unroll; ++i) {
    const auto near = [&](bool there, std::size_t neighbour) {
      if (!there) return torch::zeros({1, 3, half, half});
      return crop.of(warp(draw.halves[neighbour], flows.of(i, neighbour)), 2);
    };
    RestorerFacts facts;
    facts.scale = layer.plan.scale();
    facts.interval = layer.plan.interval / header.rate();
    facts.quantiser = layer.plan.quantiser;
    facts.detail = detail;
    facts.has_a = draw.has_a(i);
    facts.has_b = draw.has_b(i);
    facts.has_memory = uniform(random) < options_.memory_share && i > 1 && facts.has_a;
    BaseFrame out;
    out.base = crop.of(draw.views[i].raised);
    out.near_a = near(facts.has_a, i - 1);
    out.near_b = near(facts.has_b, i + 1);
    out.edges = with_edges ? crop.of(edge_map(clip, draw.frame(i), edge_seed), 2)
                           : torch::zeros({1, 1, half, half});
    out.source = draw.source(draw.frame(i));
    out.flow = i > 1 && facts.has_a ? draw.flow(flows.of(i, i - 1))
                                    : torch::zeros({1, 2, crop.side, crop.side});
    out.scalars = restorer_scalars(facts);
    sample.frames.push_back(std::move(out));
  }
  if (unroll < 2) return sample;
  const auto earlier = draw.frame(unroll - 1), later = draw.frame(unroll);
  const bool there = later - earlier >= 2;
  const auto between = there ? earlier + 1 +
                                   static_cast<std::int64_t>(random.below(
                                       static_cast<std::uint64_t>(later - earlier - 1)))
                             : later;
  const auto number = [](double value) { return torch::tensor({static_cast<float>(value)}); };
  auto& out = sample.interpolated;
  out.source = draw.source(between);
  out.flow_back = draw.flow(flows.of(unroll - 1, unroll));
  out.tau = number(
      there ? static_cast<double>(between - earlier) / static_cast<double>(later - earlier) : 0.5);
  out.interval =
      number(static_cast<double>(std::max<std::int64_t>(1, later - earlier)) / header.rate());
  out.there = number(there ? 1 : 0);
  return sample;
}

}  // namespace semcodec
